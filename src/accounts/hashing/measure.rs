//! What hashes cost on this machine, with all threads at work at once, as in a login storm.

use std::{
    io,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use super::{
    argon2_hash::{SALT, Today},
    cost::HashCost,
    engine::Engine,
};
use crate::accounts::password::Password;

/// How fast hashes are.
#[derive(Clone, Copy, Debug)]
pub struct HashRate {
    /// How long one takes while all threads hash: the median.
    pub time: Duration,
    /// How many all threads finish in a second.
    pub per_second: f64,
}

/// Hashes on so many threads at once, so many times on each after the first, which warms the memory.
///
/// # Errors
/// When the cost is [invalid](super::InvalidCost).
pub fn measure(cost: HashCost, threads: u32, rounds: u32) -> io::Result<HashRate> {
    let today = Today::new(cost, Vec::new()).map_err(io::Error::other)?;
    let warm = Barrier::new(usize::try_from(threads).unwrap_or(1));
    let hash_each_round = || {
        let (mut engine, password) = (Engine::default(), Password::new("correct horse battery staple"));
        let mut hash = || {
            let begun = Instant::now();
            let hashed = today.hash(&password, [7; SALT], &mut engine).map_err(io::Error::other);
            hashed.map(|_| begun.elapsed())
        };
        let first = hash();
        warm.wait();
        first?;
        (0..rounds.max(1)).map(|_| hash()).collect::<io::Result<Vec<_>>>()
    };
    let each = thread::scope(|scope| {
        let running = (0..threads).map(|_| scope.spawn(hash_each_round)).collect::<Vec<_>>();
        let ended = running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a hash panicked"))));
        ended.collect::<io::Result<Vec<_>>>()
    })?;
    Ok(HashRate::of(each))
}

impl HashRate {
    /// From how long each hash took on each thread.
    fn of(each: Vec<Vec<Duration>>) -> Self {
        let rate = |times: &Vec<Duration>| {
            let count = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX));
            count / times.iter().sum::<Duration>().as_secs_f64()
        };
        let per_second = each.iter().map(rate).sum();
        let mut times = each.into_iter().flatten().collect::<Vec<_>>();
        times.sort_unstable();
        let time = times.get(times.len() / 2).copied().unwrap_or_default();
        Self { time, per_second }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_the_median_and_the_rate_that_of_all_threads() {
        let each = [[10, 40, 10], [20, 20, 21]].map(|times| times.map(Duration::from_millis).to_vec());
        let HashRate { time, per_second } = HashRate::of(each.to_vec());
        assert_eq!(time, Duration::from_millis(20));
        assert!((per_second - (50.0 + 3.0 / 0.061)).abs() < 1e-9, "{per_second}");
    }

    #[test]
    fn the_rate_is_that_of_all_threads() {
        let cost = HashCost { memory_kib: 256, iterations: 1, parallelism: 1 };
        let at_once = || {
            let HashRate { time, per_second } = measure(cost, 2, 50).unwrap();
            per_second * time.as_secs_f64()
        };
        // The machine may pause within one of them.
        let measured = [at_once(), at_once(), at_once()];
        assert!(measured.iter().any(|at_once| (0.1..=4.0).contains(at_once)), "{measured:?} hashes at a time");
    }
}
