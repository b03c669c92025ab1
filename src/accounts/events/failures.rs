//! Failed sign-ins. They are noted behind the answer, and for a login that nobody has the store does the same work as for
//! one that somebody has, down to the line in a log: so no time tells who has an account.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tracing::Instrument;

use super::{Act, EventKind};
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        clock::Timestamp,
        error::Error,
        keys::{self, Home},
        user::{Stored, UserId},
        users,
    },
    store::{Batch, CommitError, Expectation, in_one_request},
};

/// As many failures are being noted at once. What is more than that is only counted, and told in the log.
const MOST: u16 = 256;

/// The failures that this instance is noting.
#[derive(Debug)]
pub(in crate::accounts) struct Failures {
    room: Arc<Semaphore>,
    /// How many were not noted since the log was told.
    missing: AtomicU64,
}

impl Default for Failures {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(MOST.into())), missing: AtomicU64::new(0) }
    }
}

impl Failures {
    /// Waits until those that are being noted are, or cannot be.
    pub(in crate::accounts) async fn settle(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.room.acquire_many(MOST.into())).await;
    }
}

impl Accounts {
    /// Notes that somebody did not get in: at the account of the user, if the login was somebody's. Nobody waits for it.
    pub(in crate::accounts) fn note_failed_sign_in(
        self: &Arc<Self>,
        user: Option<UserId>,
        login: &str,
        origin: Origin,
    ) {
        let home = Home::of(user.unwrap_or_else(|| UserId::of_nobody(login)));
        self.note_behind(home, Act::new(EventKind::SignInFailed, origin));
    }

    /// Notes that somebody who is signed in did not know the password. Nobody waits for it.
    pub(in crate::accounts) fn note_failed_reauthentication(self: &Arc<Self>, user: UserId, origin: Origin) {
        self.note_behind(Home::of(user), Act::new(EventKind::ReauthenticationFailed, origin));
    }

    fn note_behind(self: &Arc<Self>, home: Home, act: Act) {
        let failures = &self.failures;
        let Ok(permit) = Arc::clone(&failures.room).try_acquire_owned() else {
            failures.missing.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let missing = failures.missing.swap(0, Ordering::Relaxed);
        if missing > 0 {
            tracing::warn!(missing, "there were too many failed sign-ins at once to note them all");
        }
        let accounts = Arc::clone(self);
        let note = async move {
            if let Err(error) = accounts.write_failure(home, act, accounts.clock.now()).await {
                tracing::warn!(%error, "a failed sign-in could not be noted");
            }
            drop(permit);
        };
        tokio::spawn(in_one_request(note).in_current_span());
    }

    /// The commit expects the user as they were found, so that nothing is noted of one who is deleted meanwhile. Nothing
    /// is found of nobody, and that is expected too.
    async fn write_failure(&self, home: Home, act: Act, now: Timestamp) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let found = self.find_user(home.id()).await?;
            let mut batch = Batch::new(home.slot());
            let expected = found.as_ref().map_or(Expectation::Absent, |found| Expectation::Revision(found.revision));
            batch.expect(home.user(), expected);
            if act.kind == EventKind::SignInFailed {
                users::count_today(&mut batch, keys::SIGN_IN_FAILURES, 1, now);
            }
            if found.and_then(Stored::active).is_some() {
                self.note_act(&mut batch, home, now, act.clone());
            } else {
                self.note_act_of_nobody(&mut batch, now, act.clone());
            }
            match self.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }
}
