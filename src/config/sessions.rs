//! Settings of sessions.

use std::time::Duration;

use clap::Args;

use super::parse;
use crate::accounts::SessionSettings;

/// How long sessions last, and how many there are.
#[derive(Clone, Debug, Args)]
pub struct SessionArgs {
    /// How long a session lasts, used or not: 1m to 365d.
    #[arg(long, env = "LATCHKEY_SESSION_LIFETIME", value_name = "DURATION", default_value = "720h", value_parser = parse::duration::<60, { 8760 * 3600 }>)]
    session_lifetime: Duration,

    /// How long a session lasts that is not used: 5m to 365d. Its use is noted once a minute.
    #[arg(long, env = "LATCHKEY_SESSION_IDLE_TIMEOUT", value_name = "DURATION", default_value = "168h", value_parser = parse::duration::<300, { 8760 * 3600 }>)]
    session_idle_timeout: Duration,

    /// How many sessions a person has at the most: 1 to 1000. When one more begins, the oldest ends.
    #[arg(long, env = "LATCHKEY_MAX_SESSIONS", value_name = "NUMBER", default_value_t = 100, value_parser = parse::number::<1, 1000>)]
    max_sessions: u32,
}

impl SessionArgs {
    pub(super) fn settings(&self) -> SessionSettings {
        SessionSettings {
            lifetime: self.session_lifetime,
            idle_timeout: self.session_idle_timeout,
            most: usize::try_from(self.max_sessions).unwrap_or(usize::MAX),
        }
    }
}
