//! Settings of metrics.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::{parse, secrets};
use crate::http::MetricsToken;

/// Where `/metrics` is, and who may see it.
#[derive(Clone, Debug, Args)]
pub struct MetricsArgs {
    /// An address of its own for `/metrics`, by plain HTTP: one of this machine needs no token, and any other one does. Without
    /// it, `/metrics` is at the address of the API if there are tokens, and else nowhere.
    #[arg(long, env = "LATCHKEY_METRICS_LISTEN", value_name = "ADDRESS:PORT", value_parser = parse::address)]
    pub metrics_listen: Option<SocketAddr>,

    /// A file of tokens, one a line, of which whoever reads `/metrics` must send one: `Authorization: Bearer <token>`.
    #[arg(long, env = "LATCHKEY_METRICS_TOKEN_FILE", value_name = "FILE")]
    metrics_token_file: Option<PathBuf>,
}

impl MetricsArgs {
    /// What settings must not say together. The page tells how often an address was taken, which is nobody's business.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.metrics_listen {
            Some(address) if !address.ip().is_loopback() && self.metrics_token_file.is_none() => Err(format!(
                "LATCHKEY_METRICS_LISTEN: {address} is reached from other machines; set LATCHKEY_METRICS_TOKEN_FILE too, or listen on \
                 127.0.0.1"
            )),
            _ => Ok(()),
        }
    }

    /// The tokens that are good, if any are needed.
    ///
    /// # Errors
    /// A line for the operator, when the file cannot be read or holds no token.
    pub fn tokens(&self) -> Result<Vec<MetricsToken>, String> {
        let Some(file) = &self.metrics_token_file else { return Ok(Vec::new()) };
        secrets::read("LATCHKEY_METRICS_TOKEN_FILE", file, MetricsToken::parse)
    }
}
