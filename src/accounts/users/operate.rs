//! What operators do with a user, and the person does not: roles and permissions, and suspending.

use crate::{
    accounts::{
        Accounts,
        error::Error,
        grants::{Grants, TooManyGrants},
        keys::Home,
        login::Login,
        sessions,
        suspension::Suspension,
        user::{Stored, User},
    },
    store::{Batch, CommitError, Expectation},
};

/// Why a user is not what they were to be.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
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
    /// [`OperatorError`], which says for each case why.
    pub async fn grant(&self, login: &str, more: &Grants) -> Result<User, OperatorError> {
        self.change_user(login, |user| Ok(self.with_grants(user, user.grants.with(more)?))).await
    }

    /// Takes `less` away from the user with this login, and answers the user as they are then.
    ///
    /// # Errors
    /// [`OperatorError`], which says for each case why.
    pub async fn revoke(&self, login: &str, less: &Grants) -> Result<User, OperatorError> {
        self.change_user(login, |user| Ok(self.with_grants(user, user.grants.without(less)))).await
    }

    /// Ends every session of the user with this login, and lets them begin none until they are [let in again][1].
    ///
    /// # Errors
    /// [`OperatorError`], which says for each case why.
    ///
    /// [1]: Self::unsuspend
    pub async fn suspend(&self, login: &str) -> Result<User, OperatorError> {
        let now = self.clock.now();
        let suspend = |user: &User| {
            let suspension = Some(Suspension { since: now, until: None, reason: None });
            let session_epoch = user.session_epoch + u64::from(!user.is_suspended(now));
            let suspension = user.suspension.clone().filter(|_| user.is_suspended(now)).or(suspension);
            let mut next = User { session_epoch, suspension, ..user.clone() };
            // What somebody has asked for who should not have the account does not come true later.
            if next.pending_email.take().is_some() {
                next.note_change(now);
            }
            Ok(next)
        };
        self.change_user(login, suspend).await
    }

    /// Lets the user with this login sign in again. The sessions that were ended stay ended.
    ///
    /// # Errors
    /// [`OperatorError`], which says for each case why.
    pub async fn unsuspend(&self, login: &str) -> Result<User, OperatorError> {
        self.change_user(login, |user| Ok(User { suspension: None, ..user.clone() })).await
    }

    /// People see what they are granted, so other grants make another version.
    fn with_grants(&self, user: &User, grants: Grants) -> User {
        if grants == user.grants {
            return user.clone();
        }
        User { grants, version: user.version + 1, updated_at: self.clock.now(), ..user.clone() }
    }

    /// Changes a user in one commit, which also takes away the sessions that a raised epoch has ended.
    async fn change_user(
        &self,
        login: &str,
        change: impl Fn(&User) -> Result<User, TooManyGrants>,
    ) -> Result<User, OperatorError> {
        let mut retry = self.retry();
        loop {
            let found = self.find_login(&Login::read(login)).await?;
            let Stored { value: user, revision } = found.ok_or(OperatorError::UserNotFound)?;
            let next = change(&user)?;
            if next == user {
                return Ok(user);
            }
            let home = Home::of(user.id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(revision));
            if next.session_epoch != user.session_epoch {
                sessions::forget(&mut batch, home, self.session_ids(user.id).await?);
            }
            super::write(&mut batch, Some(&user), &next);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(Error::from(e).into()),
            }
        }
    }
}
