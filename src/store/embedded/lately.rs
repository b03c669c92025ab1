//! Something that is remembered for a while.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// Whether something happened lately.
#[derive(Debug)]
pub(super) struct Lately {
    begun: Instant,
    memory: Duration,
    /// When it is forgotten, in milliseconds since `begun`.
    until: AtomicU64,
}

impl Lately {
    /// It has not happened, and is remembered for so long once it has.
    pub(super) fn never(memory: Duration) -> Self {
        Self { begun: Instant::now(), memory, until: AtomicU64::new(0) }
    }

    /// It happens.
    pub(super) fn note(&self, now: Instant) {
        self.until.store(self.millis(now + self.memory), Ordering::Relaxed);
    }

    /// Whether it is remembered.
    pub(super) fn is_noted(&self, now: Instant) -> bool {
        self.millis(now) < self.until.load(Ordering::Relaxed)
    }

    fn millis(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.begun).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_remembered_for_a_while() {
        let (memory, moment) = (Duration::from_secs(10), Duration::from_millis(1));
        let lately = Lately::never(memory);
        let now = Instant::now();
        assert!(!lately.is_noted(now));
        lately.note(now);
        assert!(lately.is_noted(now));
        assert!(lately.is_noted(now + memory - moment));
        assert!(!lately.is_noted(now + memory));
        lately.note(now + moment);
        assert!(lately.is_noted(now + memory), "since the last time");
    }
}
