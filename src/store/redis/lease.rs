//! Connections for commits, each lent to one at a time.
//!
//! A leased client never reconnects: a connection that came back would have lost its WATCH, and EXEC would run unguarded.
//! Only a connection in a known, clean state is given back; dropping a lease closes its connection.

use std::sync::{Arc, Mutex, PoisonError};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{Builder, ConnectHandle, config::ConnectionConfig},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// The connections to one server that commits borrow.
pub(super) struct Leases {
    builder: Builder,
    permits: Arc<Semaphore>,
    idle: Arc<Idle>,
}

// A std mutex, since no await happens while it is held.
type Idle = Mutex<Vec<Connection>>;

/// A connection on loan: closed when dropped, unless it is [given back](Lease::give_back).
pub(super) struct Lease {
    connection: Connection,
    idle: Arc<Idle>,
    _permit: OwnedSemaphorePermit,
}

/// A client and the task that owns its socket. Dropping it closes the connection.
pub(super) struct Connection {
    pub(super) client: Client,
    task: ConnectHandle,
}

impl Connection {
    pub(super) async fn open(builder: &Builder) -> Result<Self, Error> {
        let client = builder.build()?;
        let task = Box::pin(client.init()).await?; // its future is large, and seldom made
        Ok(Self { client, task })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Leases {
    /// At most `limit` connections, made by `builder` when they are first needed.
    pub(super) fn new(mut builder: Builder, limit: usize) -> Self {
        builder.with_config(|c| c.fail_fast = true).with_connection_config(|c: &mut ConnectionConfig| {
            c.max_command_attempts = 1;
            c.max_redirections = 0;
            c.reconnect_errors = Vec::new();
        });
        Self { builder, permits: Arc::new(Semaphore::new(limit)), idle: Arc::default() }
    }

    /// Borrows a connection, waiting for one when all are on loan, but not past `deadline`.
    ///
    /// # Errors
    /// When the server cannot be reached in time, or the store is closed.
    pub(super) async fn borrow(&self, deadline: Instant) -> Result<Lease, Error> {
        let late = |_| Error::new(ErrorKind::Timeout, "no connection in time");
        tokio::time::timeout_at(deadline, self.connect()).await.map_err(late)?
    }

    async fn connect(&self) -> Result<Lease, Error> {
        let closed = |_| Error::new(ErrorKind::Canceled, "the store is closed");
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let lend = |connection| Lease { connection, idle: Arc::clone(&self.idle), _permit: permit };
        while let Some(connection) = lock(&self.idle).pop() {
            if !connection.task.is_finished() {
                return Ok(lend(connection));
            }
        }
        Ok(lend(Connection::open(&self.builder).await?))
    }

    /// Closes the idle connections: they may lead to the wrong server by now.
    pub(super) fn forget_idle(&self) {
        lock(&self.idle).clear();
    }

    /// Closes the idle connections and lends no more.
    pub(super) fn close(&self) {
        self.permits.close();
        self.forget_idle();
    }
}

impl Lease {
    /// The client, for building commands; [`Self::answer`] sends them.
    pub(super) fn client(&self) -> Client {
        self.connection.client.clone()
    }

    /// Waits for an answer of the client, or for the end of its connection: a client whose connection has ended takes
    /// commands and never answers them.
    pub(super) async fn answer<T>(&mut self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            answer = answer => answer,
            _ = &mut self.connection.task => Err(Error::new(ErrorKind::IO, "the connection was closed")),
        }
    }

    /// Returns a connection that is in no transaction and watches nothing.
    pub(super) fn give_back(self) {
        let Self { connection, idle, _permit } = self;
        lock(&idle).push(connection);
    }
}

fn lock(idle: &Idle) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
