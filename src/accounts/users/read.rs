//! Looking at a user.

use crate::accounts::{
    Accounts,
    authority::Authority,
    capability::Capability,
    error::Error,
    user::{Stored, User, UserId},
};

impl Accounts {
    /// The user with this id.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::UserNotFound`]; the errors of the store.
    pub async fn user(&self, by: &Authority, id: UserId) -> Result<User, Error> {
        by.needs(Capability::ReadUsers)?;
        self.find_active(id).await.map(|user| user.value)
    }

    pub(in crate::accounts) async fn find_active(&self, id: UserId) -> Result<Stored<User>, Error> {
        self.find_user(id).await?.and_then(Stored::active).ok_or(Error::UserNotFound)
    }
}
