//! Every setting: its flag, its environment variable, its default, and what is allowed. Nothing else reads the
//! environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{accounts::HashCost, store::Check};

/// How the service runs.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The address to listen on.
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9443", value_parser = parse_address)]
    pub listen: SocketAddr,

    /// A proxy in front ends TLS. Without it, an address beyond loopback is refused, since HTTP alone is plain text.
    #[arg(long, env = "LATCHKEY_BEHIND_TLS_PROXY", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub behind_tls_proxy: bool,

    /// Redis or Valkey: `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS, `redis-sentinel://`,
    /// `redis-cluster://`, `unix://`; the README shows each. Without it, an embedded store serves.
    #[arg(long, env = "LATCHKEY_REDIS_URL", value_name = "URL", hide_env_values = true, value_parser = parse_redis_url)]
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

    /// How many replicas `replicated` waits for.
    #[arg(long, env = "LATCHKEY_REPLICAS", value_name = "NUMBER", default_value_t = 1, value_parser = number::<1, 16>)]
    pub replicas: u32,

    /// What every key in Redis begins with.
    #[arg(long, env = "LATCHKEY_KEY_PREFIX", value_name = "TEXT", default_value = "latchkey:", value_parser = parse_prefix)]
    pub key_prefix: String,

    /// The folder of the embedded store. It is made when it is not there.
    #[arg(long, env = "LATCHKEY_DATA_DIR", value_name = "FOLDER", default_value = "./latchkey-data", value_parser = parse_folder)]
    pub data_dir: PathBuf,

    /// Checks of the store whose warnings and errors are accepted, by name, with commas between them. An error that is
    /// not accepted keeps the service from starting. `latchkey doctor` shows them all.
    #[arg(long, env = "LATCHKEY_ACCEPT", value_name = "CHECKS", value_delimiter = ',', value_parser = parse_check)]
    pub accept: Vec<Check>,

    /// How long a session lasts: 1m to 8760h.
    #[arg(long, env = "LATCHKEY_SESSION_LIFETIME", value_name = "DURATION", default_value = "24h", value_parser = parse_session_lifetime)]
    pub session_lifetime: Duration,

    /// Memory for one password hash, in KiB; at least 8 for each lane.
    #[arg(long, env = "LATCHKEY_ARGON2_MEMORY_KIB", value_name = "KIB", default_value_t = 19_456, value_parser = number::<8, { HashCost::MOST.memory_kib }>)]
    pub argon2_memory_kib: u32,

    /// Passes over that memory.
    #[arg(long, env = "LATCHKEY_ARGON2_ITERATIONS", value_name = "NUMBER", default_value_t = 2, value_parser = number::<1, { HashCost::MOST.iterations }>)]
    pub argon2_iterations: u32,

    /// Lanes of that memory.
    #[arg(long, env = "LATCHKEY_ARGON2_PARALLELISM", value_name = "NUMBER", default_value_t = 1, value_parser = number::<1, { HashCost::MOST.parallelism }>)]
    pub argon2_parallelism: u32,

    /// Threads that hash passwords; by default one for each core.
    #[arg(long, env = "LATCHKEY_HASH_THREADS", value_name = "NUMBER", value_parser = number::<1, 256>)]
    pub hash_threads: Option<u32>,

    /// Passwords that may wait for a thread. More are refused at once, with 503 and `Retry-After`.
    #[arg(long, env = "LATCHKEY_HASH_QUEUE", value_name = "NUMBER", default_value_t = 64, value_parser = number::<0, 100_000>)]
    pub hash_queue: u32,

    /// How long requests under way may take after the signal to stop: 0s to 5m.
    #[arg(long, env = "LATCHKEY_SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = parse_shutdown_timeout)]
    pub shutdown_timeout: Duration,

    /// What is logged, to standard error: error, warn, info, debug or trace, also by module.
    #[arg(long, env = "LATCHKEY_LOG", value_name = "FILTER", default_value = "info,poem=warn", value_parser = parse_log)]
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

/// A Redis URL. It may hold a password, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The URL, password and all.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The URL without what may be secret, for a log or an error: user and password, also those of sentinels.
    #[must_use]
    pub fn redacted(&self) -> String {
        let scheme = self.0.split_once("://").map_or("", |(scheme, _)| scheme);
        // Of what is no URL, nobody knows which part is the password.
        match url::Url::parse(&self.0) {
            Ok(url) => format!("{scheme}://{}{}", place(&url), url.path()),
            Err(_) => format!("{scheme}://…"),
        }
    }
}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedisUrl({})", self.redacted())
    }
}

impl Config {
    /// What settings must not say together, in a line for the operator.
    ///
    /// # Errors
    /// That line.
    pub fn check(&self) -> Result<(), String> {
        if !self.listen.ip().is_loopback() && !self.behind_tls_proxy {
            return Err(format!(
                "LATCHKEY_LISTEN: {} is beyond loopback and would serve passwords in plain text; \
                 put a proxy in front that ends TLS and set LATCHKEY_BEHIND_TLS_PROXY=true, or listen on 127.0.0.1",
                self.listen
            ));
        }
        let least = self.argon2_parallelism * 8;
        if self.argon2_memory_kib < least {
            return Err(format!(
                "LATCHKEY_ARGON2_MEMORY_KIB: {} is too little for {} lanes; at least {least} is needed",
                self.argon2_memory_kib, self.argon2_parallelism
            ));
        }
        if self.redis_cert_file.is_some() != self.redis_key_file.is_some() {
            return Err(
                "LATCHKEY_REDIS_CERT_FILE and LATCHKEY_REDIS_KEY_FILE need each other; set both or none".to_owned()
            );
        }
        let uses_tls = self.redis_url.as_ref().is_some_and(|url| url.0.starts_with("rediss"));
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
        Ok(())
    }

    /// What a password hash costs.
    #[must_use]
    pub fn hash_cost(&self) -> HashCost {
        HashCost {
            memory_kib: self.argon2_memory_kib,
            iterations: self.argon2_iterations,
            parallelism: self.argon2_parallelism,
        }
    }

    /// How many threads hash passwords.
    #[must_use]
    pub fn hash_threads(&self) -> u32 {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        self.hash_threads.unwrap_or_else(cores)
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an IP address and a port are needed, such as 127.0.0.1:9443 or [::1]:9443")
}

fn parse_redis_url(text: &str) -> Result<RedisUrl, &'static str> {
    let schemes = ["redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster", "unix"];
    match text.split_once("://") {
        Some((scheme, rest)) if schemes.contains(&scheme) && !rest.is_empty() && url::Url::parse(text).is_ok() => {
            Ok(RedisUrl(text.to_owned()))
        }
        _ => Err("a URL is needed that begins with redis://, rediss://, redis-sentinel://, rediss-sentinel://, \
                  redis-cluster://, rediss-cluster:// or unix://, such as redis://127.0.0.1:6379"),
    }
}

/// The host and the port, if there are any.
fn place(url: &url::Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

fn parse_prefix(text: &str) -> Result<String, &'static str> {
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '{' | '}');
    if text.len() <= 64 && text.chars().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("at most 64 visible ASCII characters are allowed, without braces")
    }
}

fn parse_check(text: &str) -> Result<Check, String> {
    text.trim().parse().ok().filter(|check: &Check| check.may_be_accepted()).ok_or_else(|| {
        let allowed = Check::ALL.into_iter().filter(|check| check.may_be_accepted()).map(Check::name);
        format!("names of checks are needed, with commas between them: {}", allowed.collect::<Vec<_>>().join(", "))
    })
}

fn number<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
    number.ok_or_else(|| format!("a number from {LEAST} to {MOST} is needed"))
}

fn parse_folder(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("the path of a folder is needed") } else { Ok(PathBuf::from(text)) }
}

fn parse_session_lifetime(text: &str) -> Result<Duration, &'static str> {
    let allowed = Duration::from_secs(60)..=Duration::from_secs(8760 * 3600);
    parse_duration(text).filter(|d| allowed.contains(d)).ok_or("a duration from 1m to 8760h is needed")
}

fn parse_shutdown_timeout(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text).filter(|d| d.as_secs() <= 300).ok_or("a duration from 0s to 5m is needed")
}

fn parse_duration(text: &str) -> Option<Duration> {
    text.parse::<jiff::SignedDuration>().ok()?.try_into().ok()
}

fn parse_log(text: &str) -> Result<String, String> {
    let allowed =
        "a level is needed (off, error, warn, info, debug or trace), alone or for a module, such as info,poem=warn";
    // A word alone that is no level would be taken for a module, and nothing else would be logged.
    let mut words = text.split(',').map(str::trim).filter(|word| !word.contains(['=', '[']));
    if words.any(|word| word.parse::<tracing_subscriber::filter::LevelFilter>().is_err()) {
        return Err(allowed.to_owned());
    }
    tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|e| format!("{allowed}: {e}"))
}
