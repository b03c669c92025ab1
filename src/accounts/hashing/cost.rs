//! What a hash costs, what it may cost at the most, and what it must cost at the least.

use std::{fmt, time::Duration};

use super::bounds::Bounds;

/// What an Argon2 hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB; at least 8 for each lane.
    pub memory_kib: u32,
    /// Passes over the memory; at least 1.
    pub iterations: u32,
    /// Lanes; at least 1.
    pub parallelism: u32,
}

impl HashCost {
    /// The most that a hash may cost, in each respect: 2 GiB is what RFC 9106 recommends first.
    pub const MOST: Self = Self { memory_kib: 2 * 1024 * 1024, iterations: 1000, parallelism: 64 };

    /// The most memory that all passes together may fill, in KiB: 16 GiB, which takes some 10 s.
    pub const MOST_WORK: u64 = 16 * 1024 * 1024;

    /// The most memory of a hash that comes over HTTP, in KiB, whichever method made it, unless it costs what a new one does:
    /// 128 MiB, which every thread that hashes can need at once. It is what OWASP's dearest scrypt takes.
    pub const FROM_AFAR_KIB: u32 = 128 * 1024;

    /// The least memory and iterations that OWASP's Password Storage Cheat Sheet allows for Argon2id, which says of them
    /// that they protect equally.
    pub const OWASP: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

    /// Whether this is no less than one of [`HashCost::OWASP`].
    #[must_use]
    pub fn is_strong(self) -> bool {
        Self::OWASP
            .into_iter()
            .any(|(memory_kib, iterations)| self.memory_kib >= memory_kib && self.iterations >= iterations)
    }

    /// Whether this is no more than a hash may cost.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        let Self { iterations, parallelism, .. } = Self::MOST;
        self.iterations <= iterations && self.parallelism <= parallelism && self.is_within(&Bounds::MOST)
    }

    /// Whether this is within these bounds.
    pub(super) fn is_within(self, bounds: &Bounds) -> bool {
        u64::from(self.memory_kib) <= bounds.argon2_kib && self.work() <= bounds.argon2_work_kib
    }

    /// The memory that all passes together fill, in KiB.
    fn work(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }

    /// How long a hash takes on a slow machine, which fills 1 GiB in a second: good enough until one was measured.
    pub(super) fn guessed_time(self) -> Duration {
        Duration::from_micros(self.work())
    }
}

impl fmt::Display for HashCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={}, t={}, p={}", self.memory_kib, self.iterations, self.parallelism)
    }
}

/// The cost is outside what Argon2 allows.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("Argon2 needs at least 1 iteration, 1 lane, and 8 KiB of memory for each lane")]
pub struct InvalidCost;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_what_owasp_says_and_any_of_its_rows_will_do() {
        let is_strong = |memory_kib, iterations| HashCost { memory_kib, iterations, parallelism: 1 }.is_strong();
        for (memory_kib, iterations) in HashCost::OWASP {
            assert!(is_strong(memory_kib, iterations) && is_strong(memory_kib + 1, iterations + 1));
            assert!(!is_strong(memory_kib - 1, iterations) && !is_strong(memory_kib, iterations - 1));
        }
        assert!(!is_strong(7_167, 1000) && is_strong(2_000_000, 1));
    }

    #[test]
    fn a_gibibyte_takes_a_second_until_it_was_measured() {
        let cost = HashCost { memory_kib: 512 * 1024, iterations: 2, parallelism: 4 };
        assert_eq!(cost.guessed_time(), Duration::from_micros(1024 * 1024));
    }

    #[test]
    fn the_most_is_bounded_in_each_respect_and_in_all() {
        let most = HashCost::MOST;
        assert!(HashCost { iterations: 8, ..most }.is_bounded());
        assert!(!HashCost { iterations: 9, ..most }.is_bounded());
        assert!(HashCost { memory_kib: 16_384, ..most }.is_bounded());
        assert!(!HashCost { memory_kib: 16_384, iterations: 1001, ..most }.is_bounded());
        assert!(!HashCost { memory_kib: 16_384, parallelism: 65, ..most }.is_bounded());
    }
}
