//! One letter: to whom, of which kind, and the secret in it.

use std::{fmt, str::FromStr, time::Duration};

use zeroize::Zeroizing;

use super::template::Field;

/// A letter to one person.
#[derive(Clone)]
pub struct Letter {
    /// What this letter is known by, the same each time it is tried: it becomes the `Message-ID` and the name of the file.
    /// 1 to 64 characters of `A-Z a-z 0-9 - _`.
    pub id: String,
    /// The address it goes to.
    pub to: String,
    /// What it is about.
    pub kind: LetterKind,
    /// The languages that the person reads, the best first: BCP 47 tags. When there is no text in any of them, it is in
    /// English.
    pub languages: Vec<String>,
    /// What only this letter says, if its kind has such a thing.
    pub secret: Option<LetterSecret>,
}

impl fmt::Debug for Letter {
    /// An address is personal: it does not go into a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The secrets of a letter, which are wiped when it is dropped.
#[derive(Clone)]
pub struct LetterSecret {
    /// What the link holds.
    pub token: Zeroizing<String>,
    /// How long the link is good.
    pub token_lasts: Duration,
    /// A code for people on another device, and how long it is good. Those that [have one](LetterKind::has_code)
    /// need it; the others do not show it.
    pub code: Option<(Zeroizing<String>, Duration)>,
}

impl fmt::Debug for LetterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LetterSecret(…)")
    }
}

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LetterKind {
    /// The address is to be confirmed: a link and a code.
    Verification,
    /// The account is to have this address: a link and a code to confirm it.
    EmailChange,
    /// A new password can be set: a link and a code.
    PasswordReset,
    /// An account was made for somebody: a link to set its first password.
    Invitation,
    /// Somebody wanted to use an address that has an account.
    AlreadyRegistered,
    /// The account has another address now: a link to undo that, to the former one.
    EmailChanged,
    /// The same, to a former address that cannot undo it.
    EmailReplaced,
    /// The password was changed.
    PasswordChanged,
}

/// No kind of letter has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind of letter has this name")]
pub struct UnknownLetterKind;

impl LetterKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Verification,
        Self::EmailChange,
        Self::PasswordReset,
        Self::Invitation,
        Self::AlreadyRegistered,
        Self::EmailChanged,
        Self::EmailReplaced,
        Self::PasswordChanged,
    ];

    /// Its name in records and of the files of its templates, which stays.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::EmailChange => "email_change",
            Self::PasswordReset => "password_reset",
            Self::Invitation => "invitation",
            Self::AlreadyRegistered => "already_registered",
            Self::EmailChanged => "email_changed",
            Self::EmailReplaced => "email_replaced",
            Self::PasswordChanged => "password_changed",
        }
    }

    /// What both forms of its text must have.
    pub(super) fn needs(self) -> &'static [Field] {
        match self {
            Self::Verification | Self::EmailChange | Self::PasswordReset => &[Field::Link, Field::Code],
            Self::Invitation | Self::EmailChanged => &[Field::Link],
            Self::AlreadyRegistered | Self::EmailReplaced | Self::PasswordChanged => &[],
        }
    }

    /// Whether it has a code beside its link.
    #[must_use]
    pub fn has_code(self) -> bool {
        self.takes().contains(&Field::Code)
    }

    /// What its text may have.
    pub(super) fn takes(self) -> &'static [Field] {
        match self {
            Self::Verification | Self::EmailChange | Self::PasswordReset => &Field::ALL,
            Self::Invitation | Self::EmailChanged => &[Field::Product, Field::Email, Field::Link, Field::Lifetime],
            Self::AlreadyRegistered | Self::EmailReplaced | Self::PasswordChanged => &[Field::Product, Field::Email],
        }
    }
}

impl fmt::Display for LetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LetterKind {
    type Err = UnknownLetterKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(UnknownLetterKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in LetterKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert!(kind.needs().iter().all(|field| kind.takes().contains(field)), "{kind}");
        }
        assert_eq!("Verification".parse::<LetterKind>(), Err(UnknownLetterKind));
    }

    #[test]
    fn neither_the_address_nor_a_secret_is_shown() {
        let code = Some((Zeroizing::new("123456".to_owned()), Duration::ZERO));
        let secret = LetterSecret { token: Zeroizing::new("token".to_owned()), token_lasts: Duration::ZERO, code };
        assert_eq!(format!("{secret:?}"), "LetterSecret(…)");
        let (id, to, kind) = ("1".to_owned(), "ada@example.com".to_owned(), LetterKind::Verification);
        let letter = Letter { id, to, kind, languages: Vec::new(), secret: Some(secret) };
        assert_eq!(format!("{letter:?}"), "Letter { id: \"1\", kind: Verification, .. }");
    }
}
