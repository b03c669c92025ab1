//! Every setting: its flag, its environment variable, its default, and what is allowed. Nothing else reads the
//! environment.

mod admin;
mod breaches;
mod confirmations;
mod events;
mod hashing;
mod mail;
mod metrics;
mod parse;
mod passwords;
mod proxies;
mod redis_url;
mod secrets;
mod server;
mod sessions;
mod signing;
mod smtp_url;
mod throttle;
mod tls;
mod tokens;
mod traces;
mod unknown;
mod web;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

pub use self::{
    admin::AdminArgs, breaches::BreachArgs, confirmations::ConfirmationArgs, events::EventArgs, hashing::HashingArgs,
    mail::MailArgs, metrics::MetricsArgs, passwords::PasswordArgs, proxies::ProxyArgs, redis_url::RedisUrl,
    server::ServerArgs, sessions::SessionArgs, signing::SigningArgs, throttle::ThrottleArgs, tls::TlsArgs,
    tokens::TokenArgs, traces::TraceArgs, web::WebArgs,
};
pub(crate) use self::{
    parse::duration,
    unknown::{NO_SETTING, unknown_variables, warn_of_unknown_variables},
};
use crate::{
    accounts::{MasterSecret, Settings},
    store::Check,
};

/// How the service runs.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The address to listen on.
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9443", value_parser = parse::address)]
    pub listen: SocketAddr,

    /// TLS.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// Proxies in front.
    #[command(flatten)]
    pub proxies: ProxyArgs,

    /// Connections.
    #[command(flatten)]
    pub server: ServerArgs,

    /// Browsers.
    #[command(flatten)]
    pub web: WebArgs,

    /// Redis or Valkey: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS, `redis-sentinel://`,
    /// `redis-cluster://`, `unix://`; the README shows each. Without it, an embedded store serves.
    #[arg(long, env = "LATCHKEY_REDIS_URL", value_name = "URL", hide_env_values = true, value_parser = redis_url::parse)]
    pub redis_url: Option<RedisUrl>,

    /// A file with the password for Redis, in place of the one in the URL.
    #[arg(long, env = "LATCHKEY_REDIS_PASSWORD_FILE", value_name = "FILE")]
    pub redis_password_file: Option<PathBuf>,

    /// The authorities to trust for TLS to Redis (PEM), in place of those that the system trusts.
    #[arg(long, env = "LATCHKEY_REDIS_CA_FILE", value_name = "FILE")]
    pub redis_ca_file: Option<PathBuf>,

    /// A certificate (PEM) to show to Redis. It needs its key.
    #[arg(long, env = "LATCHKEY_REDIS_CERT_FILE", value_name = "FILE")]
    pub redis_cert_file: Option<PathBuf>,

    /// The private key (PEM) of that certificate.
    #[arg(long, env = "LATCHKEY_REDIS_KEY_FILE", value_name = "FILE")]
    pub redis_key_file: Option<PathBuf>,

    /// What a change in Redis has survived when it is acknowledged: `relaxed` is what Redis is set to, `fsync` is its
    /// disk, `replicated` is the memory of replicas. The embedded store always syncs its disk.
    #[arg(long, env = "LATCHKEY_DURABILITY", value_name = "TIER", default_value = "relaxed")]
    pub durability: Tier,

    /// How many replicas `replicated` waits for: 1 to 16.
    #[arg(long, env = "LATCHKEY_REPLICAS", value_name = "NUMBER", default_value_t = 1, value_parser = parse::number::<1, 16>)]
    pub replicas: u32,

    /// What every key in Redis begins with: at most 64 visible ASCII characters, without braces.
    #[arg(long, env = "LATCHKEY_KEY_PREFIX", value_name = "TEXT", default_value = "latchkey:", value_parser = parse::prefix)]
    pub key_prefix: String,

    /// The folder of the embedded store, and of mail without a mail server. It is made when it is not there.
    #[arg(long, env = "LATCHKEY_DATA_DIR", value_name = "FOLDER", default_value = "./latchkey-data", value_parser = parse::folder)]
    pub data_dir: PathBuf,

    /// Checks of the store whose warnings and errors are accepted, by the names that `latchkey doctor` shows, with commas
    /// between them. An error that is not accepted keeps the service from starting.
    #[arg(long, env = "LATCHKEY_ACCEPT", value_name = "CHECKS", value_delimiter = ',', value_parser = parse::check)]
    pub accept: Vec<Check>,

    /// Sessions.
    #[command(flatten)]
    pub sessions: SessionArgs,

    /// Access tokens.
    #[command(flatten)]
    pub tokens: TokenArgs,

    /// Signing keys.
    #[command(flatten)]
    pub signing: SigningArgs,

    /// What is mailed to be confirmed.
    #[command(flatten)]
    pub confirmations: ConfirmationArgs,

    /// The audit trail.
    #[command(flatten)]
    pub events: EventArgs,
    /// The first administrator.
    #[command(flatten)]
    pub admin: AdminArgs,

    /// Throttles.
    #[command(flatten)]
    pub throttle: ThrottleArgs,

    /// Passwords.
    #[command(flatten)]
    pub passwords: PasswordArgs,

    /// Passwords that others have lost.
    #[command(flatten)]
    pub breaches: BreachArgs,

    /// Password hashes.
    #[command(flatten)]
    pub hashing: HashingArgs,

    /// Mail.
    #[command(flatten)]
    pub mail: MailArgs,

    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,

    /// How long requests are still taken after the signal to stop, while `/health/ready` says that the service is draining
    /// and load balancers take note: 0s to 5m. A second signal ends it.
    #[arg(long, env = "LATCHKEY_DRAIN_DELAY", value_name = "DURATION", default_value = "0s", value_parser = parse::duration::<0, 300>)]
    pub drain_delay: Duration,

    /// How long requests under way may take after that, and then letters that are being sent: 0s to 5m.
    #[arg(long, env = "LATCHKEY_SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = parse::duration::<0, 300>)]
    pub shutdown_timeout: Duration,

    /// Traces.
    #[command(flatten)]
    pub traces: TraceArgs,

    /// What is logged, to standard error: error, warn, info, debug or trace, also by module. trace tells no more than
    /// debug, and libraries no more than info: below that they quote what is sent.
    #[arg(long, env = "LATCHKEY_LOG", value_name = "FILTER", default_value = "info,poem=warn", value_parser = parse::log)]
    pub log: String,

    /// How it is logged; `auto` is text on a terminal and JSON elsewhere.
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", value_name = "FORMAT", default_value = "auto")]
    pub log_format: LogFormat,
}

/// What an acknowledged change has survived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// What Redis is set to.
    Relaxed,
    /// The disk of the server.
    Fsync,
    /// The memory of replicas.
    Replicated,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl Config {
    /// What settings must not say together, in a line for the operator.
    ///
    /// # Errors
    /// That line.
    pub fn check(&self) -> Result<(), String> {
        self.tls.check(self.listen)?;
        self.hashing.check()?;
        if self.redis_cert_file.is_some() != self.redis_key_file.is_some() {
            return Err(
                "LATCHKEY_REDIS_CERT_FILE and LATCHKEY_REDIS_KEY_FILE need each other; set both or none".to_owned()
            );
        }
        let uses_tls = self.redis_url.as_ref().is_some_and(|url| url.reveal().starts_with("rediss"));
        if !uses_tls && (self.redis_ca_file.is_some() || self.redis_cert_file.is_some()) {
            return Err("LATCHKEY_REDIS_CA_FILE, LATCHKEY_REDIS_CERT_FILE: they need a LATCHKEY_REDIS_URL with TLS, \
                        which begins with rediss"
                .to_owned());
        }
        if self.redis_password_file.is_some() && self.redis_url.is_none() {
            return Err("LATCHKEY_REDIS_PASSWORD_FILE: it needs LATCHKEY_REDIS_URL".to_owned());
        }
        if self.durability == Tier::Replicated && self.redis_url.is_none() {
            return Err(
                "LATCHKEY_DURABILITY: replicated needs LATCHKEY_REDIS_URL; the embedded store has no replicas, \
                        and always syncs its disk"
                    .to_owned(),
            );
        }
        self.breaches.check()?;
        self.metrics.check()?;
        self.mail.check()?;
        self.traces.check()?;
        self.signing.check()
    }

    /// What the operator decided about accounts, for a service that listens on `address`, with the
    /// [master secrets](SigningArgs::master_secrets).
    #[must_use]
    pub fn accounts(&self, address: SocketAddr, master_secrets: Vec<MasterSecret>) -> Settings {
        let tokens = self.tokens.settings(&self.tls.url(address));
        let signing = self.signing.settings(tokens.lifetime, master_secrets);
        Settings {
            passwords: self.passwords.settings(),
            sessions: self.sessions.settings(),
            tokens,
            signing,
            confirmations: self.confirmations.settings(),
            events: self.events.settings(),
            throttle: self.throttle.settings(),
            conceal_accounts: self.throttle.conceal_accounts,
        }
    }
}
