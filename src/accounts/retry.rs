//! Trying again after a conflict, for as long as a client waits.

use std::time::Duration;

use tokio::time::Instant;

use super::{error::Error, random::Random};
use crate::store::{self, REQUEST_DEADLINE};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How long before the end of the request the last attempt begins, at the latest: in time for the store to answer it.
const LAST_ATTEMPT: Duration = Duration::from_millis(300);

/// The attempts of one operation: growing random pauses, and an end.
pub(super) struct Retry {
    deadline: Instant,
    pause: Duration,
    random: Random,
}

impl Retry {
    pub(super) fn new(random: Random) -> Self {
        Self {
            deadline: Instant::now() + REQUEST_DEADLINE.saturating_sub(LAST_ATTEMPT),
            pause: Duration::from_millis(1),
            random,
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// [`Error::Contended`] when there is no time for another one.
    pub(super) async fn pause(&mut self) -> Result<(), Error> {
        let [share] = self.random.bytes();
        let pause = self.pause.mul_f64(f64::from(share) / 255.0);
        if Instant::now() + pause > self.deadline || !store::pause(pause).await {
            return Err(Error::Contended);
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn attempts_go_on_until_the_last_that_can_be_answered() {
        let begun = Instant::now();
        let (mut retry, mut pauses) = (Retry::new(Random), 0);
        let last = REQUEST_DEADLINE.saturating_sub(LAST_ATTEMPT);
        assert!((begun + last..=Instant::now() + last).contains(&retry.deadline));
        while retry.pause().await.is_ok() {
            pauses += 1;
        }
        // Half of the longest pause, on average, but for the first ones; on a machine that is busy it takes longer.
        assert!((5..150).contains(&pauses), "{pauses} pauses");
        let waited = begun.elapsed();
        assert!(waited + LONGEST_PAUSE > last, "it gave up after {waited:?}");
    }

    #[tokio::test]
    async fn no_attempt_begins_after_the_last_that_can_be_answered() {
        for _ in 0..20 {
            let deadline = Instant::now();
            let mut retry = Retry { deadline, pause: LONGEST_PAUSE, random: Random };
            assert!(matches!(retry.pause().await, Err(Error::Contended)));
        }
    }
}
