//! How long a hash takes on this machine at this time, how many may therefore wait, and when to come again.

use std::time::Duration;

/// How much work may wait, unless a number is set.
const MOST_WAIT: Duration = Duration::from_secs(2);

/// How many may wait however fast the hashes are.
const MOST_WAITING: usize = 100_000;

/// What the threads have to do.
pub(super) struct Load {
    threads: u32,
    fixed: Option<u32>,
    hash_time: Duration,
    working: u32,
}

impl Load {
    /// `guess` is how long a hash takes, until the first one has been measured.
    pub(super) fn new(threads: u32, fixed: Option<u32>, guess: Duration) -> Self {
        Self { threads, fixed, hash_time: guess, working: 0 }
    }

    pub(super) fn begin_one(&mut self) {
        self.working += 1;
    }

    /// Learns how long one hash took, or that it came to nothing.
    pub(super) fn end_one(&mut self, took: Option<Duration>) {
        self.working -= 1;
        if let Some(took) = took {
            // A moving average: it follows a change within some ten hashes, and one slow hash moves it little.
            self.hash_time = (self.hash_time * 7 + took) / 8;
        }
    }

    /// How many are at work.
    pub(super) fn working(&self) -> u32 {
        self.working
    }

    /// How many may wait: 2 s worth of work, and at least one for each thread.
    pub(super) fn capacity(&self) -> usize {
        let least = usize::try_from(self.threads).unwrap_or(usize::MAX);
        if let Some(fixed) = self.fixed {
            return usize::try_from(fixed).unwrap_or(usize::MAX);
        }
        let hash_time = self.hash_time.as_nanos().max(1);
        let worth = MOST_WAIT.as_nanos() * u128::from(self.threads) / hash_time;
        usize::try_from(worth).unwrap_or(usize::MAX).min(MOST_WAITING).max(least)
    }

    /// Whether one more may come when so many wait: an idle thread is about to take one of them.
    pub(super) fn has_room(&self, waiting: usize) -> bool {
        let idle = usize::try_from(self.threads - self.working).unwrap_or(usize::MAX);
        waiting < self.capacity().saturating_add(idle)
    }

    /// When what waits now and what is being done will be done.
    pub(super) fn drained_in(&self, waiting: usize) -> Duration {
        let jobs = u32::try_from(waiting).unwrap_or(u32::MAX).saturating_add(self.working);
        self.hash_time.saturating_mul(jobs) / self.threads.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn two_seconds_of_work_may_wait() {
        assert_eq!(Load::new(2, None, 20 * MS).capacity(), 200);
        assert_eq!(Load::new(4, None, 20 * MS).capacity(), 400);
        assert_eq!(Load::new(4, None, 60_000 * MS).capacity(), 4, "one for each thread");
        assert_eq!(Load::new(1, None, Duration::ZERO).capacity(), MOST_WAITING);
        assert_eq!(Load::new(2, Some(7), 20 * MS).capacity(), 7);
    }

    #[test]
    fn it_learns_how_long_a_hash_takes() {
        let mut load = Load::new(2, None, 40 * MS);
        for _ in 0..100 {
            load.begin_one();
            load.end_one(Some(10 * MS));
        }
        assert!((399..=400).contains(&load.capacity()), "{}", load.capacity());
        load.begin_one();
        load.end_one(Some(1000 * MS));
        assert!(load.capacity() > 25, "one slow hash is no trend: {}", load.capacity());
        let before = load.capacity();
        load.begin_one();
        load.end_one(None);
        assert_eq!(load.capacity(), before, "what came to nothing says nothing");
    }

    #[test]
    fn idle_threads_are_room_too() {
        let mut load = Load::new(2, Some(0), MS);
        assert!(load.has_room(0) && load.has_room(1) && !load.has_room(2));
        load.begin_one();
        load.begin_one();
        assert!(!load.has_room(0));
        assert!(!Load::new(0, Some(0), MS).has_room(0));
    }

    #[test]
    fn it_is_drained_when_all_that_waits_is_done() {
        let mut load = Load::new(2, Some(9), 500 * MS);
        assert_eq!(load.drained_in(8), 2000 * MS);
        load.begin_one();
        load.begin_one();
        assert_eq!(load.drained_in(8), 2500 * MS);
    }
}
