//! A batch: what one commit expects to find in a slot, and what it writes there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fields, Name, Revision, Slot};

/// The bound on numbers that are counted up, that of scores: so far from what a server can add up that no two commits at
/// once get there.
const MOST_COUNTED: u64 = 1 << 53;

/// A set of expectations and writes inside one slot, for [`Store::commit`](super::Store::commit).
///
/// All expectations are checked before any write. Then all writes happen, in the order in which they were added,
/// or none does.
///
/// ```
/// use latchkey::store::{Batch, CommitError, Embedded, Expectation, Fields, Name, Slot, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Store::Embedded(Embedded::in_memory()?);
/// let slot = Slot::new("b7");
/// let name = Name::new("counter");
/// let mut batch = Batch::new(slot.clone());
/// batch.expect(name.clone(), Expectation::Absent);
/// batch.put(name.clone(), Fields::from([("value".to_owned(), "1".to_owned())]));
///
/// store.commit(batch.clone()).await?;
/// assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
/// assert_eq!(store.get(&slot.key(&name)).await?.unwrap().fields["value"], "1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    pub(super) slot: Slot,
    pub(super) expectations: Vec<(Name, Expectation)>,
    pub(super) writes: Vec<(Name, Write)>,
}

/// What a batch expects of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// There is no such record.
    Absent,
    /// There is one, whatever it holds.
    Exists,
    /// There is one, and it is the very one that was read: nothing has written it since.
    Revision(Revision),
}

#[derive(Clone, Debug)]
pub(super) enum Write {
    Put { fields: Fields, expires_at: Option<i64> },
    Delete,
    Add { member: String, score: i64 },
    Remove { member: String },
    Append { entry: String, keep: Keep },
    CountUp { field: String, by: i64, until: Option<i64> },
}

/// How much of a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The most entries, at least one: the oldest beyond it go.
    pub most: u32,
    /// Until when (Unix milliseconds) the log is kept: after that and [a while more](super::EXPIRY_GRACE) all of it may
    /// be gone.
    pub until: i64,
}

impl Batch {
    /// An empty batch in `slot`.
    #[must_use]
    pub fn new(slot: Slot) -> Self {
        Self { slot, expectations: Vec::new(), writes: Vec::new() }
    }

    /// Expects `name` to be as `expectation` says. A batch has at most one expectation for a name.
    pub fn expect(&mut self, name: Name, expectation: Expectation) -> &mut Self {
        debug_assert!(!self.expectations.iter().any(|(known, _)| *known == name), "{name:?} is expected twice");
        self.expectations.push((name, expectation));
        self
    }

    /// Writes a record: these fields, and no other that was there before.
    pub fn put(&mut self, name: Name, fields: Fields) -> &mut Self {
        self.writes.push((name, Write::Put { fields, expires_at: None }));
        self
    }

    /// Writes a record that may be forgotten once `expires_at` (Unix milliseconds) is [well past](super::EXPIRY_GRACE).
    pub fn put_until(&mut self, name: Name, fields: Fields, expires_at: i64) -> &mut Self {
        self.writes.push((name, Write::Put { fields, expires_at: Some(expires_at) }));
        self
    }

    /// Deletes a record, or a whole index or log, if it is there.
    pub fn delete(&mut self, name: Name) -> &mut Self {
        self.writes.push((name, Write::Delete));
        self
    }

    /// Adds `member` to an index, or moves it to `score`, a whole number within ±2^53 (a Redis score is a double).
    pub fn add(&mut self, index: Name, member: impl Into<String>, score: i64) -> &mut Self {
        self.writes.push((index, Write::Add { member: member.into(), score }));
        self
    }

    /// Removes `member` from an index, if it is there.
    pub fn remove(&mut self, index: Name, member: impl Into<String>) -> &mut Self {
        self.writes.push((index, Write::Remove { member: member.into() }));
        self
    }

    /// Adds `entry` at the end of a log.
    ///
    /// A log stands beside a change, and holds none up: where something else is in its place, which this store did not
    /// write, the entry is left out, an error is logged that names the key, and all else of the batch is done.
    pub fn append(&mut self, log: Name, entry: impl Into<String>, keep: Keep) -> &mut Self {
        self.writes.push((log, Write::Append { entry: entry.into(), keep }));
        self
    }

    /// Adds `by` to the whole number in a field of a record, which is 0 where there is none, and leaves its other fields
    /// alone. With `until` (Unix milliseconds) the record may be forgotten once that is
    /// [well past](super::EXPIRY_GRACE).
    ///
    /// A number stands beside a change, as a [log](Self::append) does. It is within ±2^53: where there is another one, or
    /// it would become one, or what is there is no number as [`count`](super::count) reads it, it is left as it is.
    pub fn count_up(&mut self, name: Name, field: impl Into<String>, by: i64, until: Option<i64>) -> &mut Self {
        self.writes.push((name, Write::CountUp { field: field.into(), by, until }));
        self
    }

    /// What this batch changes of what may be there before it. What it has itself put or deleted before is not.
    pub(super) fn changes(&self) -> Changes<'_> {
        let (mut changes, mut made) = (Changes::default(), BTreeSet::new());
        for (at, (name, write)) in self.writes.iter().enumerate() {
            match write {
                Write::Put { .. } | Write::Delete => drop(made.insert(name)),
                _ if made.contains(name) => {}
                Write::Add { .. } | Write::Remove { .. } => drop(changes.indexes.insert(name)),
                Write::Append { .. } => changes.logs.entry(name).or_default().push(at),
                Write::CountUp { field, by, .. } => {
                    let (sum, writes) = changes.numbers.entry((name, field.as_str())).or_default();
                    *sum = sum.saturating_add(*by);
                    writes.push(at);
                }
            }
        }
        changes
    }
}

/// What a batch changes of what may be there before it. Writes are told by their places in it.
#[derive(Default)]
pub(super) struct Changes<'b> {
    pub(super) indexes: BTreeSet<&'b Name>,
    /// With what is appended to each.
    pub(super) logs: BTreeMap<&'b Name, Vec<usize>>,
    /// With how much is added to each, and by which writes.
    pub(super) numbers: BTreeMap<(&'b Name, &'b str), (i64, Vec<usize>)>,
}

/// What is left of a write that stands beside a change, where it cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// The record is of another revision, as if the number had changed.
    Revision,
}

/// The writes of a batch that are left out, by their places in it.
pub(super) type LeftOut = BTreeMap<usize, Rest>;

/// Tells the operator of a write that is left out: for which key and why, and not what it was.
pub(super) fn tell_left_out(key: &str, why: &str) {
    tracing::error!(
        key,
        error = why,
        "a log or a number is damaged, and was left as it is: `latchkey check` tells more"
    );
}

/// What a number that is [counted up](Batch::count_up) becomes.
///
/// # Errors
/// Why it is left as it is. Redis takes a number in one form only.
pub fn count(found: Option<&str>, by: i64) -> Result<i64, &'static str> {
    let count = match found {
        None => 0,
        Some(text) => text.parse::<i64>().ok().filter(|count| count.to_string() == text).ok_or("it is no number")?,
    };
    let sum = count.saturating_add(by);
    if [count, sum].iter().all(|count| count.unsigned_abs() <= MOST_COUNTED) { Ok(sum) } else { Err("it is too great") }
}
