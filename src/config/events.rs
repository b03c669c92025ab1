//! Settings of the audit trail.

use std::time::Duration;

use clap::Args;

use super::parse;
use crate::accounts::EventSettings;

/// The audit trail.
#[derive(Clone, Debug, Args)]
pub struct EventArgs {
    /// How long what happened to an account is kept in its audit trail: 1d to 730d. It goes with the account, too.
    #[arg(long, env = "LATCHKEY_EVENTS_RETENTION", value_name = "DURATION", default_value = "365d", value_parser = parse::days::<1, 730>)]
    events_retention: Duration,
}

impl EventArgs {
    pub(super) fn settings(&self) -> EventSettings {
        EventSettings { retention: self.events_retention }
    }
}
