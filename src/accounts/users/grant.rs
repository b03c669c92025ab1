//! Giving roles and permissions to a user, and taking them away: for operators, not for the person.

use crate::{
    accounts::{
        Accounts,
        error::Error,
        grants::{Grants, TooManyGrants},
        keys::Home,
        user::{Stored, User},
    },
    store::{Batch, CommitError, Expectation},
};

/// Why a user has not what they were to have.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Nobody has this login.
    #[error("there is no user with this login")]
    UserNotFound,
    /// The user would have more than they may.
    #[error(transparent)]
    TooMany(#[from] TooManyGrants),
    /// The store failed, or others kept changing the user.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Accounts {
    /// Gives the user with this login `more`, and answers the user as they are then. What they have already, they keep.
    ///
    /// # Errors
    /// [`GrantError`], which says for each case why.
    pub async fn grant(&self, login: &str, more: &Grants) -> Result<User, GrantError> {
        self.change_grants(login, |grants| grants.with(more)).await
    }

    /// Takes `less` away from the user with this login, and answers the user as they are then.
    ///
    /// # Errors
    /// [`GrantError`], which says for each case why.
    pub async fn revoke(&self, login: &str, less: &Grants) -> Result<User, GrantError> {
        self.change_grants(login, |grants| Ok(grants.without(less))).await
    }

    async fn change_grants(
        &self,
        login: &str,
        change: impl Fn(&Grants) -> Result<Grants, TooManyGrants>,
    ) -> Result<User, GrantError> {
        let mut retry = self.retry();
        loop {
            let found = self.find_login(login).await?;
            let Stored { value: user, revision } = found.ok_or(GrantError::UserNotFound)?;
            let grants = change(&user.grants)?;
            if grants == user.grants {
                return Ok(user);
            }
            let next = User { grants, version: user.version + 1, updated_at: self.clock.now(), ..user.clone() };
            let home = Home::of(user.id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(revision));
            super::write(&mut batch, Some(&user), &next);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(Error::from(e).into()),
            }
        }
    }
}
