//! The store in Redis or Valkey. A record is a HASH, an index a sorted set; `rev` is the field of the revision.
//!
//! Reads share a few pipelining connections. Commits must not share one: WATCH belongs to a
//! connection, so each commit leases one of its own (see [`lease`]) and follows the protocol in [`commit`].

mod commit;
mod confirm;
mod connection;
mod counter;
mod guard;
mod indexes;
mod inspect;
mod lease;
mod node;
mod options;
mod pauses;
mod scan;
mod servers;
mod topology;
mod transaction;

use std::{fmt, sync::Arc, time::Duration};

use fred::{
    error::ErrorKind,
    types::{
        FromValue,
        config::{Config, ServerConfig},
    },
};
use futures_util::{FutureExt, future::select_ok};
use tokio::net::{TcpStream, UnixStream};
use tracing::Instrument;

pub use self::options::{Durability, RedisOptions};
use self::{guard::is_of_type, node::Question, servers::Servers, transaction::Transaction};
use super::{
    Batch, CommitError, Fields, Finding, Key, OpenError, ReadError, Record, Revision, Unavailable, deadline::Call,
    metrics::Metrics, tally::Tally, traced::Operation,
};

/// What OpenTelemetry calls Redis, and Valkey as well where it is spoken to like Redis.
const SYSTEM: &str = "redis";

/// The field of a record that holds its revision.
const REVISION: &str = "rev";

/// How long the server may take to be there when the service starts.
const START: Duration = Duration::from_secs(5);

/// A connection to one Redis or Valkey server, to the master that Sentinel names, or to a cluster.
pub struct Redis {
    prefix: String,
    servers: Arc<Servers>,
    durability: Durability,
    tally: Tally,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Redis {
    /// Connects to the server, or to the servers.
    ///
    /// # Errors
    /// [`OpenError`] when the URL is not one, a file cannot be read, or no server can be reached.
    pub async fn connect(options: &RedisOptions) -> Result<Self, OpenError> {
        let config = options.to_config()?;
        let (prefix, durability) = (options.prefix.clone(), options.durability);
        let connected = async {
            reach(&config).await?;
            let servers = Servers::connect(config, durability).await;
            let servers = servers.map_err(|e| OpenError(e.details().to_owned()))?;
            Ok(Self { prefix, servers: Arc::new(servers), durability, tally: Tally::default() })
        };
        let no_answer = |_| OpenError(format!("no answer within {START:?}"));
        tokio::time::timeout(START, connected).await.map_err(no_answer)?
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.servers.metrics
    }

    pub(super) async fn inspect(&self, now: i64) -> Vec<Finding> {
        inspect::inspect(&self.servers, self.durability, now, Call::begin().deadline).await
    }

    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, ReadError> {
        let hgetall = |key| Question { command: "HGETALL", arguments: vec![self.prefixed(key)] };
        let hashes = self.ask_all::<Fields>(keys.iter().map(hgetall).collect()).await?;
        keys.iter().zip(hashes).map(|(key, hash)| record(key, hash)).collect()
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Revision, CommitError> {
        let call = Call::begin();
        let revision = Revision::random();
        let transaction = Transaction::new(batch, revision, &self.prefix);
        // Detached, so that a caller who goes away cannot cut it in half.
        let operation = Operation::begin(SYSTEM, "commit", 1);
        let run = commit::run(Arc::clone(&self.servers), transaction, call.deadline);
        let task = tokio::spawn(run.instrument(operation.0.clone()));
        operation.end(match call.wait_for(task).await {
            Ok(Ok(outcome)) => outcome.map(|()| revision),
            Ok(Err(e)) => Err(Unavailable(format!("the commit ended early: {e}")).into()),
            Err(e) => Err(e.into()),
        })
    }

    pub(super) async fn discard(&self, keys: Vec<Key>) -> Result<(), CommitError> {
        let call = Call::begin();
        let keys = keys.iter().map(|key| self.prefixed(key)).collect::<Vec<_>>();
        // Its future is large, and seldom made.
        let discarded = Box::pin(commit::discard(&self.servers, &keys, call.deadline));
        let operation = Operation::begin(SYSTEM, "UNLINK", keys.len());
        let discarded = call.wait_for(discarded).await.and_then(|done| done.map_err(|e| Unavailable(told(&e))));
        operation.end(discarded).map_err(CommitError::from)
    }

    pub(super) fn close(&self) {
        self.servers.close();
    }

    async fn ask_all<T: FromValue>(&self, questions: Vec<Question>) -> Result<Vec<T>, ReadError> {
        let call = Call::begin();
        let answers = self.servers.ask_all(&questions, call.deadline);
        let command = questions.first().map_or("none", |question| question.command);
        let operation = Operation::begin(SYSTEM, command, questions.len());
        let answers = call.wait_for(answers).await.map_err(ReadError::from);
        operation.end(answers.and_then(|answers| answers.map_err(|e| unanswered(&e))))
    }

    fn prefixed(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// Connects once without fred, whose errors do not say what the operating system says. One server of several is enough.
async fn reach(config: &Config) -> Result<(), OpenError> {
    let reached = config.server.hosts().into_iter().map(|server| {
        let connected = async move {
            match &config.server {
                ServerConfig::Unix { path } => UnixStream::connect(path).await.map(drop),
                _ => TcpStream::connect((&*server.host, server.port)).await.map(drop),
            }
        };
        connected.boxed()
    });
    select_ok(reached).await.map(drop).map_err(|e| OpenError(e.to_string()))
}

/// What it means that a server does not answer a read.
fn unanswered(error: &fred::error::Error) -> ReadError {
    let is_other = is_of_type(error) || matches!(error.kind(), ErrorKind::Parse);
    if is_other { ReadError::Unreadable(told(error)) } else { Unavailable(told(error)).into() }
}

/// What an error says, for the log. A server that does not know a command quotes its arguments, which may be personal.
fn told(error: &fred::error::Error) -> String {
    let text = error.to_string();
    text.split_once(", with args").map_or(text.as_str(), |(before, _)| before).to_owned()
}

fn record(key: &Key, mut fields: Fields) -> Result<Option<Record>, ReadError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let revision = fields
        .remove(REVISION)
        .and_then(|text| Revision::parse(&text))
        .ok_or_else(|| ReadError::Unreadable(format!("{key} has no `{REVISION}`, so Latchkey did not write it")))?;
    Ok(Some(Record { fields, revision }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_quotes_is_not_told() {
        let said =
            "ERR unknown command 'HSET', with args beginning with: 'latchkey:{b1}:user:1' 'email' 'ada@example.com' ";
        let error = fred::error::Error::new(ErrorKind::Unknown, said);
        assert_eq!(told(&error), "Unknown Error: ERR unknown command 'HSET'");
        let error = fred::error::Error::new(ErrorKind::IO, "Connection refused");
        assert_eq!(told(&error), "IO Error: Connection refused");
    }
}
