//! Many writers on a few counters while something is broken, and what their history says afterwards.
//!
//! Each write raises a counter that nobody else may have changed meanwhile, and leaves a record of its own beside it that
//! names the value that it wrote. So what was lost, doubled or told wrongly can be told apart:
//!
//! - acknowledged, and its record is missing: the write was **lost**, or acknowledged though it was not applied;
//! - called a conflict, and its record is there: a **false conflict**;
//! - two records with one value: an **update was lost**;
//! - a counter that is not as many as its records: a write was **applied twice**, since that takes the counter back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use latchkey::store::{Batch, CommitError, Expectation, Key, Name, Slot, Store};

use super::{fields, name};

pub(crate) const WRITERS: usize = 16;

/// What the writers were told.
#[derive(Debug, Default)]
pub(crate) struct History {
    slots: Vec<Slot>,
    acknowledged: Vec<Key>,
    conflicts: Vec<Key>,
    unknown: Vec<Key>,
    /// The longest time without an acknowledged write.
    pub(crate) longest_gap: Duration,
}

/// What became of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Acknowledged, and not there.
    pub(crate) lost: usize,
    /// Two writes made the same value.
    pub(crate) lost_updates: usize,
    /// Told to be a conflict, and there.
    pub(crate) false_conflicts: usize,
    /// A counter is not what was written.
    pub(crate) doubled: usize,
}

/// How long the faults go on: `make chaos` says so by `CHAOS_SECONDS`.
#[expect(clippy::disallowed_methods, reason = "no setting of the service")]
pub(crate) fn duration() -> Duration {
    let asked = std::env::var("CHAOS_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    Duration::from_secs_f64(asked.unwrap_or(1.5))
}

/// Makes the counters, in so many slots.
pub(crate) async fn prepare(store: &Store, slots: usize) -> Vec<Slot> {
    let slots = (0..slots).map(|n| Slot::new(format!("slot{n}"))).collect::<Vec<_>>();
    for slot in &slots {
        store.commit(count(slot, 0)).await.unwrap();
    }
    slots
}

/// Lets the writers write until the faults have ended.
pub(crate) async fn during(store: &Arc<Store>, slots: &[Slot], faults: impl Future<Output = ()>) -> History {
    let done = Arc::new(AtomicBool::new(false));
    let writers = (0..WRITERS).map(|writer| {
        let (store, done, slot) = (Arc::clone(store), Arc::clone(&done), slots[writer % slots.len()].clone());
        tokio::spawn(async move { write(&store, &slot, writer, &done).await })
    });
    let writers = join_all(writers.collect::<Vec<_>>());
    let stop = async {
        faults.await;
        done.store(true, Ordering::Relaxed);
    };
    let begun = Instant::now();
    let (written, ()) = join(writers, stop).await;

    let mut history = History { slots: slots.to_vec(), ..History::default() };
    let mut moments = vec![begun, Instant::now()];
    for writer in written {
        let Written { acknowledged, conflicts, unknown } = writer.unwrap();
        moments.extend(acknowledged.iter().map(|(_, at)| at));
        history.acknowledged.extend(acknowledged.into_iter().map(|(key, _)| key));
        history.conflicts.extend(conflicts);
        history.unknown.extend(unknown);
    }
    moments.sort();
    history.longest_gap = moments.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    history
}

#[derive(Default)]
struct Written {
    acknowledged: Vec<(Key, Instant)>,
    conflicts: Vec<Key>,
    unknown: Vec<Key>,
}

async fn write(store: &Store, slot: &Slot, writer: usize, done: &AtomicBool) -> Written {
    let mut written = Written::default();
    for attempt in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let Ok(Some(read)) = store.get(&slot.key(&counter())).await else { continue };
        let next = read.fields["value"].parse::<u32>().unwrap() + 1;
        let mut batch = count(slot, next);
        batch.expect(counter(), Expectation::Revision(read.revision));
        let mine = name(&format!("w{writer}-{attempt}"));
        let key = slot.key(&mine);
        batch.put(mine, fields([("value", &next.to_string())]));
        match store.commit(batch).await {
            Ok(_) => written.acknowledged.push((key, Instant::now())),
            Err(CommitError::Conflict) => written.conflicts.push(key),
            Err(CommitError::Unavailable(_)) => written.unknown.push(key),
            Err(e @ (CommitError::Full | CommitError::Unreadable(_))) => panic!("{e}"),
        }
    }
    written
}

impl History {
    /// Looks into the store once all is over: again, when a commit comes late whose outcome its caller never heard.
    pub(crate) async fn judge(&self, store: &Store) -> Verdict {
        let keys = self.slots.iter().map(|slot| slot.key(&counter())).collect::<Vec<_>>();
        loop {
            let counters = values(store, &keys).await;
            let verdict = self.judge_by(store, &counters).await;
            if values(store, &keys).await == counters {
                return verdict;
            }
        }
    }

    async fn judge_by(&self, store: &Store, counters: &[Option<u32>]) -> Verdict {
        let acknowledged = values(store, &self.acknowledged).await;
        let conflicts = values(store, &self.conflicts).await;
        let unknown = values(store, &self.unknown).await;
        let mut verdict = Verdict {
            lost: acknowledged.iter().filter(|value| value.is_none()).count(),
            false_conflicts: conflicts.iter().flatten().count(),
            ..Verdict::default()
        };
        let mut seen = BTreeMap::<(&str, u32), usize>::new();
        let found = self.acknowledged.iter().zip(&acknowledged).chain(self.unknown.iter().zip(&unknown));
        for (key, value) in found.filter_map(|(key, value)| value.map(|value| (key, value))) {
            let slot = key.as_str().split('}').next().unwrap();
            *seen.entry((slot, value)).or_default() += 1;
        }
        verdict.lost_updates = seen.values().map(|times| times - 1).sum();
        for (slot, counted) in self.slots.iter().zip(counters) {
            let counted = counted.unwrap();
            let tag = format!("{{{slot}");
            let written = seen.keys().filter(|(of, _)| *of == tag).count();
            verdict.doubled += usize::try_from(counted).unwrap().abs_diff(written);
        }
        verdict
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// The line of this fault in a table.
    pub(crate) fn print(&self, fault: &str, verdict: &Verdict) {
        println!(
            "\n| {fault} | {} | {} | {} | {} | {:.2} s | {} conflicts, {} unknown, {} false conflicts |",
            self.acknowledged.len(),
            verdict.lost,
            verdict.lost_updates,
            verdict.doubled,
            self.longest_gap.as_secs_f64(),
            self.conflicts.len(),
            self.unknown.len(),
            verdict.false_conflicts
        );
    }

    /// Judges, prints and demands that nothing is wrong.
    pub(crate) async fn hold(&self, fault: &str, store: &Store) {
        let verdict = self.judge(store).await;
        self.print(fault, &verdict);
        assert_eq!(verdict, Verdict::default(), "{fault}");
        assert!(self.acknowledged.len() > WRITERS, "{fault}: only {} writes", self.acknowledged.len());
    }
}

/// Reads patiently: the store may still have to find its servers again.
async fn values(store: &Store, keys: &[Key]) -> Vec<Option<u32>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut values = Vec::new();
    for some in keys.chunks(200) {
        let records = loop {
            match store.get_many(some).await {
                Ok(records) => break records,
                Err(e) => assert!(Instant::now() < deadline, "{e}"),
            }
        };
        values.extend(records.iter().map(|record| record.as_ref().map(|r| r.fields["value"].parse().unwrap())));
    }
    values
}

fn counter() -> Name {
    name("counter")
}

fn count(slot: &Slot, value: u32) -> Batch {
    let mut batch = Batch::new(slot.clone());
    batch.put(counter(), fields([("value", &value.to_string())]));
    batch
}
