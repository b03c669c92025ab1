//! The store port: two stores, one contract. It knows keys, fields and revisions, and nothing of accounts.
//!
//! - A **record** is a small map of named text fields and a [`Revision`].
//! - An **index** is a set of members, each with a whole-number score, read in order of score, or of their bytes where all
//!   scores are 0.
//! - A **log** is a list of lines. What is too much or too old goes by itself.
//! - A [`Batch`] is checked and written as one: every expectation holds and every write happens, or none. Only what stands
//!   beside a change, which is a line of a log or a number that is counted, is left out where somebody has damaged it: it
//!   must not keep a session from ending.
//! - A [`Counter`] says how often something was tried lately. It is no record, and in no batch.
//!
//! What both stores promise, and `tests/store` holds them to:
//!
//! - A commit that answers `Ok` is visible to every later read, and stays so.
//! - [`CommitError::Conflict`], [`CommitError::Full`] and [`CommitError::Unreadable`] mean that nothing was written. A
//!   conflict is no proof that an expectation is false: the record may have been rewritten while it was looked at.
//! - [`CommitError::Unavailable`] means that the outcome is unknown: it may still be applied within [`COMMIT_DEADLINE`].
//! - A commit is applied at most once, also when its reply is lost, and also when the future that waits for it is
//!   dropped: it then runs to its end.
//! - No commit sees half of another one. A read of several records may: they are read together, not atomically.
//! - A walk ([`Store::keys`], [`Store::members`]) sees whatever is there from its beginning to its end at least once. What
//!   comes or goes meanwhile it may see or not, and anything it may see twice. It holds one page in memory. On a cluster
//!   of Redis, what moves to another node during the walk may be missed.
//! - A record with an expiry is kept until then and for [`EXPIRY_GRACE`] more, and may be gone after that. Who reads it
//!   compares the expiry with the clock: the store only collects garbage.

mod batch;
mod counter;
mod deadline;
mod embedded;
mod error;
mod finding;
mod key;
mod metrics;
mod record;
mod redis;
mod tally;
mod traced;

use std::{
    ops::{Bound, RangeInclusive},
    time::Duration,
};

use futures_util::stream::{BoxStream, StreamExt};

use self::metrics::ask;
pub use self::{
    batch::{Batch, Expectation, Keep, count},
    counter::Counter,
    deadline::{in_one_request, in_the_same_request, in_time, pause},
    embedded::Embedded,
    error::{CommitError, OpenError, ReadError, Unavailable},
    finding::{Check, Finding, Severity},
    key::{Key, Name, Slot},
    record::{Fields, Record, Revision},
    redis::{Durability, Redis, RedisOptions},
};

/// How long a request waits for the store, all calls of it together (see [`in_one_request`]), or else one call, before
/// it is told [`Unavailable`].
pub const REQUEST_DEADLINE: Duration = Duration::from_millis(1800);

/// How long a commit with an unknown outcome is retried behind the caller's back, at the most.
pub const COMMIT_DEADLINE: Duration = Duration::from_secs(30);

/// How long a record outlives its expiry before it may be collected: more than clocks differ.
pub const EXPIRY_GRACE: Duration = Duration::from_secs(300);

/// Roughly how much a page of a walk holds.
const PAGE: u16 = 250;

/// What a walk meets, page by page. After an error, what was seen is not everything.
pub type Pages<'s, T> = BoxStream<'s, Result<Vec<T>, ReadError>>;

/// From where to where members of an index are read, in the order of their bytes.
pub type Span = (Bound<String>, Bound<String>);

/// In which direction an index is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least member first.
    Ascending,
    /// The greatest member first.
    Descending,
}

/// One of the two stores.
#[derive(Debug)]
pub enum Store {
    /// Records in a file of our own, for one process.
    Embedded(Embedded),
    /// Records in Redis or Valkey, shared by many processes.
    Redis(Redis),
}

impl Store {
    /// Looks whether this is a place for records that must not be lost. `now` is the present, in Unix milliseconds. What
    /// the store does not tell, or not in time, is [`Severity::Unknown`].
    pub async fn inspect(&self, now: i64) -> Vec<Finding> {
        match self {
            Self::Embedded(store) => store.inspect().await,
            Self::Redis(store) => store.inspect(now).await,
        }
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn get(&self, key: &Key) -> Result<Option<Record>, ReadError> {
        let mut records = self.get_many(std::slice::from_ref(key)).await?;
        Ok(records.pop().flatten())
    }

    /// Reads several records in one round trip, in the order of `keys`.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, ReadError> {
        ask!(self, Read, store => store.get_many(keys))
    }

    /// The members of an index whose scores are in `scores`, at most `limit` of them, in the order of their scores, and of
    /// their bytes where these are the same.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn range(
        &self,
        index: &Key,
        scores: RangeInclusive<i64>,
        limit: usize,
    ) -> Result<Vec<String>, ReadError> {
        let found = self.ranges(std::slice::from_ref(index), scores, Order::Ascending, limit).await?;
        Ok(found.into_iter().flatten().map(|(member, _)| member).collect())
    }

    /// The members and scores of several indexes, as [`range`](Self::range) finds those of one, in either direction, in the
    /// order of `indexes`, in one round trip.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn ranges(
        &self,
        indexes: &[Key],
        scores: RangeInclusive<i64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<(String, i64)>>, ReadError> {
        ask!(self, Index, store => store.ranges(indexes, scores, order, limit))
    }

    /// The members within `span` of each of several indexes whose scores are all 0, at most `limit` of each, in the order
    /// of `indexes`, in one round trip.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn list(
        &self,
        indexes: &[Key],
        span: &Span,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<String>>, ReadError> {
        ask!(self, Index, store => store.list(indexes, span, order, limit))
    }

    /// How many members of each of several indexes have at least each of these scores, in the order of `indexes`, in one
    /// round trip. Of all members, which is from `i64::MIN` on, the number is known; to count those from another score on
    /// takes the embedded store time for each of them.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn count(&self, indexes: &[Key], least: &[i64]) -> Result<Vec<Vec<u64>>, ReadError> {
        ask!(self, Index, store => store.count(indexes, least))
    }

    /// The entries of several logs, in the order of `logs`, the oldest entry of each first, in one round trip.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn logs(&self, logs: &[Key]) -> Result<Vec<Vec<String>>, ReadError> {
        ask!(self, Read, store => store.logs(logs))
    }

    /// The scores of members of indexes, in the order of `entries`: none where there is no such member.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn scores(&self, entries: &[(Key, String)]) -> Result<Vec<Option<i64>>, ReadError> {
        ask!(self, Read, store => store.scores(entries))
    }

    /// Walks through the keys of all records, indexes and logs.
    #[must_use]
    pub fn keys(&self) -> Pages<'_, Key> {
        match self {
            Self::Embedded(store) => store.keys().boxed(),
            Self::Redis(store) => store.keys().boxed(),
        }
    }

    /// Walks through the members of one index.
    #[must_use]
    pub fn members(&self, index: &Key) -> Pages<'_, String> {
        match self {
            Self::Embedded(store) => store.members(index.clone()).boxed(),
            Self::Redis(store) => store.members(index.clone()).boxed(),
        }
    }

    /// About how many keys a walk will see: in Redis, those of other programs in the same database are counted too.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or when there is something else.
    pub async fn size(&self) -> Result<u64, ReadError> {
        ask!(self, Read, store => store.size())
    }

    /// Checks every expectation of `batch` and then makes all its writes, or none. Answers the revision of the records
    /// that it wrote.
    ///
    /// # Errors
    /// [`CommitError`], which says for each case whether something may have been written.
    pub async fn commit(&self, batch: Batch) -> Result<Revision, CommitError> {
        ask!(self, Commit, store => store.commit(batch))
    }

    /// Deletes records, indexes and logs of one slot, whatever they hold: not a commit, but in Redis it also works when a commit is
    /// [`CommitError::Full`]. The embedded store needs room on its disk even to delete.
    ///
    /// # Errors
    /// [`CommitError::Full`] when there is none, and [`CommitError::Unavailable`] when the store does not answer: then
    /// some of them may be gone.
    pub async fn discard(&self, slot: &Slot, names: &[Name]) -> Result<(), CommitError> {
        let keys = names.iter().map(|name| slot.key(name)).collect::<Vec<_>>();
        ask!(self, Discard, store => store.discard(keys))
    }

    /// Collects some of the records and logs whose expiry was more than [`EXPIRY_GRACE`] before `now` (Unix milliseconds),
    /// and answers how many records and entries of logs: 0 when none are left. Redis does this by itself.
    ///
    /// # Errors
    /// [`Unavailable`] when the store does not answer.
    pub async fn collect_expired(&self, now: i64) -> Result<usize, Unavailable> {
        match self {
            Self::Embedded(store) => store.collect_expired(now).await,
            Self::Redis(_) => Ok(0),
        }
    }

    /// Closes the file, or each connection when whoever has it is done. Nothing is begun after that.
    pub async fn close(&self) {
        match self {
            Self::Embedded(store) => store.close().await,
            Self::Redis(store) => store.close(),
        }
    }
}

/// When a record with this expiry may be collected, in Unix milliseconds.
fn collectable_at(expires_at: i64) -> i64 {
    let grace = i64::try_from(EXPIRY_GRACE.as_millis()).unwrap_or(i64::MAX);
    expires_at.saturating_add(grace)
}
