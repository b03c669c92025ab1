//! Settings of connections.

use std::time::Duration;

use clap::Args;

use super::parse;
use crate::{http::RequestLimits, server::ServerLimits};

/// What clients are given.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// Connections at once: 1 to 1000000. For one more, those that have been idle the longest are closed.
    #[arg(long, env = "LATCHKEY_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = 12_000, value_parser = parse::number::<1, 1_000_000>)]
    max_connections: u32,

    /// How long the headers of a request may take: 100ms to 5m. Those of the first one count from the connection on.
    #[arg(long, env = "LATCHKEY_HEADER_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = parse::milliseconds::<100, 300_000>)]
    header_timeout: Duration,

    /// How long the body of a request may take, after its headers: 100ms to 5m.
    #[arg(long, env = "LATCHKEY_BODY_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = parse::milliseconds::<100, 300_000>)]
    body_timeout: Duration,

    /// How long all of a request may take, from its headers until the client has taken the whole answer: 100ms to 5m.
    #[arg(long, env = "LATCHKEY_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse::milliseconds::<100, 300_000>)]
    request_timeout: Duration,

    /// How long a connection is kept without a request: 100ms to 1h.
    #[arg(long, env = "LATCHKEY_IDLE_TIMEOUT", value_name = "DURATION", default_value = "75s", value_parser = parse::milliseconds::<100, 3_600_000>)]
    idle_timeout: Duration,

    /// The largest body of a request, in KiB: 1 to 1024.
    #[arg(long, env = "LATCHKEY_MAX_BODY_KIB", value_name = "KIB", default_value_t = 64, value_parser = parse::number::<1, 1024>)]
    max_body_kib: u32,
}

impl ServerArgs {
    /// What every connection is given.
    #[must_use]
    pub fn limits(&self) -> ServerLimits {
        ServerLimits {
            connections: usize::try_from(self.max_connections).unwrap_or(usize::MAX),
            header_timeout: self.header_timeout,
            idle_timeout: self.idle_timeout,
            request_timeout: self.request_timeout,
        }
    }

    /// What of every request is read.
    #[must_use]
    pub fn request_limits(&self) -> RequestLimits {
        let body = usize::try_from(self.max_body_kib).unwrap_or(usize::MAX).saturating_mul(1024);
        RequestLimits { body, body_timeout: self.body_timeout }
    }
}
