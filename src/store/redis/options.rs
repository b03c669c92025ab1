//! Where Redis is, and how to get in.

use std::{fmt, path::PathBuf};

use fred::types::config::{Config, Server, ServerConfig, TlsConfig};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{authorities::trusting, store::OpenError};

/// How the store finds its server or servers, and what it promises of a commit.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://[user[:password]@]host[:port][/database]`, or one of its kin: `rediss://` (TLS),
    /// `redis-sentinel://host:port[/database]?sentinelServiceName=name[&node=host:port…]`,
    /// `redis-cluster://host:port[?node=host:port…]`, `rediss-sentinel://`, `rediss-cluster://` and
    /// `unix://[user[:password]@localhost]/path`.
    pub url: String,
    /// A password in place of the one in the URL.
    pub password: Option<String>,
    /// The certificates of this machine's own authorities (PEM), in place of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and its private key (PEM), for a server that asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// What every key begins with.
    pub prefix: String,
    /// What an acknowledged commit has survived.
    pub durability: Durability,
}

/// What an acknowledged commit has survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The server has it in memory, and on its disk when its `appendfsync` says so: with `everysec` a power failure
    /// loses about the last second.
    #[default]
    Relaxed,
    /// The server has it on its disk: it uses `appendfsync always`, or is asked with WAITAOF (Redis 7.2, Valkey).
    Fsync,
    /// So many replicas have it, in memory (WAIT). A failover to one that has not can still lose it.
    Replicated(u32),
}

impl RedisOptions {
    /// The server at `url`, with nothing else set.
    #[must_use]
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            ca_file: None,
            identity: None,
            prefix: prefix.into(),
            durability: Durability::Relaxed,
        }
    }

    /// What fred needs to know.
    pub(super) fn to_config(&self) -> Result<Config, OpenError> {
        // Whether TLS is used, and whom it trusts, is decided here and not by fred.
        let (plain, uses_tls) = match self.url.strip_prefix("rediss") {
            Some(rest) => (format!("redis{rest}"), true),
            None => (self.url.replacen("unix://", "redis+unix://", 1), false),
        };
        let not_a_url = |e: fred::error::Error| OpenError(format!("not a Redis URL: {}", e.details()));
        let mut config = Config::from_url(&plain).map_err(not_a_url)?;
        if let Some(password) = &self.password {
            config.password = Some(password.clone());
        }
        let hosts = match &mut config.server {
            ServerConfig::Sentinel { hosts, .. } | ServerConfig::Clustered { hosts, .. } => hosts.as_mut_slice(),
            ServerConfig::Centralized { server } => std::slice::from_mut(server),
            ServerConfig::Unix { .. } => &mut [],
        };
        for server in hosts {
            // The brackets of an IPv6 address belong to the URL.
            let host = server.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::to_owned);
            *server = Server::new(host.unwrap_or_else(|| server.host.to_string()), server.port);
        }
        if uses_tls {
            config.tls = Some(TlsConfig::from(self.to_tls()?));
        }
        Ok(config)
    }

    fn to_tls(&self) -> Result<ClientConfig, OpenError> {
        let config = trusting(self.ca_file.as_deref()).map_err(OpenError)?;
        let Some((certificate, key)) = &self.identity else { return Ok(config.with_no_client_auth()) };

        let failed = |file: &PathBuf, e: &dyn fmt::Display| OpenError(format!("{}: {e}", file.display()));
        let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
        let chain: Vec<_> = chain.map_err(|e| failed(certificate, &e))?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|e| failed(key, &e))?;
        config.with_client_auth_cert(chain, private).map_err(|e| failed(certificate, &e))
    }
}

impl fmt::Debug for RedisOptions {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, durability, .. } = self;
        f.debug_struct("RedisOptions").field("prefix", prefix).field("durability", durability).finish_non_exhaustive()
    }
}
