//! Traces: what a request does and how long each step takes, for a collector that speaks OTLP (OpenTelemetry).
//!
//! Whoever wants to be seen opens a span of `tracing` with the target [`TARGET`]. It counts if it is within a [`Trace`] that
//! is recorded, and else costs next to nothing. What becomes of its fields, `layer` says. Spans that have ended wait in
//! a bounded `queue` for the `exporter`, so nobody ever waits for the collector.
//!
//! This is no library of OpenTelemetry: theirs made the binary 350 KB larger, and send what is logged in a span along with
//! it. The encoding is OTLP in JSON, which is stable since version 1.0 of that protocol.

mod context;
mod exporter;
mod layer;
mod options;
mod otlp;
mod queue;
mod span;

use std::sync::{Arc, OnceLock};

use self::{context::Ratio, queue::Queue};
pub use self::{context::Trace, exporter::Exporter, layer::Traces, options::TraceOptions, queue::Dropped};

/// The target of the spans that are sent. Log lines have none of them.
pub const TARGET: &str = "traces";

/// Says something of a span that may be one of the log, to the traces alone.
macro_rules! say {
    ($span:expr, $($fields:tt)*) => {
        tracing::event!(target: $crate::traces::TARGET, parent: $span, tracing::Level::INFO, { $($fields)* })
    };
}
pub(crate) use say;

/// How many of the traces that begin here are recorded, once that is known. Until then none is.
static RATIO: OnceLock<Ratio> = OnceLock::new();

/// Records traces from here on: what sees the spans, and what sends them.
///
/// # Errors
/// A line for the operator, when the options do not make a client of the collector.
pub fn start(options: &TraceOptions) -> Result<(Traces, Exporter), String> {
    let queue = Arc::new(Queue::default());
    let exporter = Exporter::new(options, Arc::clone(&queue))?;
    let _ = RATIO.set(Ratio::new(options.ratio));
    Ok((Traces::new(queue), exporter))
}

/// `N` random bytes, or zeros where the system has none: an id that is not unique spoils one trace.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = getrandom::fill(&mut bytes);
    bytes
}
