//! What can be counted: how often, how many at once, and how long.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// How often something happened.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// It happened once more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// It happened so many times more.
    pub fn add(&self, times: u64) {
        self.0.fetch_add(times, Relaxed);
    }

    /// How often it happened since the start.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How many there are at this moment.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// There is one more.
    pub fn up(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// There is one less.
    pub fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// The upper bounds of the buckets of every histogram, in microseconds: from a read of the store to a request whose time
/// is over.
const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// How long something took, each time.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How often it took at most as long as the bound, and longer than the one before.
    buckets: [AtomicU64; BOUNDS.len()],
    /// How often it took longer than any bound.
    beyond: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// It took so long.
    pub fn observe(&self, took: Duration) {
        let found = self.buckets.iter().zip(BOUNDS).find(|(_, bound)| took <= Duration::from_micros(*bound));
        found.map_or(&self.beyond, |(bucket, _)| bucket).fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// How often it was observed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cumulated().1
    }

    /// How often it took at most so many seconds, for each bound; and how often in all.
    pub(super) fn cumulated(&self) -> (Vec<(f64, u64)>, u64) {
        let mut sum = 0;
        let buckets = self.buckets.iter().zip(BOUNDS).map(|(bucket, bound)| {
            sum += bucket.load(Relaxed);
            (Duration::from_micros(bound).as_secs_f64(), sum)
        });
        let buckets = buckets.collect();
        (buckets, sum + self.beyond.load(Relaxed))
    }

    /// How long it took in all, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_of_its_bound_and_in_all_above() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let (buckets, all) = histogram.cumulated();
        assert_eq!(buckets.first(), Some(&(0.0005, 2)));
        assert_eq!(buckets.get(1), Some(&(0.001, 3)));
        assert_eq!(buckets.last(), Some(&(10.0, 4)));
        assert_eq!(all, 5);
        assert!((histogram.seconds() - 20.001_002).abs() < 1e-9, "{}", histogram.seconds());
    }
}
