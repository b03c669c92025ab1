//! Settings of access tokens.

use std::time::Duration;

use clap::Args;

use super::parse;
use crate::accounts::TokenSettings;

/// What access tokens say, and for how long.
#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    /// The URL that clients and other services reach this one at: what access tokens name as their issuer. By default it
    /// is made of the address that is listened on. All instances need the same.
    #[arg(long, env = "LATCHKEY_ISSUER", value_name = "URL", value_parser = parse::issuer)]
    pub issuer: Option<String>,

    /// Which services access tokens are for: their `aud`. By default it is the issuer.
    #[arg(long, env = "LATCHKEY_AUDIENCE", value_name = "TEXT", value_parser = parse::audience)]
    audience: Option<String>,

    /// How long an access token is good: 1m to 1d. Signing out does not end it for services that only check its
    /// signature.
    #[arg(long, env = "LATCHKEY_ACCESS_TOKEN_LIFETIME", value_name = "DURATION", default_value = "10m", value_parser = parse::duration::<60, { 24 * 3600 }>)]
    access_token_lifetime: Duration,
}

impl TokenArgs {
    /// The settings of a service that is at `url` unless it is told otherwise.
    pub(super) fn settings(&self, url: &str) -> TokenSettings {
        let issuer = self.issuer.clone().unwrap_or_else(|| url.to_owned());
        TokenSettings {
            audience: self.audience.clone().unwrap_or_else(|| issuer.clone()),
            issuer,
            lifetime: self.access_token_lifetime,
        }
    }
}
