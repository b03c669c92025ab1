//! Settings of where it is looked up whether a password was lost in a data breach.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use url::Url;

use super::parse;
use crate::breaches::{ApiOptions, BreachOptions};

/// Where it is looked up whether a new password was lost.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the names are those of the flags")]
pub struct BreachArgs {
    /// A file of SHA-1 digests that new passwords must not be in: a line for each, sorted, as the downloader of Pwned
    /// Passwords writes it. It is opened once, at the start.
    #[arg(long, env = "LATCHKEY_BREACH_FILE", value_name = "FILE")]
    breach_file: Option<PathBuf>,

    /// A service that is asked whether a new password was lost, and is told five digits of its SHA-1 digest: what they are
    /// put behind, such as `https://api.pwnedpasswords.com/range/`. When it does not answer, the password is taken.
    #[arg(long, env = "LATCHKEY_BREACH_API_URL", value_name = "URL", value_parser = parse::range_url)]
    breach_api_url: Option<Url>,

    /// How long that service may take: 1s to 10s.
    #[arg(long, env = "LATCHKEY_BREACH_API_TIMEOUT", value_name = "DURATION", default_value = "1s", value_parser = parse::duration::<1, 10>)]
    breach_api_timeout: Duration,

    /// The authorities to trust for TLS to that service (PEM), in place of those that the system trusts.
    #[arg(long, env = "LATCHKEY_BREACH_API_CA_FILE", value_name = "FILE")]
    breach_api_ca_file: Option<PathBuf>,
}

impl BreachArgs {
    /// What settings must not say together, in a line for the operator.
    pub(super) fn check(&self) -> Result<(), String> {
        let uses_tls = self.breach_api_url.as_ref().is_some_and(|url| url.scheme() == "https");
        if self.breach_api_ca_file.is_some() && !uses_tls {
            return Err(
                "LATCHKEY_BREACH_API_CA_FILE: it needs a LATCHKEY_BREACH_API_URL that begins with https".to_owned()
            );
        }
        Ok(())
    }

    /// Where to look passwords up.
    #[must_use]
    pub fn options(&self) -> BreachOptions {
        let api = self.breach_api_url.clone().map(|url| ApiOptions {
            url,
            timeout: self.breach_api_timeout,
            ca_file: self.breach_api_ca_file.clone(),
        });
        BreachOptions { file: self.breach_file.clone(), api }
    }
}
