//! What somebody signs in with, read.

use super::{claims::Handle, email::EmailAddress, user::UserId, username::Username};

/// What somebody signs in with, whether or not there is such an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// A user id.
    Id(UserId),
    /// An email address or a username.
    Handle(Handle),
    /// What nobody can have.
    Nobody(String),
}

impl Login {
    /// Reads what was typed.
    pub(super) fn read(typed: &str) -> Self {
        if let Ok(id) = typed.parse() {
            return Self::Id(id);
        }
        let email = EmailAddress::parse(typed).map(|address| Handle::email(&address));
        let handle = email.or_else(|_| Username::parse(typed.trim()).map(|username| Handle::username(&username)));
        handle.map_or_else(|_| Self::Nobody(typed.to_owned()), Self::Handle)
    }

    /// Its one form, whatever was typed for it.
    pub(super) fn canonical(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Handle(handle) => handle.canonical.clone(),
            Self::Nobody(typed) => typed.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_the_same_in_every_spelling() {
        let ada = Login::read("ada@example.com");
        assert_eq!(Login::read(" ADA@Example.com "), ada);
        assert_eq!(Login::read("Ada_L"), Login::read(" ada_l"));
        assert_ne!(Login::read("ada@example.org"), ada);
        assert_eq!(Login::read("?"), Login::Nobody("?".to_owned()));
    }
}
