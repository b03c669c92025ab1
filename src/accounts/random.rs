//! Randomness, as a parameter: nothing else in this room makes any.

use std::time::Duration;

/// A source of random bytes: the operating system's.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Random {
    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has none.
    #[must_use]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        #[expect(clippy::expect_used, reason = "no secret can be made without a source of randomness")]
        getrandom::fill(&mut bytes).expect("the operating system provides randomness");
        bytes
    }

    /// A moment within a quarter of a second, for work behind an answer that is more for some people than for others: done at
    /// once, it would slow down the very next request, and tell whoever sends that.
    pub(super) fn moment(self) -> Duration {
        let [share] = self.bytes();
        Duration::from_millis(u64::from(share))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn moments_are_short_and_all_over_a_quarter_of_a_second() {
        let moments = (0..256).map(|_| Random.moment().as_millis()).collect::<BTreeSet<_>>();
        assert!(moments.len() > 100 && moments.first() < Some(&50) && (201..256).contains(moments.last().unwrap()));
    }
}
