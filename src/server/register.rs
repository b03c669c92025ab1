//! All connections that are open, and room for more.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{
    ServerLimits,
    connection::{Connection, Milliseconds, Order, Phase, Tick},
};
use crate::metrics::{Counter, Page, Source};

/// How long to wait for one connection to end before others are looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long a trouble is told once, in milliseconds.
const TELL_EVERY: u64 = 60_000;

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Register {
    pub(super) limits: ServerLimits,
    pub(super) tick: Tick,
    open: Mutex<Open>,
    /// A connection has ended.
    ended: Notify,
    /// When trouble was told last, or 0.
    told: AtomicU64,
    accepted: Counter,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Connection>>,
}

impl Register {
    pub(super) fn new(limits: ServerLimits) -> Self {
        let (open, ended, told) = (Mutex::default(), Notify::new(), AtomicU64::new(0));
        Self { limits, tick: Tick::start(), open, ended, told, accepted: Counter::default() }
    }

    // A std mutex, since no await happens while it is held.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection.
    fn enter(self: &Arc<Self>) -> Registered {
        self.accepted.add_one();
        let connection = Arc::new(Connection::new(self.tick.clone()));
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, Arc::clone(&connection));
        Registered { id, connection, register: Arc::clone(self) }
    }

    /// One more connection, once there may be one more. The longest idle ones make room; where all have requests under way,
    /// one of them must end first.
    pub(super) async fn room(self: &Arc<Self>) -> Registered {
        while self.open().connections.len() >= self.limits.connections {
            let most = self.limits.connections;
            self.tell(|| tracing::warn!(connections = most, "there are as many connections as there may be"));
            self.make_room();
            // One that was busy may be idle by then.
            let _ = tokio::time::timeout(LOOK_AGAIN, self.ended.notified()).await;
        }
        self.enter()
    }

    /// Closes a hundredth of the connections: those that have been idle the longest, then those whose headers take the
    /// longest.
    pub(super) fn make_room(&self) {
        let open = self.open();
        let mut waiting = Vec::new();
        for connection in open.connections.values() {
            match connection.phase() {
                (Phase::Idle, since) => waiting.push((0, since, connection)),
                (Phase::Headers, since) => waiting.push((1, since, connection)),
                (Phase::Busy | Phase::Closing, _) => {}
            }
        }
        waiting.sort_unstable_by_key(|(phase, since, _)| (*phase, *since));
        let some = open.connections.len() / 100 + 1;
        waiting.iter().take(some).for_each(|(.., connection)| connection.tell(Order::Abort));
    }

    /// Tells those that take longer than they may.
    pub(super) fn close_late(&self) {
        let (now, limits) = (self.tick.now(), Milliseconds::from(&self.limits));
        for connection in self.open().connections.values() {
            if let Some(order) = connection.late(now, &limits) {
                tracing::debug!(phase = ?connection.phase().0, ?order, "a connection takes too long");
                connection.tell(order);
            }
        }
    }

    /// Lets all connections end what is under way.
    pub(super) fn drain(&self) {
        self.open().connections.values().for_each(|connection| connection.tell(Order::Drain));
    }

    /// Ends all connections.
    pub(super) fn abort(&self) {
        self.open().connections.values().for_each(|connection| connection.tell(Order::Abort));
    }

    /// Waits until none is left.
    pub(super) async fn emptied(&self) {
        while !self.open().connections.is_empty() {
            self.ended.notified().await;
        }
    }

    /// Tells of trouble, once in a while.
    pub(super) fn tell(&self, line: impl FnOnce()) {
        let (told, now) = (self.told.load(Relaxed), self.tick.now());
        if told == 0 || now.saturating_sub(told) > TELL_EVERY {
            self.told.store(now, Relaxed);
            line();
        }
    }
}

impl Source for Register {
    fn write<'a>(&'a self, page: &'a mut Page) -> BoxFuture<'a, ()> {
        let open = self.open().connections.len();
        page.gauge("latchkey_connections_open", "Connections that are open.").is(&[], open);
        page.gauge("latchkey_connections_limit", "How many connections there may be.").is(&[], self.limits.connections);
        page.counter("latchkey_connections_total", "Connections that were accepted.").is(&[], self.accepted.get());
        Box::pin(async {})
    }
}

/// A connection in the register. Dropping it takes it out.
#[derive(Debug)]
pub(super) struct Registered {
    id: u64,
    pub(super) connection: Arc<Connection>,
    register: Arc<Register>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.register.open().connections.remove(&self.id);
        self.register.ended.notify_one();
    }
}
