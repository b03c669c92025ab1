//! Log lines: text for people on a terminal, JSON elsewhere, on standard error.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, Targets},
    fmt,
    layer::SubscriberExt,
    registry,
};

use crate::{
    config::{Config, LogFormat},
    traces::{self, Traces},
};

/// Writes what is logged, and where a panic was, to standard error from here on, and shows `traces` the spans that it asks
/// for. A second call changes nothing.
pub fn start(config: &Config, traces: Option<Traces>) {
    let filter: Targets = config.log.parse().unwrap_or_default();
    // Below this, libraries quote what somebody sent.
    let libraries = Targets::new()
        .with_default(LevelFilter::INFO)
        .with_target("latchkey", LevelFilter::TRACE)
        .with_target(traces::TARGET, LevelFilter::OFF);
    let lines = fmt::layer().with_writer(stderr).with_target(false);
    let text = match config.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => stderr().is_terminal(),
    };
    let lines = if text {
        lines.with_ansi(stderr().is_terminal()).boxed()
    } else {
        lines.json().flatten_event(true).with_span_list(false).boxed()
    };
    // Each layer has its own filter: what is logged says nothing of what is traced.
    let subscriber = registry().with(lines.with_filter(filter.and(libraries)));
    let _ = match traces {
        Some(traces) => tracing::subscriber::set_global_default(subscriber.with(traces.filtered())),
        None => tracing::subscriber::set_global_default(subscriber),
    };
    // What a panic says may hold what somebody sent, so only its place is logged.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(code.place = place, "something panicked");
    }));
}
