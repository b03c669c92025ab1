//! Deleting an account: one commit leaves a tombstone and nothing else of the person in their slot.

use std::{sync::Arc, time::Duration};

use super::VersionMatch;
use crate::{
    accounts::{
        Accounts,
        admins::Turn,
        detached,
        error::Error,
        keys::{self, Home},
        sessions,
        token::SignedIn,
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
        detached(async move {
            let (id, mut turn) = (who.user().id, Turn::new(accounts.random));
            let outcome = accounts.run_deletion(who, &expected, &mut turn).await;
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
            let home = Home::of(user.id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(who.user.revision));
            batch.expect(home.session(who.session().id), Expectation::Exists);
            // Signing in writes the user too, so no session can be added unseen between this read and the commit.
            sessions::forget(&mut batch, home, self.session_ids(user.id).await?);
            super::forget_confirmations(&mut batch, home);
            super::reindex(&mut batch, Some(user), None);
            batch.remove(keys::active(), user.id.to_string());
            super::bury(&mut batch, home, now);
            match self.store.commit(batch).await {
                Ok(_) => {
                    for (handle, op) in user.handles() {
                        self.release(&handle, user.id, op).await;
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            who = self.reload(&who).await?;
        }
    }
}
