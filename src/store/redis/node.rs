//! One server: connections that all reads share, and connections that commits borrow.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fred::{
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{
        Builder, ClusterHash, CustomCommand, Value,
        config::{Config, ConnectionConfig, PerformanceConfig},
    },
};
use futures_util::future::try_join_all;

use super::{
    connection::{Connection, closed},
    lease::Leases,
    options::Durability,
};
use crate::store::metrics::{Metrics, Purpose};

/// Connections that all reads share. Reads are pipelined, so a few serve many.
const READERS: usize = 2;

/// Commits under way at once on one server; others wait for a connection.
const LEASES: usize = 16;

/// Reads that may wait for a server that does not answer. More are refused, so that memory stays flat.
const WAITING: usize = 10_000;

/// How long one connection attempt, or one round trip, may take: short enough for a second try within the time that a
/// client waits, since a connection may have died unnoticed.
pub(super) const STEP: Duration = Duration::from_millis(800);

/// A server that answers reads and takes commits.
pub(super) struct Node {
    readers: Vec<Connection>,
    next: AtomicUsize,
    is_retired: AtomicBool,
    pub(super) leases: Leases,
    metrics: Arc<Metrics>,
}

/// A command on one key that may be asked again.
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
    /// Connects the readers.
    pub(super) async fn connect(
        builder: Builder,
        durability: Durability,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let readers = try_join_all((0..READERS).map(|_| Connection::open(builder.clone()))).await?;
        let (next, is_retired) = (AtomicUsize::new(0), AtomicBool::new(false));
        let leases = Leases::new(builder, durability, LEASES, Arc::clone(&metrics));
        Ok(Self { readers, next, is_retired, leases, metrics })
    }

    /// Asks on a shared connection.
    pub(super) async fn ask(&self, question: &Question) -> Result<Value, Error> {
        let reader = self.asked();
        // The futures of fred are large, and every read is one: on the heap, whatever waits for it stays small.
        let asked = Box::pin(reader.client.custom(command(question.command), question.arguments.clone()));
        self.heed(reader, reader.answer(asked).await)
    }

    /// Asks several questions in one round trip.
    pub(super) async fn ask_all(&self, questions: &[&Question]) -> Result<Vec<Result<Value, Error>>, Error> {
        let reader = self.asked();
        let pipeline = reader.client.pipeline();
        for question in questions {
            let _: () = Box::pin(pipeline.custom(command(question.command), question.arguments.clone())).await?;
        }
        let answers = reader.answer(async { Ok(pipeline.try_all().await) }).await?;
        if reader.has_ended() {
            return Err(closed());
        }
        Ok(answers.into_iter().map(|answer| self.heed(reader, answer)).collect())
    }

    /// Asks a node that is about to take the slot over from another one.
    pub(super) async fn ask_importing(&self, question: &Question) -> Result<Value, Error> {
        let reader = self.asked();
        let pipeline = reader.client.pipeline();
        let _: () = Box::pin(pipeline.custom(command("ASKING"), Vec::<String>::new())).await?;
        let _: () = Box::pin(pipeline.custom(command(question.command), question.arguments.clone())).await?;
        reader.answer(Box::pin(pipeline.last())).await
    }

    /// A shared connection, for one round trip.
    fn asked(&self) -> &Connection {
        self.metrics.round_trips.of(Purpose::Read).add_one();
        self.reader()
    }

    /// A shared connection, for a command that leaves no trace on it.
    pub(super) fn reader(&self) -> &Connection {
        self.reader_at(self.turn())
    }

    /// The number of a shared connection, each in its turn.
    pub(super) fn turn(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The shared connection of this number, which is always the same one.
    pub(super) fn reader_at(&self, turn: usize) -> &Connection {
        #[expect(clippy::indexing_slicing, reason = "there is at least one, and the index is within their number")]
        &self.readers[turn % self.readers.len()]
    }

    /// A server that hangs, or is gone without a word, is found out by the first answer that does not come: no other connection
    /// to it is tried.
    fn heed<T>(&self, reader: &Connection, answer: Result<T, Error>) -> Result<T, Error> {
        if answer.as_ref().is_err_and(|error| *error.kind() == ErrorKind::Timeout) {
            reader.give_up();
            self.retire();
        }
        answer
    }

    /// Says that this is not the server that is looked for, or that it is not to be relied on.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
        self.leases.forget();
    }

    /// Whether another one must take its place.
    pub(super) fn is_of_no_use(&self) -> bool {
        self.is_retired.load(Ordering::Acquire) || self.readers.iter().any(Connection::has_ended)
    }
}

/// A command of ours on a connection to one server, where fred has nothing to route.
pub(super) fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}
