//! How email addresses and usernames stay unique although a claim and its user live in different slots.
//!
//! No transaction spans two slots, so a claim is only a hint, and the user record is the truth. A claim names a user, the
//! operation that makes it, and the `fence` of the user at that time (0 for a user who is not there yet):
//!
//! - it is **binding** while the user has this very address or name, or may have the address back, put there by this very
//!   operation;
//! - it is **pending** while that operation may still succeed: the user is not there and the claim's fence is 0, or the
//!   user's fence is still the claim's;
//! - otherwise it is **dead**, and anybody may take it over.
//!
//! Making a user, or changing an address, first claims and then commits the user record, if its fence is still the claim's.
//! Whoever meets a pending claim leaves it alone for [`PATIENCE`]. After that its maker has probably died, and the
//! contender *fences* it: it writes a tombstone where the user would have been, or raises the user's fence, so that the
//! operation can no longer succeed. Only then is the claim dead and taken over. Clocks decide who may do that, never
//! whether it is safe.
//!
//! A user may have an address back for a week after a change (`moves`). The claim on it stays as it is, so undoing the
//! change claims nothing and nobody can refuse it. When the week is over it stays still, until somebody wants the address:
//! they first take it out of the user record, by a commit that expects the record as it was read, so that either this or
//! the undoing happens. Then the claim is dead. Here too the clock only decides who may do that.
//!
//! The module `model` checks this exhaustively, with the `judge` that is used here; without the fences, or without taking
//! that address out of the record, it finds two people with one address.

mod gains;
mod heal;
mod held;
#[cfg(test)]
mod model;
mod moves;
mod protocol;

use std::time::Duration;

pub(in crate::accounts) use self::{gains::Gains, held::Difference};
use super::{
    clock::Timestamp,
    email::EmailAddress,
    error::Error,
    keys,
    random::Random,
    user::{OperationId, Stored, UserId, UserRecord},
    username::Username,
};
use crate::store::Slot;

/// How long a pending claim is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a tombstone is kept. No attempt to make a user may last as long: none lasts more than a minute.
pub(in crate::accounts) const TOMBSTONE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What one person at most can have: an email address or a username, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::accounts) struct Handle {
    pub(in crate::accounts) kind: HandleKind,
    pub(in crate::accounts) canonical: String,
}

/// What kind of thing is unique among users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleKind {
    /// An email address.
    Email,
    /// A username.
    Username,
}

impl Handle {
    pub(in crate::accounts) fn email(address: &EmailAddress) -> Self {
        Self { kind: HandleKind::Email, canonical: address.canonical().to_owned() }
    }

    pub(in crate::accounts) fn username(username: &Username) -> Self {
        Self { kind: HandleKind::Username, canonical: username.canonical() }
    }

    /// A handle that nobody can have.
    pub(in crate::accounts) fn nobody() -> Self {
        Self { kind: HandleKind::Username, canonical: String::new() }
    }

    /// A handle that nobody can have, nor another attempt.
    pub(in crate::accounts) fn unattainable(random: Random) -> Self {
        Self { kind: HandleKind::Email, canonical: OperationId::new(random).to_string() }
    }

    fn taken(&self) -> Error {
        match self.kind {
            HandleKind::Email => Error::EmailTaken,
            HandleKind::Username => Error::UsernameTaken,
        }
    }
}

/// What is stored under a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) struct Claim {
    pub(in crate::accounts) user: UserId,
    pub(in crate::accounts) fence: u64,
    pub(in crate::accounts) op: OperationId,
    pub(in crate::accounts) at: Timestamp,
}

impl Claim {
    /// Whether this is the claim of the same operation in the same state of its user.
    pub(in crate::accounts) fn is(&self, other: &Self) -> bool {
        (self.user, self.fence, self.op) == (other.user, other.fence, other.op)
    }
}

/// As much of a user as a claim depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum Owner {
    Absent,
    Tombstone,
    /// `holds` is the operation that gave the user the claimed handle, if they have it or may have it back.
    Active {
        fence: u64,
        holds: Option<OperationId>,
    },
}

/// What a claim is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum Standing {
    Binding,
    Pending,
    Dead,
}

/// Judges a claim by the state of its owner.
pub(in crate::accounts) fn judge(claim: &Claim, owner: Owner) -> Standing {
    match owner {
        Owner::Active { holds: Some(op), .. } if op == claim.op => Standing::Binding,
        Owner::Active { fence, .. } if fence == claim.fence => Standing::Pending,
        Owner::Absent if claim.fence == 0 => Standing::Pending,
        Owner::Active { .. } | Owner::Absent | Owner::Tombstone => Standing::Dead,
    }
}

/// Judges a claim of which only the slot is known: the handle cannot be told from the digest in it, but whether it is the
/// owner's can.
pub(in crate::accounts) fn judge_in(slot: &Slot, claim: &Claim, user: Option<&Stored<UserRecord>>) -> Standing {
    let handles = match user.map(|stored| &stored.value) {
        Some(UserRecord::Active(user)) => user.handles(),
        Some(UserRecord::Tombstone(_)) | None => Vec::new(),
    };
    let held = handles.into_iter().map(|(handle, _)| handle).find(|handle| keys::claim(handle) == *slot);
    judge(claim, owner(&held.unwrap_or_else(Handle::nobody), user))
}

/// The owner of a claim on `handle`, as far as the claim depends on them.
pub(in crate::accounts) fn owner(handle: &Handle, user: Option<&Stored<UserRecord>>) -> Owner {
    match user.map(|stored| &stored.value) {
        None => Owner::Absent,
        Some(UserRecord::Tombstone(_)) => Owner::Tombstone,
        Some(UserRecord::Active(user)) => Owner::Active { fence: user.fence, holds: user.holds(handle) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::random::Random;

    #[test]
    fn a_claim_is_judged_by_its_owner() {
        let (now, random) = (Timestamp::from_millis(0), Random);
        let (op, other) = (OperationId::new(random), OperationId::new(random));
        let claim = |fence| Claim { user: UserId::new(now, random), fence, op, at: now };
        let active = |fence, holds| Owner::Active { fence, holds };
        for (fence, owner, expected) in [
            (0, Owner::Absent, Standing::Pending),
            (3, Owner::Absent, Standing::Dead),
            (0, Owner::Tombstone, Standing::Dead),
            (0, active(1, Some(op)), Standing::Binding),
            (3, active(4, Some(op)), Standing::Binding),
            (3, active(3, Some(other)), Standing::Pending),
            (3, active(3, None), Standing::Pending),
            (3, active(4, None), Standing::Dead),
            (3, active(4, Some(other)), Standing::Dead),
            (0, active(1, None), Standing::Dead),
        ] {
            assert_eq!(judge(&claim(fence), owner), expected, "fence {fence}, {owner:?}");
        }
    }
}
