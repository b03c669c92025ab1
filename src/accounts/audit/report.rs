//! What an audit tells: each fault, and in the end how many there were.

use std::collections::HashSet;

use super::fault::{Fault, Outcome};
use crate::{
    accounts::keys::{self, Bucket, Home, Place},
    store::Key,
};

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
    /// Totals that could not be counted once more: a user may be missed, or they kept changing.
    pub uncounted: u64,
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
    /// The buckets with a user who cannot be read, or is not in the index of all: then nobody knows all users by it.
    pub(super) uncountable: HashSet<Bucket>,
}

impl<'a> Report<'a> {
    pub(super) fn new(repair: bool, tell: &'a mut dyn FnMut(AuditEvent<'_>)) -> Self {
        Self { repair, tell, summary: AuditSummary::default(), misses_users: false, uncountable: HashSet::new() }
    }

    pub(super) fn add(&mut self, fault: &Fault, outcome: Outcome) {
        match outcome {
            Outcome::Repaired => self.summary.repaired += 1,
            Outcome::Repairable | Outcome::Left(_) => self.summary.left += 1,
        }
        match fault {
            Fault::Unreadable { key, .. } => {
                if let Some(Place::User(home)) = Place::of(key) {
                    self.misses_users = true;
                    self.uncountable.insert(home.bucket());
                }
            }
            Fault::UnlistedUser { user, index }
                if outcome != Outcome::Repaired && *index == keys::created_entry(*user).0.to_string() =>
            {
                self.uncountable.insert(Home::of(*user).bucket());
            }
            _ => {}
        }
        (self.tell)(AuditEvent::Found(fault, outcome));
    }
}
