//! What is known of one connection while it is open: what it does, since when, and what it is told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
};

use tokio::sync::Notify;

use super::ServerLimits;

/// How long a client may take to take note that its connection was closed, in milliseconds.
const LINGER: u64 = 2_000;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for a request of which nothing came yet.
    Idle,
    /// It waits for the end of the headers.
    Headers,
    /// Requests are under way.
    Busy,
    /// It is being closed.
    Closing,
}

/// What a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// End when what is under way is done.
    Drain,
    /// End now.
    Abort,
}

/// What a connection does, since when, and how many requests are under way. They change together, or a request that ends
/// on one thread while another begins on a second one would leave a phase that is not that of their number.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    phase: Phase,
    since: u64,
    under_way: u16,
}

impl State {
    fn of(packed: u64) -> Self {
        let phase = match packed & 3 {
            0 => Phase::Idle,
            1 => Phase::Headers,
            2 => Phase::Busy,
            _ => Phase::Closing,
        };
        let [.., high, low] = (packed >> 2).to_be_bytes();
        Self { phase, since: packed >> 18, under_way: u16::from_be_bytes([high, low]) }
    }

    fn packed(self) -> u64 {
        let phase = match self.phase {
            Phase::Idle => 0,
            Phase::Headers => 1,
            Phase::Busy => 2,
            Phase::Closing => 3,
        };
        self.since << 18 | u64::from(self.under_way) << 2 | phase
    }
}

/// A connection. Its times are those of the [`Tick`].
#[derive(Debug)]
pub(super) struct Connection {
    tick: Tick,
    /// A [`State`].
    state: AtomicU64,
    /// Since when the client has not taken what was written, or 0.
    blocked: AtomicU64,
    /// HTTP/2: bytes that come need not be those of a request.
    multiplexed: AtomicBool,
    /// An answer was given before the request was read to its end.
    cut: AtomicBool,
    order: AtomicU8,
    told: Notify,
}

/// The time in milliseconds, as it was when the watch last looked: reading it costs nothing. It begins at 1.
#[derive(Clone, Debug)]
pub(super) struct Tick(Arc<AtomicU64>);

impl Tick {
    pub(super) fn start() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }

    pub(super) fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn set(&self, milliseconds: u64) {
        self.0.store(milliseconds.max(1), Relaxed);
    }
}

impl Connection {
    pub(super) fn new(tick: Tick) -> Self {
        let state = State { phase: Phase::Headers, since: tick.now(), under_way: 0 };
        Self {
            tick,
            state: AtomicU64::new(state.packed()),
            blocked: AtomicU64::new(0),
            multiplexed: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            order: AtomicU8::new(0),
            told: Notify::new(),
        }
    }

    /// Makes a state of the one that there is, or leaves it.
    fn change(&self, next: impl Fn(State) -> Option<State>) {
        let _ = self.state.fetch_update(Relaxed, Relaxed, |packed| next(State::of(packed)).map(State::packed));
    }

    /// What it does, and since when.
    pub(super) fn phase(&self) -> (Phase, u64) {
        let State { phase, since, .. } = State::of(self.state.load(Relaxed));
        (phase, since)
    }

    /// Bytes came.
    pub(super) fn came(&self) {
        if !self.multiplexed.load(Relaxed) {
            let headers = |state| State { phase: Phase::Headers, since: self.tick.now(), ..state };
            self.change(|state| (state.phase == Phase::Idle).then(|| headers(state)));
        }
    }

    /// The client did not take all that was written.
    pub(super) fn blocks(&self) {
        let _ = self.blocked.compare_exchange(0, self.tick.now(), Relaxed, Relaxed);
    }

    /// Everything was written.
    pub(super) fn flushed(&self) {
        if self.blocked.load(Relaxed) != 0 {
            self.blocked.store(0, Relaxed);
        }
    }

    /// The headers of a request are there.
    pub(super) fn begin(self: &Arc<Self>, multiplexed: bool) -> UnderWay {
        self.multiplexed.store(multiplexed, Relaxed);
        self.change(|state| {
            let under_way = state.under_way + 1;
            let begun = State { phase: Phase::Busy, since: self.tick.now(), under_way };
            Some(if state.under_way == 0 { begun } else { State { under_way, ..state } })
        });
        UnderWay(Arc::clone(self))
    }

    /// The connection ends with an answer before all of its request was read.
    pub(super) fn cut(&self) {
        self.cut.store(true, Relaxed);
    }

    /// The last byte was written. Answers whether the client may still be sending: then what it sends must be read, or the
    /// answer is lost to it (RFC 9112, 9.6).
    pub(super) fn closes(&self) -> bool {
        let cut = self.cut.load(Relaxed);
        let closing = |state| State { phase: Phase::Closing, since: self.tick.now(), ..state };
        self.change(|state| (cut && state.phase != Phase::Closing).then(|| closing(state)));
        cut
    }

    /// What it must be told at the time `now`, since it takes longer than it may.
    pub(super) fn late(&self, now: u64, limits: &Milliseconds) -> Option<Order> {
        let blocked = self.blocked.load(Relaxed);
        if blocked != 0 && now.saturating_sub(blocked) > limits.request {
            return Some(Order::Abort);
        }
        let seen = State::of(self.state.load(Relaxed));
        let age = now.saturating_sub(seen.since);
        match seen.phase {
            Phase::Idle if age > limits.idle => {
                // Unless a request has begun just now.
                let closing = State { phase: Phase::Closing, since: now, ..seen };
                self.change(|state| (state == seen).then_some(closing));
                Some(Order::Drain)
            }
            Phase::Headers if age > limits.headers => Some(Order::Abort),
            Phase::Busy if age > limits.request => Some(Order::Abort),
            Phase::Closing if age > LINGER => Some(Order::Abort),
            _ => None,
        }
    }

    pub(super) fn tell(&self, order: Order) {
        self.order.fetch_max(if order == Order::Drain { 1 } else { 2 }, Relaxed);
        self.told.notify_one();
    }

    /// Waits until it is told something.
    pub(super) async fn told(&self) -> Order {
        self.told.notified().await;
        if self.order.load(Relaxed) == 1 { Order::Drain } else { Order::Abort }
    }
}

/// A request, until its answer was handed over to the connection.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Connection>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.change(|state| {
            let under_way = state.under_way.saturating_sub(1);
            // Among several, one that ends gives the others new time: what they can hold until then is bounded anyway.
            let phase = if under_way == 0 { Phase::Idle } else { Phase::Busy };
            let left = State { phase, since: self.0.tick.now(), under_way };
            Some(if state.phase == Phase::Closing { State { under_way, ..state } } else { left })
        });
    }
}

/// The times of [`ServerLimits`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Milliseconds {
    pub(super) headers: u64,
    pub(super) idle: u64,
    pub(super) request: u64,
}

impl From<&ServerLimits> for Milliseconds {
    fn from(limits: &ServerLimits) -> Self {
        let of = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { headers: of(limits.header_timeout), idle: of(limits.idle_timeout), request: of(limits.request_timeout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_busy_as_long_as_a_request_is_under_way_whatever_ends_beside_it() {
        let connection = Arc::new(Connection::new(Tick::start()));
        let beside = Arc::clone(&connection);
        let other = std::thread::spawn(move || (0..1_000_000).for_each(|_| drop(beside.begin(true))));
        while !other.is_finished() {
            let request = connection.begin(true);
            assert_eq!(connection.phase().0, Phase::Busy);
            drop(request);
        }
        other.join().unwrap();
        assert_eq!(connection.phase().0, Phase::Idle);
    }
}
