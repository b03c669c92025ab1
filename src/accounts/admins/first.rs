//! The first administrator, whom nobody can have made.

use std::sync::Arc;

use crate::accounts::{
    Accounts, EmailAddress, NewAccount, authority::Authority, claims::Handle, error::Error, grants::Grants,
    user::UserId,
};

/// What came of making the first administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstAdmin {
    /// This user was made and sent an invitation.
    Invited(UserId),
    /// Somebody is an administrator already.
    IsThere,
    /// The address has an account, which stays what it is: whoever registered it first need not be who was meant.
    HasAccount,
}

impl Accounts {
    /// Makes an account with the role `admin` and without a password, and mails an invitation there, unless somebody is an
    /// administrator.
    ///
    /// # Errors
    /// [`Error::Contended`] and the errors of the store.
    pub async fn invite_first_admin(self: &Arc<Self>, email: EmailAddress) -> Result<FirstAdmin, Error> {
        let address = Handle::email(&email);
        let mut retry = self.retry();
        while !self.has_admin().await? {
            let account = NewAccount { grants: Grants::admin(), invite: true, ..NewAccount::of(email.clone()) };
            match self.create_user(Authority::operator(), account).await {
                Ok(user) => return Ok(FirstAdmin::Invited(user.id)),
                Err(Error::EmailTaken) => {}
                Err(e) => return Err(e),
            }
            // Another instance may have been first, or is about to be.
            if self.is_taken(&address).await? && !self.has_admin().await? {
                return Ok(FirstAdmin::HasAccount);
            }
            retry.pause().await?;
        }
        Ok(FirstAdmin::IsThere)
    }
}
