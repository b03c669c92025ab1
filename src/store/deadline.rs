//! How long the store may keep one request waiting, in all.
//!
//! Each call of the store ends within [`REQUEST_DEADLINE`]. A request makes several, and its client waits for all of
//! them: so the calls of one request share that time, whatever else the request does between them. A short read of the
//! embedded store waits for nobody but the disk, and ends when that answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{REQUEST_DEADLINE, Unavailable};

tokio::task_local! {
    /// What is left for the request of this task, in microseconds.
    static REMAINING: Arc<AtomicU64>;
}

/// Does the work of one request: all calls of the store in it, one after the other, share [`REQUEST_DEADLINE`].
pub async fn in_one_request<T>(work: impl Future<Output = T>) -> T {
    REMAINING.scope(Arc::new(AtomicU64::new(micros(REQUEST_DEADLINE))), work).await
}

/// Makes work on a task of its own share the time of the request that starts it.
pub fn in_the_same_request<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let remaining = REMAINING.try_with(Arc::clone);
    async move {
        match remaining {
            Ok(remaining) => REMAINING.scope(remaining, work).await,
            Err(_) => work.await,
        }
    }
}

/// Sleeps, on the time of the request. Answers false, at once, when the request has not so much left.
pub async fn pause(duration: Duration) -> bool {
    let call = Call::begin();
    let in_time = Instant::now() + duration <= call.deadline;
    if in_time {
        tokio::time::sleep(duration).await;
    }
    in_time
}

/// Waits for `answer`, which is not the store's own, on the time of the request.
///
/// # Errors
/// [`Unavailable`] when the request has no time left.
pub async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, Unavailable> {
    Call::begin().wait_for(answer).await
}

/// One call of the store, or one pause: it begins with this, and takes what it lasts from the time of its request.
pub(super) struct Call {
    begun: Instant,
    remaining: Option<Arc<AtomicU64>>,
    pub(super) deadline: Instant,
}

impl Call {
    pub(super) fn begin() -> Self {
        let begun = Instant::now();
        let remaining = REMAINING.try_with(Arc::clone).ok();
        let time =
            remaining.as_ref().map_or(REQUEST_DEADLINE, |left| Duration::from_micros(left.load(Ordering::Relaxed)));
        Self { begun, remaining, deadline: begun + time }
    }

    /// Refuses what would be begun for nobody, since the request has no time left.
    pub(super) fn expect_time(&self) -> Result<(), Unavailable> {
        if Instant::now() >= self.deadline { Err(late()) } else { Ok(()) }
    }

    /// Waits for `answer`, but not past the deadline.
    pub(super) async fn wait_for<T>(&self, answer: impl Future<Output = T>) -> Result<T, Unavailable> {
        tokio::time::timeout_at(self.deadline, answer).await.map_err(|_| late())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Some(remaining) = &self.remaining else { return };
        let used = micros(self.begun.elapsed());
        // An update with `saturating_sub` always succeeds.
        let _ = remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(used)));
    }
}

// In the binary once, and not for each kind of answer.
#[cold]
fn late() -> Unavailable {
    Unavailable(format!("no answer within the {REQUEST_DEADLINE:?} that a request has"))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_is_made_if_the_request_has_the_time_for_it() {
        in_one_request(async {
            assert!(!pause(REQUEST_DEADLINE + Duration::from_millis(1)).await);
            let begun = Instant::now();
            assert!(pause(Duration::from_millis(20)).await);
            assert!(begun.elapsed() >= Duration::from_millis(20));
            assert!(!pause(REQUEST_DEADLINE).await, "the pause before has taken its part");
        })
        .await;
    }
}
