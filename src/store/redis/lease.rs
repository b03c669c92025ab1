//! Connections for commits, each lent to one at a time: WATCH belongs to a connection.
//!
//! Only a connection in a known, clean state is given back; dropping a lease closes its connection.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    types::Builder,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{confirm::Confirm, connection::Connection, options::Durability};
use crate::store::metrics::{Metrics, Purpose};

/// The connections to one server that commits borrow.
pub(super) struct Leases {
    builder: Builder,
    durability: Durability,
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
    metrics: Arc<Metrics>,
}

/// The connections that nobody has on loan.
#[derive(Default)]
struct Idle {
    // A std mutex, since no await happens while it is held.
    connections: Mutex<Vec<(Connection, Confirm)>>,
    /// How often all of them were forgotten. What was lent before that is not taken back.
    forgotten: AtomicU64,
}

/// A connection on loan: closed when dropped, unless it is [given back](Lease::give_back).
pub(super) struct Lease {
    connection: Connection,
    /// What makes a commit on this server as safe as it is to be.
    pub(super) confirm: Confirm,
    idle: Arc<Idle>,
    forgotten: u64,
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Leases {
    /// At most `limit` connections, made by `builder` when they are first needed.
    pub(super) fn new(builder: Builder, durability: Durability, limit: usize, metrics: Arc<Metrics>) -> Self {
        Self { builder, durability, permits: Arc::new(Semaphore::new(limit)), idle: Arc::default(), metrics }
    }

    /// Borrows a connection, waiting for one when all are on loan, but not past `deadline`.
    ///
    /// # Errors
    /// When the server cannot be reached in time.
    pub(super) async fn borrow(&self, deadline: Instant) -> Result<Lease, Error> {
        let late = || Error::new(ErrorKind::Backpressure, "no connection in time");
        let permit = tokio::time::timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or_else(late)?;
        let forgotten = self.idle.forgotten.load(Ordering::Acquire);
        let lend = |(connection, confirm)| Lease {
            connection,
            confirm,
            idle: Arc::clone(&self.idle),
            forgotten,
            metrics: Arc::clone(&self.metrics),
            _permit: permit,
        };
        while let Some((connection, confirm)) = self.idle.lock().pop() {
            if !connection.has_ended() {
                return Ok(lend((connection, confirm)));
            }
        }
        let opened = async {
            let connection = Connection::open(self.builder.clone()).await?;
            let confirm = Confirm::of(self.durability, &connection).await?;
            Ok((connection, confirm))
        };
        tokio::time::timeout_at(deadline, opened).await.map_err(|_| late())?.map(lend)
    }

    /// Closes the idle connections, and the others when they are given back: they may lead to the wrong server by now.
    pub(super) fn forget(&self) {
        self.idle.forgotten.fetch_add(1, Ordering::AcqRel);
        self.idle.lock().clear();
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<(Connection, Confirm)>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The client, for building commands; [`Self::answer`] sends them.
    pub(super) fn client(&self) -> Client {
        self.connection.client.clone()
    }

    /// Waits for an answer of the client, or for the end of its connection.
    pub(super) async fn answer<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.metrics.round_trips.of(Purpose::Commit).add_one();
        self.connection.answer(answer).await
    }

    pub(super) fn is_lost(&self, error: &Error) -> bool {
        self.connection.is_lost(error)
    }

    /// Returns a connection that is in no transaction and watches nothing.
    pub(super) fn give_back(self) {
        let Self { connection, confirm, idle, forgotten, .. } = self;
        let mut connections = idle.lock();
        if idle.forgotten.load(Ordering::Acquire) == forgotten {
            connections.push((connection, confirm));
        }
    }
}
