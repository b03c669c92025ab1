//! Sessions whose refresh failed since the store did not answer. Their people do not know whether their token is used up,
//! so they have longer than others to come again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::refresh::GRACE;
use crate::accounts::{clock::Timestamp, user::SessionId};

/// How long after the last failure they have.
const PATIENCE: Duration = Duration::from_secs(120);

/// As many sessions are remembered. Beyond that, those who come later have no longer than others.
const MOST: usize = 10_000;

/// The sessions in doubt, as far as this instance knows.
#[derive(Debug, Default)]
pub(in crate::accounts) struct InDoubt(Mutex<HashMap<SessionId, Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    first: Timestamp,
    last: Timestamp,
}

impl Failures {
    fn count(&self, now: Timestamp) -> bool {
        now < self.last.plus(PATIENCE)
    }
}

impl InDoubt {
    /// A refresh of this session failed.
    pub(in crate::accounts) fn note(&self, session: SessionId, now: Timestamp) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST {
            sessions.retain(|_, failures| failures.count(now));
        }
        if sessions.len() < MOST || sessions.contains_key(&session) {
            let known = sessions.get(&session).filter(|failures| failures.count(now));
            let first = known.map_or(now, |failures| failures.first.min(now));
            sessions.insert(session, Failures { first, last: now });
        }
    }

    /// Whether a secret of this session that was used at `at` was just used: [`GRACE`] ago at the most, or since its
    /// refresh began to fail.
    pub(in crate::accounts) fn is_just(&self, session: SessionId, at: Timestamp, now: Timestamp) -> bool {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&session).copied();
        let in_doubt = |failures: Failures| failures.count(now) && failures.first < at.plus(GRACE);
        now < at.plus(GRACE) || failures.is_some_and(in_doubt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u128) -> SessionId {
        SessionId::from_bytes(n.to_be_bytes())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    #[test]
    fn who_got_no_answer_has_longer_to_come_again() {
        let doubt = InDoubt::default();
        assert!(doubt.is_just(session(1), at(0), at(9)) && !doubt.is_just(session(1), at(0), at(10)));
        for second in [2, 15, 100] {
            doubt.note(session(1), at(second));
        }
        assert!(doubt.is_just(session(1), at(0), at(219)), "the answer was lost when the outage began");
        assert!(!doubt.is_just(session(1), at(0), at(220)));
        assert!(doubt.is_just(session(1), at(-7), at(101)), "it was just used when the outage began");
        assert!(!doubt.is_just(session(1), at(-8), at(101)), "it was used long before the outage");
        assert!(!doubt.is_just(session(2), at(0), at(101)), "the doubt is of one session");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let doubt = InDoubt::default();
        for n in 0..2 * MOST as u128 {
            doubt.note(session(n), at(0));
        }
        assert_eq!(doubt.0.lock().unwrap().len(), MOST);
        doubt.note(session(1), at(121));
        assert_eq!(doubt.0.lock().unwrap().len(), 1, "what is long over makes room");
    }
}
