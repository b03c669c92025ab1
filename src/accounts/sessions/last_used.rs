//! When a session was last used. It is noted behind the back of the request that uses it, and once a minute.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tracing::Instrument;

use crate::{
    accounts::{
        Accounts,
        keys::Home,
        sessions::keep,
        token::SignedIn,
        user::{Session, SessionId, Stored},
    },
    store::{Batch, CommitError, Expectation, in_one_request},
};

/// How exactly it is known when a session was last used.
const EVERY: Duration = Duration::from_secs(60);

/// As many sessions are noted at once. What is more than that comes with a later request.
const MOST: usize = 256;

/// The sessions that are being noted by this instance, so that none is noted twice at once.
#[derive(Debug, Default)]
pub(in crate::accounts) struct BeingNoted(Mutex<HashSet<SessionId>>);

impl BeingNoted {
    fn begin(&self, session: SessionId) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.len() < MOST && noted.insert(session)
    }

    fn end(&self, session: SessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
    }
}

/// A session that is being noted, until this is dropped.
struct Noting(Arc<Accounts>, SessionId);

impl Drop for Noting {
    fn drop(&mut self) {
        self.0.being_noted.end(self.1);
    }
}

impl Accounts {
    /// Notes that a session is used, if that is not known of this minute. Nobody waits for it.
    pub(in crate::accounts) fn note_use(self: &Arc<Self>, who: &SignedIn) {
        let Stored { value: session, revision } = &who.session;
        let is_known = self.clock.now() < session.last_used_at.plus(EVERY);
        if is_known || !self.being_noted.begin(session.id) {
            return;
        }
        let noting = Noting(Arc::clone(self), session.id);
        let (home, session) = (Home::of(who.user().id), Stored { value: session.clone(), revision: *revision });
        let note = async move { noting.0.write_use(home, session).await };
        tokio::spawn(in_one_request(note).in_current_span());
    }

    /// The write expects the session to be as it was read, so one that has ended meanwhile stays ended. It does not matter
    /// whether it succeeds: the next request notes it again.
    async fn write_use(&self, home: Home, session: Stored<Session>) {
        let Stored { value: mut session, revision } = session;
        session.note_use(self.clock.now(), &self.settings.sessions);
        let mut batch = Batch::new(home.slot());
        batch.expect(home.session(session.id), Expectation::Revision(revision));
        keep(&mut batch, home, &session);
        match self.store.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict) => {}
            Err(error) => tracing::debug!(%error, "it could not be noted that a session is used"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{clock::Timestamp, random::Random};

    #[test]
    fn a_session_is_noted_once_at_a_time_and_so_many_of_them() {
        let noted = BeingNoted::default();
        let ids = (0..=MOST).map(|_| SessionId::new(Timestamp::from_millis(0), Random)).collect::<Vec<_>>();
        let (last, others) = ids.split_last().unwrap();
        assert!(others.iter().all(|id| noted.begin(*id)));
        assert!(!noted.begin(*last), "there is no room");
        noted.end(others[7]);
        assert!(!noted.begin(others[8]), "it is being noted");
        assert!(noted.begin(*last));
        assert!(!noted.begin(others[7]), "there is no room again");
    }
}
