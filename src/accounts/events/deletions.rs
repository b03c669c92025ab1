//! What is kept of deleted accounts, for good: which id, when, and who deleted it.
//!
//! What the user did to others, or to roles, is an event of those, with the user's id, session and address. These stay
//! for as long as events are kept.

use std::{fmt, str::FromStr};

use super::Who;
use crate::{
    accounts::{
        Accounts,
        authority::Authority,
        capability::Capability,
        clock::Timestamp,
        error::Error,
        keys::{self, Bucket},
        user::UserId,
    },
    store::Order,
};

/// An account that was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The id that the user had.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
    /// Who deleted it.
    pub by: Who,
}

/// Some deleted accounts, the latest first.
#[derive(Clone, Debug)]
pub struct DeletionPage {
    /// The deleted accounts.
    pub items: Vec<Deletion>,
    /// The last of them, if there are more: those are before it.
    pub next: Option<DeletionCursor>,
}

/// A place in the list of deleted accounts: those before it were deleted earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeletionCursor(Timestamp, UserId);

impl fmt::Display for DeletionCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.as_millis(), self.1)
    }
}

/// This is no place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list of deleted accounts")]
pub struct InvalidDeletionCursor;

impl FromStr for DeletionCursor {
    type Err = InvalidDeletionCursor;

    fn from_str(text: &str) -> Result<Self, InvalidDeletionCursor> {
        let read = || {
            let (at, user) = text.split_once('.')?;
            Some(Self(Timestamp::from_millis(at.parse().ok()?), user.parse().ok()?))
        };
        read().ok_or(InvalidDeletionCursor)
    }
}

impl Deletion {
    fn read(member: &str, score: i64) -> Option<Self> {
        let (user, by) = member.split_once(' ')?;
        Some(Self { user: user.parse().ok()?, at: Timestamp::from_millis(score), by: by.parse().ok()? })
    }

    fn place(&self) -> DeletionCursor {
        DeletionCursor(self.at, self.user)
    }
}

impl Accounts {
    /// The latest `limit` deleted accounts, or those before a place in the list.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; the errors of the store.
    pub async fn deletions(
        &self,
        by: &Authority,
        before: Option<DeletionCursor>,
        limit: usize,
    ) -> Result<DeletionPage, Error> {
        by.needs(Capability::ReadUsers)?;
        let indexes = Bucket::keys(&keys::deleted());
        let scores = i64::MIN..=before.map_or(i64::MAX, |before| before.0.as_millis());
        let mut most = limit.saturating_add(1);
        loop {
            let found = self.store.ranges(&indexes, scores.clone(), Order::Descending, most).await?;
            let wanted = |(member, score): &(String, i64)| {
                Deletion::read(member, *score).filter(|found| before.is_none_or(|before| found.place() < before))
            };
            let read =
                found.iter().map(|members| (members.len(), members.iter().filter_map(wanted).collect::<Vec<_>>()));
            let read = read.collect::<Vec<_>>();
            // Of those who were deleted in the moment of the cursor, the first are on the page before.
            if read.iter().any(|(found, wanted)| *found == most && wanted.len() <= limit) {
                most = most.saturating_mul(4);
                continue;
            }
            let mut items = read.into_iter().flat_map(|(_, wanted)| wanted).collect::<Vec<_>>();
            items.sort_unstable_by_key(|found| std::cmp::Reverse(found.place()));
            let is_more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().map(Deletion::place).filter(|_| is_more);
            return Ok(DeletionPage { items, next });
        }
    }
}
