//! Use cases of several steps, each on a task of its own and in a span of its own.

use std::panic;

use tracing::{Instrument, field::Empty};

use crate::{store::in_the_same_request, traces};

/// Runs a use case of several steps to its end, also when whoever waits for it goes away: a client that hangs up after
/// the first step must not leave a claim behind that keeps its own second try out. Traces show it by this name.
pub(super) async fn detached<T: Send + 'static>(
    name: &'static str,
    steps: impl Future<Output = T> + Send + 'static,
) -> T {
    let span = tracing::info_span!(target: traces::TARGET, "use case", otel.name = name, ended = Empty);
    let steps = in_the_same_request(steps).instrument(span.clone());
    let outcome = tokio::spawn(steps.in_current_span()).await;
    // What is still noted behind the answer may hold it.
    span.record("ended", true);
    match outcome {
        Ok(outcome) => outcome,
        Err(e) => match e.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is shutting down, and whoever waits for this with it.
            Err(_) => std::future::pending().await,
        },
    }
}
