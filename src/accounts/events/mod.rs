//! The audit trail: who did what to an account, when, from where, and in which session. An event is written by the very
//! commit that does the act, so there is none of what did not happen, and nothing happens without one. Only failed
//! sign-ins, which change nothing, are noted afterwards.
//!
//! An event names fields and never says what is in them: there is no secret, no email address and no name in it.
//!
//! Each person has a few [logs](Log) for each month (UTC): so whoever guesses passwords, or has a session and changes
//! something harmless again and again, pushes nothing else out. They are read as one.
//!
//! Roles and API keys have a log each for each month, which are read as one too.

mod changes;
mod deletions;
mod failures;
mod kind;
mod line;
mod log;
mod month;
mod note;
mod read;
mod who;

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::{
    deletions::{Deletion, DeletionCursor, DeletionPage},
    kind::EventKind,
    read::EventPage,
    who::Who,
};
pub(super) use self::{failures::Failures, log::Log, month::Month};
use super::{
    authority::{Actor, Origin},
    clock::Timestamp,
    random::Random,
    user::{SessionId, id},
};
id! {
    /// Which event. Ids are in the order of time.
    EventId
}

impl EventId {
    /// When the event was.
    fn at(self) -> Timestamp {
        // A UUIDv7 begins with 48 bits of milliseconds (RFC 9562, 5.7).
        let millis = self.0.as_bytes().iter().take(6).fold(0, |millis, byte| (millis << 8) | i64::from(*byte));
        Timestamp::from_millis(millis)
    }
}

/// What an operator decides about the audit trail.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// How long events are kept.
    pub retention: Duration,
}

/// Something that has happened to an account, or to roles and API keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Which event.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Who did it.
    pub by: Who,
    /// In which session of theirs.
    pub session: Option<SessionId>,
    /// From which address.
    pub address: Option<IpAddr>,
    /// What more there is to say, as [`EventKind::meaning`] tells.
    pub details: Map<String, Value>,
}

/// What is about to happen, and who does it.
#[derive(Clone, Debug)]
pub(super) struct Act {
    kind: EventKind,
    origin: Origin,
    details: Map<String, Value>,
}

impl Act {
    pub(super) fn new(kind: EventKind, origin: Origin) -> Self {
        Self { kind, origin, details: Map::new() }
    }

    /// Says more of it.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Says what is given and what is taken away.
    pub(super) fn giving<T: ToString>(
        self,
        added: impl IntoIterator<Item = T>,
        removed: impl IntoIterator<Item = T>,
    ) -> Self {
        let added = added.into_iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let removed = removed.into_iter().map(|name| name.to_string()).collect::<Vec<_>>();
        self.with("added", added).with("removed", removed)
    }

    fn at(self, now: Timestamp, random: Random) -> Event {
        let Self { kind, origin: Origin { actor, address }, details } = self;
        let session = match actor {
            Actor::User(_, session) => Some(session),
            Actor::ApiKey(_) | Actor::Operator | Actor::Anonymous => None,
        };
        Event { id: EventId::new(now, random), at: now, kind, by: Who::from(actor), session, address, details }
    }
}
