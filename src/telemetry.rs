//! Log lines: text for people on a terminal, JSON elsewhere, on standard error.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt};

use crate::config::{Config, LogFormat};

/// Sends what is traced, and where a panic was, to standard error from here on. A second call changes nothing.
pub fn start(config: &Config) {
    let filter: Targets = config.log.parse().unwrap_or_default();
    // Below this, libraries quote what somebody sent.
    let libraries = Targets::new().with_default(LevelFilter::INFO).with_target("latchkey", LevelFilter::TRACE);
    let lines = fmt().with_max_level(LevelFilter::TRACE).with_writer(stderr).with_target(false);
    let text = match config.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => stderr().is_terminal(),
    };
    let _ = if text {
        tracing::subscriber::set_global_default(
            lines.with_ansi(stderr().is_terminal()).finish().with(filter).with(libraries),
        )
    } else {
        tracing::subscriber::set_global_default(
            lines.json().flatten_event(true).with_span_list(false).finish().with(filter).with(libraries),
        )
    };
    // What a panic says may hold what somebody sent, so only its place is logged.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(code.place = place, "something panicked");
    }));
}
