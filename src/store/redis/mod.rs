//! The store in Redis or Valkey. A record is a HASH, an index a sorted set; `rev` is the field of the revision.
//!
//! Reads share a small pool of pipelining clients that reconnect by themselves. Commits must not: WATCH belongs to one
//! connection, so each commit leases one of its own (see [`lease`]) and follows the protocol in [`commit`].

mod commit;
mod inspect;
mod lease;

use std::{collections::HashMap, fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use fred::{
    clients::Pool,
    interfaces::{ClientLike, HashesInterface, KeysInterface, SortedSetsInterface},
    types::{
        Builder,
        config::{Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy},
    },
};
use futures_util::future::{join_all, try_join_all};
use tokio::net::TcpStream;

use self::{commit::Plan, lease::Leases};
use super::{Batch, CommitError, Key, OpenError, REQUEST_DEADLINE, Record, Revision, Unavailable, late};

/// The field of a record that holds its revision.
const REVISION: &str = "rev";

/// Connections that all reads share. Reads are pipelined, so a few serve many.
const READERS: usize = 2;

/// Commits under way at once; others wait for a connection.
const LEASES: usize = 16;

/// How long one connection attempt, or one round trip, may take: short enough for a second try within the time that a
/// client waits, since a connection may have died unnoticed.
const STEP: Duration = Duration::from_millis(800);

/// How long the server may take to be there when the service starts.
const START: Duration = Duration::from_secs(2);

/// A connection to one Redis or Valkey server.
pub struct Redis {
    prefix: String,
    readers: Pool,
    leases: Arc<Leases>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Redis {
    /// Connects to the server at `url` (`redis://[user:password@]host[:port][/database]`). Every key begins with
    /// `prefix`.
    ///
    /// # Errors
    /// [`OpenError`] when the URL is not one, or the server cannot be reached.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self, OpenError> {
        let config = Config::from_url(url).map_err(|e| OpenError(format!("not a Redis URL: {}", e.details())))?;
        reach(&config).await?;
        let mut builder = Builder::from_config(config);
        builder
            .with_connection_config(|c: &mut ConnectionConfig| {
                c.connection_timeout = STEP;
                c.internal_command_timeout = STEP;
            })
            .with_performance_config(|p: &mut PerformanceConfig| p.default_command_timeout = STEP);
        let leases = Arc::new(Leases::new(builder.clone(), LEASES));

        builder.set_policy(ReconnectPolicy::new_exponential(0, 20, 1_000, 2));
        let readers = builder.build_pool(READERS).map_err(|e| OpenError(e.details().to_owned()))?;
        match tokio::time::timeout(START, readers.init()).await {
            Ok(Ok(_)) => Ok(Self { prefix: prefix.to_owned(), readers, leases }),
            Ok(Err(e)) => Err(OpenError(e.details().to_owned())),
            Err(_) => Err(no_answer()),
        }
    }

    /// A server may not permit the question: then nothing is known.
    pub(super) async fn warnings(&self) -> Vec<String> {
        let info = in_time(self.readers.next().info::<String>(None)).await;
        info.map(|info| inspect::warnings(&info)).unwrap_or_default()
    }

    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Unavailable> {
        // Commands that are sent together on one client travel together, and on a cluster each finds its node.
        let client = self.readers.next();
        let reads = keys.iter().map(|key| client.hgetall::<HashMap<String, String>, _>(self.prefixed(key)));
        let hashes = in_time(try_join_all(reads)).await?;
        keys.iter().zip(hashes).map(|(key, hash)| record(key, hash)).collect()
    }

    pub(super) async fn range(
        &self,
        index: &Key,
        scores: RangeInclusive<i64>,
        limit: usize,
    ) -> Result<Vec<String>, Unavailable> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "the contract bounds scores to what a double holds")]
        let (low, high) = (*scores.start() as f64, *scores.end() as f64);
        in_time(self.readers.next().zrangebyscore(self.prefixed(index), low, high, false, Some((0, limit)))).await
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Revision, CommitError> {
        let revision = Revision::random();
        let plan = Plan::new(batch, revision, &self.prefix);
        // Detached, so that a caller who goes away cannot cut it in half.
        let task = tokio::spawn(commit::run(Arc::clone(&self.leases), plan));
        match tokio::time::timeout(REQUEST_DEADLINE, task).await {
            Ok(Ok(outcome)) => outcome.map(|()| revision),
            Ok(Err(e)) => Err(Unavailable(format!("the commit ended early: {e}")).into()),
            Err(_) => Err(late().into()),
        }
    }

    pub(super) async fn discard(&self, keys: &[Key]) -> Result<(), CommitError> {
        let client = self.readers.next();
        in_time(try_join_all(keys.iter().map(|key| client.unlink::<(), _>(self.prefixed(key))))).await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        join_all(self.readers.clients().iter().map(ClientLike::quit)).await;
        self.leases.close();
    }

    fn prefixed(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// Connects once without fred, whose errors do not say what the operating system says.
async fn reach(config: &Config) -> Result<(), OpenError> {
    for server in config.server.hosts() {
        let address = (&*server.host, server.port);
        match tokio::time::timeout(START, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return Err(OpenError(e.to_string())),
            Err(_) => return Err(no_answer()),
        }
    }
    Ok(())
}

fn no_answer() -> OpenError {
    OpenError(format!("no answer within {START:?}"))
}

async fn in_time<T>(answer: impl Future<Output = Result<T, fred::error::Error>>) -> Result<T, Unavailable> {
    match tokio::time::timeout(REQUEST_DEADLINE, answer).await {
        Ok(answer) => answer.map_err(|e| Unavailable(e.to_string())),
        Err(_) => Err(late()),
    }
}

fn record(key: &Key, mut hash: HashMap<String, String>) -> Result<Option<Record>, Unavailable> {
    if hash.is_empty() {
        return Ok(None);
    }
    let revision = hash
        .remove(REVISION)
        .and_then(|text| Revision::parse(&text))
        .ok_or_else(|| Unavailable(format!("{key} has no `{REVISION}`, so Latchkey did not write it")))?;
    Ok(Some(Record { fields: hash.into_iter().collect(), revision }))
}
