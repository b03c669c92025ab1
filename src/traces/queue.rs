//! Spans that have ended and wait to be sent: as many as there may be, and how many were too many.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::span::Span;
use crate::metrics::{Page, Source};

/// As many spans wait. One takes about 1 KB.
const MOST: usize = 2048;

/// As many spans are sent at once.
const BATCH: usize = 512;

/// For how long a span waits for others at the most.
const WAIT: Duration = Duration::from_secs(2);

/// How many were dropped since the start, by all queues of this process.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many spans were dropped, for the page of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Dropped;

impl Source for Dropped {
    fn write<'a>(&'a self, page: &'a mut Page) -> BoxFuture<'a, ()> {
        let about = "Spans of traces that were not sent, since the collector did not take them.";
        page.counter("latchkey_trace_spans_dropped_total", about).is(&[], DROPPED.load(Relaxed));
        Box::pin(async {})
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    spans: Mutex<Vec<Span>>,
    dropped: AtomicU64,
    is_full_batch: Notify,
}

impl Queue {
    // A std mutex, since no await happens while it is held.
    fn lock(&self) -> MutexGuard<'_, Vec<Span>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a span, or drops it where there are too many.
    pub(super) fn put(&self, span: Span) {
        let mut spans = self.lock();
        if spans.len() >= MOST {
            drop(spans);
            self.drop_more(1);
            return;
        }
        spans.push(span);
        if spans.len() >= BATCH {
            self.is_full_batch.notify_one();
        }
    }

    /// Counts spans that nobody will see.
    pub(super) fn drop_more(&self, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        self.dropped.fetch_add(spans, Relaxed);
        DROPPED.fetch_add(spans, Relaxed);
    }

    /// How many were dropped since this was asked last.
    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Relaxed)
    }

    /// Waits until there is something to send.
    pub(super) async fn is_due(&self) {
        let _ = tokio::time::timeout(WAIT, self.is_full_batch.notified()).await;
    }

    /// The oldest spans, at most so many as are sent at once.
    pub(super) fn take(&self) -> Vec<Span> {
        let mut spans = self.lock();
        let some = spans.len().min(BATCH);
        spans.drain(..some).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::span::{Place, next_id};

    fn span() -> Span {
        Span::begin(Place { trace: 1, span: next_id(), state: "".into() }, 0, "span")
    }

    #[test]
    fn what_is_too_much_is_dropped_and_counted_and_the_oldest_stay() {
        let (queue, before) = (Queue::default(), DROPPED.load(Relaxed));
        let ids = (0..MOST + 7).map(|_| {
            let span = span();
            let id = span.place.span;
            queue.put(span);
            id
        });
        let ids = ids.collect::<Vec<_>>();
        assert_eq!((queue.take_dropped(), queue.take_dropped()), (7, 0));
        assert!(DROPPED.load(Relaxed) >= before + 7, "a collector of metrics sees them all");
        let mut taken = Vec::new();
        while let Some(batch) = Some(queue.take()).filter(|batch| !batch.is_empty()) {
            assert!(batch.len() <= BATCH);
            taken.extend(batch.iter().map(|span| span.place.span));
        }
        assert_eq!(taken, ids[..MOST]);
    }

    #[tokio::test]
    async fn a_full_batch_is_not_waited_for() {
        let queue = Queue::default();
        (0..BATCH).for_each(|_| queue.put(span()));
        let waited = tokio::time::timeout(WAIT / 2, queue.is_due());
        assert!(waited.await.is_ok());
    }
}
