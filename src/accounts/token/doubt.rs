//! When the store did not answer those who refresh. They do not know whether their token is used up, so they have no less
//! time to come again than others, once the store answers.

use std::sync::{Mutex, PoisonError};

use super::refresh::GRACE;
use crate::accounts::clock::Timestamp;

/// The last time that the store was away, as far as this instance knows.
#[derive(Debug, Default)]
pub(in crate::accounts) struct Doubt(Mutex<Option<Outage>>);

#[derive(Clone, Copy, Debug)]
struct Outage {
    begun: Timestamp,
    last_failure: Timestamp,
}

impl Doubt {
    /// Somebody could not refresh at this moment.
    pub(in crate::accounts) fn note(&self, now: Timestamp) {
        let mut outage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = outage.filter(|outage| now < outage.last_failure.plus(GRACE));
        *outage = Some(Outage { begun: goes_on.map_or(now, |outage| outage.begun), last_failure: now });
    }

    /// Whether a secret that was used at `at` was just used: [`GRACE`] ago at the most, not counting an outage.
    pub(in crate::accounts) fn is_just(&self, at: Timestamp, now: Timestamp) -> bool {
        let outage = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let in_doubt = |outage: Outage| outage.begun < at.plus(GRACE) && now < outage.last_failure.plus(GRACE);
        now < at.plus(GRACE) || outage.is_some_and(in_doubt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    #[test]
    fn an_outage_does_not_count() {
        let doubt = Doubt::default();
        assert!(doubt.is_just(at(0), at(9)) && !doubt.is_just(at(0), at(10)));
        for second in (2..=30).step_by(2) {
            doubt.note(at(second));
        }
        assert!(doubt.is_just(at(0), at(39)), "the answer was lost when the outage began");
        assert!(!doubt.is_just(at(0), at(40)));
        assert!(!doubt.is_just(at(-10), at(31)), "it was used long before the outage");
    }

    #[test]
    fn two_outages_are_not_one() {
        let doubt = Doubt::default();
        doubt.note(at(2));
        doubt.note(at(100));
        assert!(!doubt.is_just(at(0), at(101)) && doubt.is_just(at(99), at(109)));
    }
}
