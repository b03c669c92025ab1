//! Counters in the memory of this process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Counter;

/// As many counters as are kept. When there are more, those go first that would be gone soonest, of the life that most
/// have: so whoever fills it with counters that last for days leaves the others theirs of a minute.
const MOST: usize = 50_000;

/// Counters of this process alone: all there is for the embedded store, and what is left when Redis does not count.
#[derive(Default)]
pub(super) struct Tally {
    /// Nothing is awaited while it is held.
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    by_key: HashMap<String, Count>,
    by_end: BTreeMap<Duration, BTreeSet<(Instant, String)>>,
}

struct Count {
    value: i64,
    end: Instant,
}

impl Tally {
    /// Adds to each counter so much, and answers what each is then.
    pub(super) fn add(&self, hits: &[(Counter, i64)]) -> Vec<i64> {
        self.add_at(Instant::now(), hits)
    }

    fn add_at(&self, now: Instant, hits: &[(Counter, i64)]) -> Vec<i64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.forget_until(now);
        hits.iter().map(|(counter, by)| counts.add(counter, *by, now)).collect()
    }
}

impl Counts {
    fn add(&mut self, counter: &Counter, by: i64, now: Instant) -> i64 {
        let key = counter.key();
        if let Some(count) = self.by_key.get_mut(&key) {
            count.value = count.value.saturating_add(by);
            let Count { value, end } = *count;
            if value == 0 {
                // It says no more than one that is not there, and would only take the room of others.
                self.by_key.remove(&key);
                if let Some(by_end) = self.by_end.get_mut(&counter.life) {
                    by_end.remove(&(end, key));
                }
            }
            return value;
        }
        if by == 0 {
            return 0;
        }
        if self.by_key.len() >= MOST {
            self.make_room();
        }
        let end = now + counter.life;
        self.by_end.entry(counter.life).or_default().insert((end, key.clone()));
        self.by_key.insert(key, Count { value: by, end });
        by
    }

    fn forget_until(&mut self, now: Instant) {
        for by_end in self.by_end.values_mut() {
            while let Some((_, key)) = by_end.first().filter(|(end, _)| *end <= now) {
                self.by_key.remove(key);
                by_end.pop_first();
            }
        }
        self.by_end.retain(|_, by_end| !by_end.is_empty());
    }

    fn make_room(&mut self) {
        let fullest = self.by_end.values_mut().max_by_key(|by_end| by_end.len());
        if let Some((_, key)) = fullest.and_then(BTreeSet::pop_first) {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn counter(name: &str, seconds: u64) -> Counter {
        Counter::new("group", name, Duration::from_secs(seconds))
    }

    #[test]
    fn a_counter_is_gone_after_its_life() {
        let (tally, start) = (Tally::default(), Instant::now());
        let add = |after, by| {
            let both = [(counter("short", 60), by), (counter("long", 3600), by)];
            tally.add_at(start + Duration::from_secs(after), &both)
        };
        assert_eq!(add(0, 1), [1, 1]);
        assert_eq!(add(59, 2), [3, 3]);
        assert_eq!(add(60, -1), [-1, 2]);
    }

    #[test]
    fn a_counter_that_is_back_at_0_takes_no_room() {
        let tally = Tally::default();
        for number in 0..=MOST {
            let counter = counter(&number.to_string(), 60);
            assert_eq!(tally.add(&[(counter.clone(), 1), (counter, -1)]), [1, 0]);
        }
        let counts = tally.counts.lock().unwrap();
        assert!(counts.by_key.is_empty() && counts.by_end.values().all(BTreeSet::is_empty));
    }

    #[test]
    fn memory_is_bounded_and_many_of_one_life_push_out_their_own() {
        for flood in [7200, 60, 10] {
            let tally = Tally::default();
            tally.add(&[(counter("minutes", 60), 1), (counter("hours", 7200), 1), (counter("days", 172_800), 1)]);
            for number in 0..=MOST {
                tally.add(&[(counter(&number.to_string(), flood), 1)]);
            }
            tally.add(&[(counter("only looked at", 7200), 0)]);
            let counts = tally.counts.lock().unwrap();
            let by_end = counts.by_end.values().map(BTreeSet::len).sum::<usize>();
            assert_eq!((counts.by_key.len(), by_end), (MOST, MOST));
            for (name, life) in [("minutes", 60), ("hours", 7200), ("days", 172_800)] {
                let is_kept = counts.by_key.contains_key(&counter(name, life).key());
                assert_eq!(is_kept, life != flood, "{name}, when many have {flood} s");
            }
        }
    }
}
