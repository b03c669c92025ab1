//! Whatever an audit looks at, one after the other: each kind judges itself, in a file of its own.

use std::hash::Hash;

use super::fault::Fault;
use crate::{
    accounts::{
        Accounts,
        claims::{Claim, Handle},
        error::Error,
        user::{Stored, UserRecord},
    },
    store::{Batch, Expectation, Key, Slot},
};

/// One thing in the store that can be looked at, and looked at again.
pub(super) trait Subject: Clone + Eq + Hash {
    /// Looks at some of its kind, and says of each what is wrong.
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error>;
}

/// What is wrong, and what would mend it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) fault: Fault,
    pub(super) cure: Cure,
}

/// What mends something.
#[derive(Clone, Debug)]
pub(super) enum Cure {
    /// Nothing that is safe.
    None,
    /// A commit that expects what was found.
    Commit(Batch),
    /// Dropping a claim.
    Drop(Slot),
    /// Making a claim.
    Claim(Handle, Claim),
}

impl Found {
    pub(super) fn new(fault: Fault, cure: Cure) -> Self {
        Self { fault, cure }
    }

    pub(super) fn unreadable(key: Key, why: String) -> Self {
        Self { fault: Fault::Unreadable { key, why }, cure: Cure::None }
    }
}

/// The expectation that a record is as it was read.
pub(super) fn unchanged(user: Option<&Stored<UserRecord>>) -> Expectation {
    user.map_or(Expectation::Absent, |user| Expectation::Revision(user.revision))
}
