//! One server: connections that all reads share, and connections that commits borrow.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::{
        Builder, ClusterHash, CustomCommand, Value,
        config::{Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, UnresponsiveConfig},
    },
};
use futures_util::future::try_join_all;

use super::lease::{Connection, Leases};

/// Connections that all reads share. Reads are pipelined, so a few serve many.
const READERS: usize = 2;

/// Commits under way at once on one server; others wait for a connection.
const LEASES: usize = 16;

/// Reads that may wait for a server that does not answer. More are refused, so that memory stays flat.
const WAITING: usize = 10_000;

/// How long one connection attempt, or one round trip, may take: short enough for a second try within the time that a
/// client waits, since a connection may have died unnoticed.
pub(super) const STEP: Duration = Duration::from_millis(800);

/// How often a connection is looked at that owes an answer.
const LOOK: Duration = Duration::from_millis(200);

/// A server that answers reads and takes commits.
pub(super) struct Node {
    readers: Vec<Connection>,
    next: AtomicUsize,
    pub(super) leases: Leases,
}

/// A command that reads one key, and may be asked again.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) command: &'static str,
    /// The first of them is the key.
    pub(super) arguments: Vec<String>,
}

impl Question {
    pub(super) fn key(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// What all connections have in common.
pub(super) fn builder(config: Config) -> Builder {
    let mut builder = Builder::from_config(config);
    builder
        .with_connection_config(|c: &mut ConnectionConfig| {
            c.connection_timeout = STEP;
            c.internal_command_timeout = STEP;
            c.max_command_buffer_len = WAITING;
        })
        .with_performance_config(|p: &mut PerformanceConfig| p.default_command_timeout = STEP);
    builder
}

impl Node {
    /// Connects the readers. They reconnect by themselves, as leased connections must not.
    pub(super) async fn connect(builder: &Builder) -> Result<Self, Error> {
        let mut reading = builder.clone();
        reading.set_policy(ReconnectPolicy::new_exponential(0, 20, 1_000, 2));
        reading.with_connection_config(|c: &mut ConnectionConfig| {
            // A server that hangs, or is gone without a word, is found out.
            c.unresponsive = UnresponsiveConfig { max_timeout: Some(STEP), interval: LOOK };
        });
        let readers = try_join_all((0..READERS).map(|_| Connection::open(&reading))).await?;
        Ok(Self { readers, next: AtomicUsize::new(0), leases: Leases::new(builder.clone(), LEASES) })
    }

    /// Asks on a shared connection.
    pub(super) async fn ask(&self, question: &Question) -> Result<Value, Error> {
        // The futures of fred are large, and every read is one: on the heap, whatever waits for it stays small.
        Box::pin(self.reader().custom(command(question.command), question.arguments.clone())).await
    }

    /// Asks a node that is about to take the slot over from another one.
    pub(super) async fn ask_importing(&self, question: &Question) -> Result<Value, Error> {
        let pipeline = self.reader().pipeline();
        let _: () = Box::pin(pipeline.custom(command("ASKING"), Vec::<String>::new())).await?;
        let _: () = Box::pin(pipeline.custom(command(question.command), question.arguments.clone())).await?;
        pipeline.last().await
    }

    /// A shared connection, for a command that leaves no trace on it.
    pub(super) fn reader(&self) -> &Client {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::indexing_slicing, reason = "there is at least one, and the index is within their number")]
        &self.readers[turn % self.readers.len()].client
    }

    pub(super) async fn close(&self) {
        for reader in &self.readers {
            let _ = reader.client.quit().await; // it may be gone already
        }
        self.leases.close();
    }
}

/// A command of ours on a connection to one server, where fred has nothing to route.
pub(super) fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}
