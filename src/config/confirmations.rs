//! Settings of what is mailed to be confirmed.

use std::time::Duration;

use clap::Args;

use super::parse;
use crate::accounts::ConfirmationSettings;

/// What is mailed to be confirmed.
#[derive(Clone, Debug, Args)]
pub struct ConfirmationArgs {
    /// Nobody signs in before they have confirmed their email address. Registering answers 202 with `{}` and sends a letter,
    /// for new and known addresses alike.
    #[arg(long, env = "LATCHKEY_REQUIRE_VERIFICATION", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    require_verification: bool,

    /// How long a link to confirm an address is good: 10m to 168h. The code beside it is good for 10 minutes.
    #[arg(long, env = "LATCHKEY_VERIFICATION_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse::duration::<600, 604_800>)]
    verification_lifetime: Duration,

    /// How long a link to set a new password is good: 10m to 1d. The code beside it is good for 10 minutes.
    #[arg(long, env = "LATCHKEY_RESET_LIFETIME", value_name = "DURATION", default_value = "30m", value_parser = parse::duration::<600, 86_400>)]
    reset_lifetime: Duration,

    /// How long the link of an invitation is good, which sets the first password of an account: 1h to 720h.
    #[arg(long, env = "LATCHKEY_INVITATION_LIFETIME", value_name = "DURATION", default_value = "168h", value_parser = parse::duration::<3600, 2_592_000>)]
    invitation_lifetime: Duration,
}

impl ConfirmationArgs {
    pub(super) fn settings(&self) -> ConfirmationSettings {
        ConfirmationSettings {
            required: self.require_verification,
            verification_lifetime: self.verification_lifetime,
            reset_lifetime: self.reset_lifetime,
            invitation_lifetime: self.invitation_lifetime,
        }
    }
}
