//! The composition root: it sees every room, and puts them together out of the settings.

mod examine;
mod first_admin;
mod metrics;
mod stores;
mod upkeep;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::sync::oneshot;

pub use self::examine::examine;
use self::{
    metrics::Metrics,
    stores::{open_existing_store, open_store},
};
use crate::{
    accounts::{self, Accounts, Clock, HashSettings, Hasher, Random},
    breaches::Breaches,
    config::Config,
    http::{self, Drain, RequestLimits, WebSettings},
    mail::Mailer,
    server::{Identity, Server, Tls, raise_open_files},
    store::{Check, Finding, Severity},
};

/// The service, listening but not yet answering.
pub struct App {
    server: Server,
    url: String,
    accounts: Arc<Accounts>,
    mailer: Arc<Mailer>,
    data: String,
    web: WebSettings,
    limits: RequestLimits,
    drain: Drain,
    metrics: Metrics,
    shutdown_timeout: Duration,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("address", &self.address()).field("data", &self.data).finish_non_exhaustive()
    }
}

/// Why the service cannot start, in one line that names what to change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl App {
    /// Opens the store and looks whether it is fit, starts the hashing threads and binds the address.
    ///
    /// # Errors
    /// [`StartError`] when one of these fails.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let secrets = config.signing.master_secrets().map_err(StartError)?;
        let hashing = config.hashing.settings().map_err(StartError)?;
        let breaches = Breaches::open(&config.breaches.options()).map_err(|e| StartError(e.to_string()))?;
        let (store, data, setting) = open_store(config).await?;
        let findings = accounts::inspect(&store, &*clock, &secrets).await;
        let refused = |e| StartError(format!("cannot use {data} ({setting}): {e}"));
        admit(&findings, &config.accept).map_err(refused)?;
        let hasher =
            Hasher::start(hashing, Random).map_err(|e| StartError(format!("cannot start the hashing threads: {e}")))?;
        let server = listen(config).await?;
        let metrics = Metrics::open(config).await?;
        let address = server.address();
        let url = config.tls.url(address);
        let mailer = Arc::new(open_mailer(config, &url)?);
        let accounts = Accounts::open(store, hasher, breaches, clock, config.accounts(address, secrets)).await;
        let accounts = accounts.map_err(|e| refused(e.to_string()))?;
        accounts.hasher().report();
        let accounts = Arc::new(accounts);
        first_admin::invite(config, &accounts).await?;
        if !address.ip().is_loopback() && config.tokens.issuer.is_none() {
            tracing::warn!(
                "LATCHKEY_ISSUER is not set: access tokens name {url} as their issuer, where nobody finds this service"
            );
        }
        let proxies = config.proxies.settings(config.tls.behind_tls_proxy);
        if proxies.hide_clients() {
            tracing::warn!(
                "LATCHKEY_BEHIND_TLS_PROXY is set and LATCHKEY_TRUSTED_PROXIES is not: nobody knows where requests come from, so \
                 attempts are not counted by address"
            );
        }
        let web = config.web.settings(config.mail.product(), proxies, config.tls.is_strict());
        let shutdown_timeout = config.shutdown_timeout;
        let limits = config.server.request_limits();
        let drain = Drain::default();
        Ok(Self { server, url, accounts, mailer, data, web, limits, drain, metrics, shutdown_timeout })
    }

    /// The address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its URL, by that address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that `/metrics` has alone, if it has one.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.address()
    }

    /// Where the records are, for people.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// What makes load balancers look elsewhere before the service stops.
    #[must_use]
    pub fn drain(&self) -> Drain {
        self.drain.clone()
    }

    /// Serves until `stop` is done, then finishes what is under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let collector = tokio::spawn(upkeep::collect(Arc::clone(&self.accounts)));
        let keeper = tokio::spawn(upkeep::keep_keys(Arc::clone(&self.accounts)));
        let (end_mail, mail_ends) = oneshot::channel::<()>();
        let (accounts, mailer) = (Arc::clone(&self.accounts), self.mailer);
        let courier = tokio::spawn(async move { accounts.deliver(&mailer, mail_ends.map(drop)).await });
        let requests = Arc::clone(&self.metrics.requests);
        let (metrics, alone) = self.metrics.serve([Arc::<Accounts>::clone(&self.accounts), self.server.numbers()]);
        let endpoint = http::api(Arc::clone(&self.accounts), &self.web, self.limits, self.drain, requests, metrics);
        let asked = Arc::clone(&self.accounts);
        let stop = stop.map(|()| asked.stop());
        self.server.run(endpoint, stop, self.shutdown_timeout).await;
        drop(end_mail);
        // A letter that is cut off is sent once more by whoever comes next.
        if tokio::time::timeout(self.shutdown_timeout, courier).await.is_err() {
            tracing::warn!("a letter was still being sent at the end of LATCHKEY_SHUTDOWN_TIMEOUT");
        }
        collector.abort();
        keeper.abort();
        if let Some(alone) = alone {
            alone.end().await;
        }
        self.accounts.close().await;
    }
}

/// Files beside connections: the store, the log, signals.
const OTHER_FILES: u64 = 100;

/// Binds the address, with as many connections as there may be files.
async fn listen(config: &Config) -> Result<Server, StartError> {
    let mut limits = config.server.limits();
    let files = raise_open_files().and_then(|files| usize::try_from(files.saturating_sub(OTHER_FILES).max(1)).ok());
    if let Some(files) = files.filter(|files| *files < limits.connections) {
        tracing::warn!("LATCHKEY_MAX_CONNECTIONS: there are only files for {files} connections; raise `ulimit -n`");
        limits.connections = files;
    }
    let cannot = |e| StartError(format!("cannot listen on {} (LATCHKEY_LISTEN): {e}", config.listen));
    let server = Server::bind(config.listen, limits).await.map_err(cannot)?;
    let Some(identity) = config.tls.identity() else { return Ok(server) };
    if matches!(identity, Identity::SelfSigned) {
        tracing::warn!("LATCHKEY_TLS_SELF_SIGNED: nobody can trust the certificate, which is for development");
    }
    let tls = Tls::new(&identity, server.address()).map_err(|e| StartError(e.to_string()))?;
    Ok(server.with_tls(tls))
}

/// What sends mail for a service that is at `url` unless it is told otherwise.
fn open_mailer(config: &Config, url: &str) -> Result<Mailer, StartError> {
    let own_url = config.tokens.issuer.as_deref().unwrap_or(url);
    let options = config.mail.options(own_url, &config.data_dir).map_err(StartError)?;
    let mailer = Mailer::open(options).map_err(|e| StartError(e.to_string()))?;
    if let Some(warning) = config.mail.warning(own_url) {
        tracing::warn!("{warning}");
    }
    Ok(mailer)
}

/// Tells in the log what is not as it should be.
///
/// # Errors
/// A line for the operator, when an error is not among those that are accepted.
fn admit(findings: &[Finding], accepted: &[Check]) -> Result<(), String> {
    let refused = findings.iter().filter(|finding| finding.refuses(accepted)).collect::<Vec<_>>();
    if !refused.is_empty() {
        let told = refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let names = refused.iter().map(|finding| finding.check.name()).collect::<Vec<_>>().join(",");
        return Err(if refused.iter().all(|finding| finding.check.may_be_accepted()) {
            format!("{told}; to start nevertheless: LATCHKEY_ACCEPT={names}")
        } else {
            format!("{told}; nothing overrides this")
        });
    }
    for finding in findings {
        match finding.severity {
            Severity::Ok => {}
            Severity::Unknown => tracing::info!("not known: {finding}"),
            _ if finding.is_accepted(accepted) => tracing::info!("accepted: {finding}"),
            Severity::Warning | Severity::Error => tracing::warn!("{finding}"),
        }
    }
    Ok(())
}

/// Opens the accounts of a store that is in use already, without serving them. Answers them and where the records are,
/// for people.
///
/// # Errors
/// [`StartError`] when there is no such store, or it cannot be used.
pub async fn open_existing(config: &Config, clock: Arc<dyn Clock>) -> Result<(Accounts, String), StartError> {
    let secrets = config.signing.master_secrets().map_err(StartError)?;
    let hashing = config.hashing.settings().map_err(StartError)?;
    let (store, data, setting) = open_existing_store(config).await?;
    let cannot = |e: &dyn std::fmt::Display| StartError(format!("cannot use {data} ({setting}): {e}"));
    // One thread: nobody waits but whoever runs the command.
    let hasher = Hasher::start(HashSettings { threads: 1, ..hashing }, Random).map_err(|e| cannot(&e))?;
    let settings = config.accounts(config.listen, secrets);
    let accounts = Accounts::open_existing(store, hasher, clock, settings).await;
    Ok((accounts.map_err(|e| cannot(&e))?, data))
}
