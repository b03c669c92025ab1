//! What is counted of a store: its calls, and what they cost.

use std::time::Instant;

use super::{CommitError, ReadError, Store};
use crate::metrics::{By, Counter, Histogram, Page, label};

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    calls: By<Kind, By<Outcome, Counter>>,
    times: By<Kind, Histogram>,
    /// Questions that were sent to a server, and what is written in one piece is one.
    pub(super) round_trips: By<Purpose, Counter>,
    pub(super) retries: By<Reason, Counter>,
}

label! {
    /// What is asked of a store.
    pub(super) enum Kind {
        /// Records, scores and logs.
        Read = "read",
        /// What is in an index, or how much.
        Index = "index",
        Commit = "commit",
        Discard = "discard",
        Counters = "counters",
    }
}

label! {
    /// What comes of that.
    pub(super) enum Outcome {
        Ok = "ok",
        Conflict = "conflict",
        Full = "full",
        Unavailable = "unavailable",
        Unreadable = "unreadable",
    }
}

label! {
    /// What a round trip is for: reads share connections, and commits have one of their own.
    pub(super) enum Purpose {
        Read = "read",
        Commit = "commit",
    }
}

label! {
    /// Why a commit is tried once more.
    pub(super) enum Reason {
        /// It was not sent, or refused whole.
        NotSent = "not_sent",
        /// Nobody knows whether it was applied.
        InDoubt = "in_doubt",
    }
}

/// Asks whichever store it is, and counts what comes of it.
macro_rules! ask {
    ($self:ident, $kind:ident, $store:ident => $call:expr) => {{
        let call = async {
            match $self {
                Self::Embedded($store) => $call.await,
                Self::Redis($store) => $call.await,
            }
        };
        $self.metrics().call($crate::store::metrics::Kind::$kind, call).await
    }};
}
pub(super) use ask;

impl From<&ReadError> for Outcome {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::Unavailable,
            ReadError::Unreadable(_) => Self::Unreadable,
        }
    }
}

impl From<&CommitError> for Outcome {
    fn from(error: &CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Conflict,
            CommitError::Full => Self::Full,
            CommitError::Unreadable(_) => Self::Unreadable,
            CommitError::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl Metrics {
    /// Counts what came of a call that began then.
    pub(super) fn note(&self, kind: Kind, outcome: Outcome, begun: Instant) {
        self.calls.of(kind).of(outcome).add_one();
        self.times.of(kind).observe(begun.elapsed());
    }

    /// Counts a call. One that is given up is not counted.
    pub(super) async fn call<T, E>(&self, kind: Kind, call: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        for<'e> Outcome: From<&'e E>,
    {
        let begun = Instant::now();
        let outcome = call.await;
        self.note(kind, outcome.as_ref().map_or_else(Outcome::from, |_| Outcome::Ok), begun);
        outcome
    }
}

impl Store {
    pub(super) fn metrics(&self) -> &Metrics {
        match self {
            Self::Embedded(store) => &store.metrics,
            Self::Redis(store) => store.metrics(),
        }
    }

    /// Writes what there is to count.
    pub fn write_numbers(&self, page: &mut Page) {
        let metrics = self.metrics();
        let mut calls = page.counter("latchkey_store_calls_total", "Calls of the store.");
        for (kind, outcomes) in metrics.calls.iter() {
            calls.by_both(&[("kind", kind)], "outcome", outcomes);
        }
        let about = "How long calls of the store took, with tries and waits.";
        let mut times = page.histogram("latchkey_store_call_duration_seconds", about);
        for (kind, histogram) in metrics.times.iter() {
            times.times(&[("kind", kind)], histogram);
        }
        page.counter("latchkey_store_round_trips_total", "Questions sent to Redis; none to the embedded store.")
            .by("kind", &metrics.round_trips);
        page.counter("latchkey_store_commit_retries_total", "Commits to Redis that were sent once more.")
            .by("reason", &metrics.retries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, Embedded, Expectation, Name, Slot};

    #[tokio::test]
    async fn what_comes_of_a_commit_is_counted() {
        let store = Store::Embedded(Embedded::in_memory().unwrap());
        let name = Name::new("name");
        let commit = async |expected| {
            let mut batch = Batch::new(Slot::new("slot"));
            batch.expect(name.clone(), expected).delete(name.clone());
            store.commit(batch).await
        };
        commit(Expectation::Absent).await.unwrap();
        commit(Expectation::Exists).await.unwrap_err();
        commit(Expectation::Exists).await.unwrap_err();
        let metrics = store.metrics();
        let counts = metrics.calls.of(Kind::Commit).iter().map(|(outcome, count)| (outcome, count.get()));
        let expected = [("ok", 1), ("conflict", 2), ("full", 0), ("unavailable", 0), ("unreadable", 0)];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
        assert_eq!(metrics.times.of(Kind::Commit).count(), 3);
        assert_eq!(metrics.times.of(Kind::Read).count(), 0);
    }
}
