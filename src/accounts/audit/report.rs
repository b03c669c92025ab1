//! What an audit tells: each fault, and in the end how many there were.

use super::fault::{Fault, Outcome};
use crate::{accounts::keys::Place, store::Key};

/// What an audit tells while it is under way.
#[derive(Debug)]
pub enum AuditEvent<'a> {
    /// So many keys of about so many were looked at.
    Looked(u64, u64),
    /// This key is not known.
    Unknown(&'a Key),
    /// Something is wrong, and this became of it.
    Found(&'a Fault, Outcome),
}

/// What an audit looked at, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditSummary {
    /// Users, and the tombstones of deleted ones.
    pub users: u64,
    /// Claims on email addresses and usernames.
    pub claims: u64,
    /// Sessions.
    pub sessions: u64,
    /// Entries of indexes.
    pub entries: u64,
    /// Keys that look like ours and are not known; they are left alone.
    pub unknown: u64,
    /// Faults that were repaired.
    pub repaired: u64,
    /// Faults that were not.
    pub left: u64,
}

/// Where faults go.
pub(super) struct Report<'a> {
    pub(super) repair: bool,
    pub(super) tell: &'a mut dyn FnMut(AuditEvent<'_>),
    pub(super) summary: AuditSummary,
    /// Whether some user could not be read: then nobody knows everything that users have.
    pub(super) misses_users: bool,
    /// Whether some user is not in an index: then nobody knows all users by it.
    pub(super) misses_entries: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(repair: bool, tell: &'a mut dyn FnMut(AuditEvent<'_>)) -> Self {
        Self { repair, tell, summary: AuditSummary::default(), misses_users: false, misses_entries: false }
    }

    pub(super) fn add(&mut self, fault: &Fault, outcome: Outcome) {
        match outcome {
            Outcome::Repaired => self.summary.repaired += 1,
            Outcome::Repairable | Outcome::Left(_) => self.summary.left += 1,
        }
        if let Fault::Unreadable { key, .. } = fault {
            self.misses_users |= matches!(Place::of(key), Some(Place::User(_)));
        }
        self.misses_entries |= matches!(fault, Fault::UnlistedUser { .. }) && outcome != Outcome::Repaired;
        (self.tell)(AuditEvent::Found(fault, outcome));
    }
}
