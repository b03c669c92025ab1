//! Users: registering, changing, deleting, and what operators do with them.

mod change;
mod create;
mod delete;
mod idempotency;
mod letters;
mod manage;
mod operate;
mod patch;
mod read;
mod register;
mod registration;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::{
    change::Change,
    idempotency::{IdempotencyKey, InvalidIdempotencyKey},
    manage::ManagedPatch,
    patch::{GuardedPatch, PatchRequest, UserPatch, VersionMatch},
    register::Registered,
    registration::{NewAccount, Registration},
};
use super::{
    claims::TOMBSTONE_LIFE,
    clock::Timestamp,
    confirmations::Purpose,
    keys, records,
    user::{Tombstone, User},
};
use crate::store::Batch;

/// How long the figures of a day are kept.
pub(super) const FIGURES_LIFE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Adds to `batch` that a user is written, and that the indexes show `after` instead of `before`.
pub(super) fn write(batch: &mut Batch, before: Option<&User>, after: &User) {
    batch.put(keys::Home::of(after.id).user(), records::write_user(after));
    reindex(batch, before, Some(after));
}

/// Adds to `batch` that something that is counted by day has happened so many times more.
pub(super) fn count_today(batch: &mut Batch, what: &str, times: i64, now: Timestamp) {
    batch.count_up(keys::day(now), what, times, Some(now.plus(FIGURES_LIFE).as_millis()));
}

/// Adds to `batch` that there is no user at `home` any more, nor will be.
fn bury(batch: &mut Batch, home: keys::Home, now: Timestamp) {
    let until = now.plus(TOMBSTONE_LIFE).as_millis();
    batch.put_until(home.user(), records::write_tombstone(Tombstone::Deleted, now), until);
}

/// Adds to `batch` that nothing that was mailed to a person can be confirmed any more.
fn forget_confirmations(batch: &mut Batch, home: keys::Home) {
    for purpose in Purpose::ALL {
        batch.delete(home.confirmation(purpose));
    }
}

/// Adds to `batch` the difference between two states of a user in the indexes and in the totals.
fn reindex(batch: &mut Batch, before: Option<&User>, after: Option<&User>) {
    let old = before.map(keys::index_entries).unwrap_or_default();
    let new = after.map(keys::index_entries).unwrap_or_default();
    for (index, member, _) in old.iter().filter(|entry| !new.contains(entry)) {
        batch.remove(index.clone(), member);
    }
    for (index, member, score) in new.iter().filter(|entry| !old.contains(entry)) {
        batch.add(index.clone(), member, *score);
    }
    let is_verified = |user: Option<&User>| i64::from(user.is_some_and(|user| user.email_verified));
    match is_verified(after) - is_verified(before) {
        0 => {}
        difference => drop(batch.count_up(keys::totals(), keys::VERIFIED, difference, None)),
    }
}
