//! The totals of buckets: whether each is what comes of counting the users once more.
//!
//! The service goes on meanwhile. Whatever changes whether a user counts writes the record of the totals in the same
//! commit: so a count is exact if the record is the same before it and after it.

use std::collections::HashSet;

use futures_util::TryStreamExt;

use super::{
    fault::Fault,
    read::readable,
    subject::{Cure, Found, Subject},
};
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{self, Bucket, Home},
        user::{Tombstone, UserId, UserRecord},
    },
    store::{Batch, Expectation, count},
};

/// How often a bucket is counted, when its totals change meanwhile. After that, nobody knows whether they are right.
const TRIES: u32 = 3;

/// The totals of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Totals(pub(super) Bucket);

impl Subject for Totals {
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let mut all = Vec::with_capacity(subjects.len());
        for Self(bucket) in subjects {
            all.push(accounts.look_at_totals(*bucket).await?.unwrap_or_default());
        }
        Ok(all)
    }
}

impl Accounts {
    /// What is wrong with the totals of a bucket. None where they cannot be counted.
    pub(super) async fn look_at_totals(&self, bucket: Bucket) -> Result<Option<Vec<Found>>, Error> {
        let (slot, name) = (bucket.slot(), keys::totals());
        let key = slot.key(&name);
        for _ in 0..TRIES {
            let before = match readable(self.store.get(&key).await)? {
                Ok(record) => record,
                Err(why) => return Ok(Some(vec![Found::unreadable(key, why)])),
            };
            let Some(verified) = self.count_verified(bucket).await? else { return Ok(None) };
            let after = readable(self.store.get(&key).await)?;
            if after.as_ref().ok() != Some(&before) {
                continue;
            }
            let revision = before.as_ref().map(|record| record.revision);
            let mut fields = before.map(|record| record.fields).unwrap_or_default();
            let found = fields.insert(keys::VERIFIED.to_owned(), verified.to_string());
            let found = found.unwrap_or_else(|| "0".to_owned());
            if found == verified.to_string() {
                return Ok(Some(Vec::new()));
            }
            let by = count(Some(&found), verified.saturating_neg()).ok();
            let mut batch = Batch::new(slot);
            batch.expect(name.clone(), revision.map_or(Expectation::Absent, Expectation::Revision)).put(name, fields);
            return Ok(Some(vec![Found::new(Fault::WrongTotal { key, by }, Cure::Commit(batch))]));
        }
        Ok(None)
    }

    /// How many users of a bucket have a confirmed address, unless some of them cannot be read, or are lost: these are
    /// reported by themselves.
    async fn count_verified(&self, bucket: Bucket) -> Result<Option<i64>, Error> {
        let index = bucket.slot().key(&keys::created());
        let (mut members, mut verified) = (self.store.members(&index), HashSet::new()); // a walk may see somebody twice
        loop {
            let page = match readable(members.try_next().await)? {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(i64::try_from(verified.len()).ok()),
                Err(_) => return Ok(None),
            };
            let ids = page.iter().filter_map(|member| member.parse().ok());
            let ids = ids.filter(|id| Home::of(*id).bucket() == bucket).collect::<Vec<UserId>>();
            for (id, user) in ids.iter().zip(self.read_users(&ids).await?) {
                match user.map(|user| user.map(|stored| stored.value)) {
                    Ok(Some(UserRecord::Active(user))) if user.email_verified => drop(verified.insert(*id)),
                    Ok(Some(UserRecord::Active(_))) => drop(verified.remove(id)),
                    Ok(Some(UserRecord::Tombstone(Tombstone::Deleted))) => {}
                    Ok(Some(UserRecord::Tombstone(Tombstone::Fenced)) | None) | Err(_) => return Ok(None),
                }
            }
        }
    }
}
