//! Settings of TLS.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::server::Identity;

/// Whether this service ends TLS by itself, and how.
#[derive(Clone, Debug, Args)]
pub struct TlsArgs {
    /// The certificate (PEM) to serve HTTPS with, followed by those that lead to an authority. It needs its key. Both
    /// files are read again when they change.
    #[arg(long, env = "LATCHKEY_TLS_CERT_FILE", value_name = "FILE")]
    tls_cert_file: Option<PathBuf>,

    /// The private key (PEM) of that certificate.
    #[arg(long, env = "LATCHKEY_TLS_KEY_FILE", value_name = "FILE")]
    tls_key_file: Option<PathBuf>,

    /// Serve HTTPS with a certificate that is made at each start and that nobody trusts: for development. Beyond loopback it
    /// also needs `LATCHKEY_BEHIND_TLS_PROXY`.
    #[arg(long, env = "LATCHKEY_TLS_SELF_SIGNED", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    tls_self_signed: bool,

    /// A proxy in front ends TLS. Without it, plain HTTP beyond loopback is refused.
    #[arg(long, env = "LATCHKEY_BEHIND_TLS_PROXY", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub behind_tls_proxy: bool,
}

impl TlsArgs {
    /// What to show to clients; nothing, when this is plain HTTP.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match (&self.tls_cert_file, &self.tls_key_file) {
            (Some(chain), Some(key)) => Some(Identity::Files { chain: chain.clone(), key: key.clone() }),
            _ => self.tls_self_signed.then_some(Identity::SelfSigned),
        }
    }

    /// The URL of a service that listens on `address`.
    #[must_use]
    pub fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.identity().is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// Whether browsers shall not come here without TLS any more (HSTS, RFC 6797): not for a certificate that nobody
    /// trusts, and not where a proxy ends TLS, which alone knows what else it serves.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.tls_cert_file.is_some()
    }

    pub(super) fn check(&self, listen: SocketAddr) -> Result<(), String> {
        if self.tls_cert_file.is_some() != self.tls_key_file.is_some() {
            return Err("LATCHKEY_TLS_CERT_FILE and LATCHKEY_TLS_KEY_FILE need each other; set both or none".to_owned());
        }
        if self.tls_self_signed && self.tls_cert_file.is_some() {
            return Err("LATCHKEY_TLS_SELF_SIGNED: there is a certificate in LATCHKEY_TLS_CERT_FILE; set one of them"
                .to_owned());
        }
        if listen.ip().is_loopback() || self.behind_tls_proxy || self.tls_cert_file.is_some() {
            return Ok(());
        }
        Err(if self.tls_self_signed {
            format!(
                "LATCHKEY_TLS_SELF_SIGNED: {listen} is beyond loopback, where nobody can trust this certificate; set \
                 LATCHKEY_TLS_CERT_FILE and LATCHKEY_TLS_KEY_FILE, or LATCHKEY_BEHIND_TLS_PROXY=true where a proxy does not \
                 check it, or listen on 127.0.0.1"
            )
        } else {
            format!(
                "LATCHKEY_LISTEN: {listen} is beyond loopback and would serve passwords in plain text; set \
                 LATCHKEY_TLS_CERT_FILE and LATCHKEY_TLS_KEY_FILE, or put a proxy in front that ends TLS and set \
                 LATCHKEY_BEHIND_TLS_PROXY=true, or listen on 127.0.0.1"
            )
        })
    }
}
