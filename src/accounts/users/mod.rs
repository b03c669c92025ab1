//! Users: registering, changing, deleting, and what operators do with them.

mod change;
mod delete;
mod idempotency;
mod letters;
mod operate;
mod patch;
mod register;
mod registration;

pub use self::{
    change::Change,
    idempotency::{IdempotencyKey, InvalidIdempotencyKey},
    operate::OperatorError,
    patch::{GuardedPatch, PatchRequest, UserPatch, VersionMatch},
    register::Registered,
    registration::Registration,
};
use super::{
    claims::TOMBSTONE_LIFE,
    clock::Timestamp,
    confirmations::Purpose,
    keys, records,
    user::{Tombstone, User},
};
use crate::store::Batch;

/// Adds to `batch` that a user is written, and that the indexes show `after` instead of `before`.
pub(super) fn write(batch: &mut Batch, before: Option<&User>, after: &User) {
    batch.put(keys::Home::of(after.id).user(), records::write_user(after));
    reindex(batch, before, Some(after));
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

/// Adds to `batch` the difference between two states of a user in the indexes.
fn reindex(batch: &mut Batch, before: Option<&User>, after: Option<&User>) {
    let old = before.map(keys::index_entries).unwrap_or_default();
    let new = after.map(keys::index_entries).unwrap_or_default();
    for (index, member, _) in old.iter().filter(|entry| !new.contains(entry)) {
        batch.remove(index.clone(), member);
    }
    for (index, member, score) in new.iter().filter(|entry| !old.contains(entry)) {
        batch.add(index.clone(), member, *score);
    }
}
