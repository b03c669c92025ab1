//! How a user comes to another email address, and back to the one before.
//!
//! These change the user in memory. What that gains and loses is the [`Difference`](super::Difference) to the user as they
//! were, and the commit expects the record that they were read from. What a user holds never changes without the fence.

use std::time::Duration;

use crate::accounts::{
    clock::Timestamp,
    email::EmailAddress,
    user::{OperationId, PreviousEmail, User},
};

/// How long the address before can undo a change.
const UNDO_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl User {
    /// Gives the user an address that they have shown to be theirs. The one before, if they had shown that too, can undo
    /// this for 7 days; one that was never shown to be theirs could be a stranger's. An older one that can still undo
    /// stays instead, or whoever has broken in could shake it off by moving twice; and when it comes back by this, none is
    /// kept, or whoever had broken in could undo that.
    pub(in crate::accounts) fn move_to(&mut self, address: EmailAddress, op: OperationId, now: Timestamp) {
        let an_older_can_undo = self.previous_email.as_ref().is_some_and(|previous| previous.is_good(now));
        let former = PreviousEmail { address: self.email.clone(), op: self.email_op, until: now.plus(UNDO_LIFE) };
        let (moved, was_verified) = (address.canonical() != self.email.canonical(), self.email_verified);
        self.change_email(address, op);
        if moved && !an_older_can_undo {
            self.previous_email = was_verified.then_some(former);
        }
        self.email_verified = true;
        self.pending_email = None;
        self.note_change(now);
    }

    /// Gives the user an address that nobody has shown to be theirs. An address that can undo an earlier change stays.
    /// Another spelling of the same address changes no more than that. What is only seen in an `ETag` is the caller's.
    pub(in crate::accounts) fn change_email(&mut self, address: EmailAddress, op: OperationId) {
        let moved = address.canonical() != self.email.canonical();
        self.email = address;
        if !moved {
            return;
        }
        // What is theirs already is not claimed again: it comes back as it was.
        let back = self.previous_email.take_if(|previous| previous.address.canonical() == self.email.canonical());
        self.email_op = back.map_or(op, |previous| previous.op);
        self.email_verified = false;
        self.pending_email = None;
        self.fence += 1;
    }

    /// Gives the user the address back that they had before, at its request. False if there is none that may ask for it.
    pub(in crate::accounts) fn undo_move(&mut self, now: Timestamp) -> bool {
        let Some(previous) = self.previous_email.take_if(|previous| previous.is_good(now)) else { return false };
        self.email = previous.address;
        self.email_op = previous.op;
        self.email_verified = true;
        self.pending_email = None;
        self.fence += 1;
        self.note_change(now);
        true
    }

    /// Takes the address that the user could have back out of their record: then its claim is dead. No client sees that.
    pub(super) fn let_go(&mut self) {
        self.previous_email = None;
        self.fence += 1;
    }

    /// Notes that what a client sees of the user has changed.
    pub(in crate::accounts) fn note_change(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests;
