//! Whether the disk was slow a moment ago. Then nothing is read on the threads of the runtime: each of them waits for a disk
//! that hangs at most once.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// A read that takes longer waited for the disk, or for its turn on a busy machine.
const SLOW: Duration = Duration::from_millis(20);

/// For how long a slow read is remembered.
const MEMORY: Duration = Duration::from_secs(10);

/// When the last slow read is forgotten, in milliseconds since `begun`.
#[derive(Debug)]
pub(super) struct SlowDisk {
    begun: Instant,
    until: AtomicU64,
}

impl SlowDisk {
    /// Nothing is known of the disk.
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: now, until: AtomicU64::new(0) }
    }

    /// Notes that a read has ended which took so long.
    pub(super) fn note(&self, now: Instant, took: Duration) {
        if took > SLOW {
            self.until.store(self.millis(now + MEMORY), Ordering::Relaxed);
        }
    }

    pub(super) fn is_slow(&self, now: Instant) -> bool {
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
    fn a_slow_read_is_remembered_for_a_while() {
        let now = Instant::now();
        let slow = SlowDisk::new(now);
        slow.note(now, SLOW);
        assert!(!slow.is_slow(now));
        slow.note(now, SLOW + Duration::from_millis(1));
        slow.note(now, Duration::ZERO);
        assert!(slow.is_slow(now));
        assert!(slow.is_slow(now + MEMORY - Duration::from_millis(1)));
        assert!(!slow.is_slow(now + MEMORY));
    }
}
