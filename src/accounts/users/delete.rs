//! Deleting an account: one commit leaves a tombstone and nothing else of the person in their slot.

use std::{sync::Arc, time::Duration};

use super::VersionMatch;
use crate::{
    accounts::{
        Accounts,
        admins::Turn,
        authority::{Authority, Origin},
        capability::Capability,
        clock::Timestamp,
        detached,
        error::Error,
        keys::{self, Home},
        sessions,
        token::SignedIn,
        user::{Stored, User, UserId},
    },
    store::{Batch, CommitError, Expectation},
};

/// How long ago the password may have been given.
const FRESH: Duration = Duration::from_secs(10 * 60);

impl Accounts {
    /// Deletes the account of the person who is signed in, with every session. Their email address and username are
    /// free at once.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`] when the password was given more than 10 minutes ago;
    /// [`Error::VersionMismatch`] when `expected` does not hold; [`Error::LastAdmin`] when nobody else is an
    /// administrator; [`Error::TokenInvalid`] when the session has ended
    /// meanwhile; [`Error::Contended`] and the errors of the store.
    pub async fn delete_user(self: &Arc<Self>, who: SignedIn, expected: VersionMatch) -> Result<(), Error> {
        let accounts = Arc::clone(self);
        detached("delete_user", async move {
            let (id, mut turn) = (who.user().id, Turn::new(accounts.random, false));
            let outcome = accounts.run_deletion(who, &expected, &mut turn).await;
            accounts.settle_turn(id, &turn, &outcome).await;
            outcome
        })
        .await
    }

    /// Deletes the account of a user, with every session.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::UserNotFound`]; [`Error::VersionMismatch`];
    /// [`Error::LastAdmin`]; [`Error::Contended`] and the errors of the store.
    pub async fn delete_managed_user(
        self: &Arc<Self>,
        by: Authority,
        id: UserId,
        expected: VersionMatch,
    ) -> Result<(), Error> {
        by.needs(Capability::DeleteUsers)?;
        by.expect_another(id)?;
        let accounts = Arc::clone(self);
        detached("delete_managed_user", async move {
            let mut turn = Turn::new(accounts.random, false);
            let outcome = accounts.run_managed_deletion(&by, id, &expected, &mut turn).await;
            accounts.settle_turn(id, &turn, &outcome).await;
            outcome
        })
        .await
    }

    async fn run_deletion(&self, mut who: SignedIn, expected: &VersionMatch, turn: &mut Turn) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let user = who.user();
            let now = self.clock.now();
            if now > who.session().authenticated_at.plus(FRESH) {
                return Err(Error::ReauthenticationRequired);
            }
            expected.check(user)?;
            self.take_turn(user, None, turn).await?;
            let mut batch = self.deletion_of(&who.user, who.origin(), now).await?;
            batch.expect(Home::of(user.id).session(who.session().id), Expectation::Exists);
            if self.delete(batch, user).await? {
                return Ok(());
            }
            retry.pause().await?;
            who = self.reload(&who).await?;
        }
    }

    async fn run_managed_deletion(
        &self,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let user = self.find_active(id).await?;
            by.may_act_on(&user.value)?;
            expected.check(&user.value)?;
            self.take_turn(&user.value, None, turn).await?;
            let batch = self.deletion_of(&user, by.origin(), self.clock.now()).await?;
            if self.delete(batch, &user.value).await? {
                return Ok(());
            }
            retry.pause().await?;
        }
    }

    /// What deletes a user as they were read: all that is in their slot goes.
    async fn deletion_of(&self, user: &Stored<User>, by: Origin, now: Timestamp) -> Result<Batch, Error> {
        let Stored { value: user, revision } = user;
        let home = Home::of(user.id);
        let mut batch = Batch::new(home.slot());
        batch.expect(home.user(), Expectation::Revision(*revision));
        // Signing in writes the user too, so no session can be added unseen between this read and the commit.
        sessions::forget(&mut batch, home, self.ids_to_end(user.id).await?);
        super::forget_confirmations(&mut batch, home);
        super::reindex(&mut batch, Some(user), None);
        batch.remove(keys::active(), user.id.to_string());
        Self::note_deletion(&mut batch, home, by, now);
        super::bury(&mut batch, home, now);
        Ok(batch)
    }

    /// Commits the deletion of a user, and lets what they held go. False means that they have changed.
    async fn delete(&self, batch: Batch, user: &User) -> Result<bool, Error> {
        match self.store.commit(batch).await {
            Ok(_) => {
                for (handle, op) in user.handles() {
                    self.release(&handle, user.id, op).await;
                }
                Ok(true)
            }
            Err(CommitError::Conflict) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }
}
