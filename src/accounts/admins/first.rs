//! The first administrator, whom nobody can have made.

use std::sync::Arc;

use crate::accounts::{
    Accounts, EmailAddress, NewAccount, authority::Authority, error::Error, grants::Grants, user::UserId,
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
        if self.has_admin().await? {
            return Ok(FirstAdmin::IsThere);
        }
        let account = NewAccount { grants: Grants::admin(), invite: true, ..NewAccount::of(email) };
        match self.create_user(Authority::operator(), account).await {
            Ok(user) => Ok(FirstAdmin::Invited(user.id)),
            // Another instance may have been first.
            Err(Error::EmailTaken) if self.has_admin().await? => Ok(FirstAdmin::IsThere),
            Err(Error::EmailTaken) => Ok(FirstAdmin::HasAccount),
            Err(e) => Err(e),
        }
    }
}
