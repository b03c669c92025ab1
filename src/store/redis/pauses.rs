//! The pauses between the attempts at one thing.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause before asking again; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The pauses between attempts.
pub(super) struct Pauses {
    next: Duration,
    deadline: Instant,
}

impl Pauses {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { next: PAUSE, deadline }
    }

    /// Grants more time.
    pub(super) fn extend(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Whether there is time for another attempt.
    pub(super) fn is_one_left(&self) -> bool {
        Instant::now() + self.next <= self.deadline
    }

    /// Waits before the next attempt.
    pub(super) async fn pause(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In real time: the pauses are what is held.
    #[tokio::test]
    async fn pauses_grow_while_there_is_time_for_the_next() {
        let now = Instant::now();
        let mut pauses = Pauses::until(now + PAUSE / 2);
        assert!(!pauses.is_one_left());
        pauses.extend(now + Duration::from_secs(3600));
        assert!(pauses.is_one_left());
        for expected in [20, 40, 80, 160, 200, 200] {
            pauses.pause().await;
            assert_eq!(pauses.next, Duration::from_millis(expected));
        }
        assert!(now.elapsed() >= Duration::from_millis(10 + 20 + 40 + 80 + 160 + 200));
    }
}
