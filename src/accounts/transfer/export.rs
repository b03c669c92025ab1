//! Exporting: every user as a line, in the order in which they were made.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, Write},
};

use futures_util::future::try_join_all;

use super::form;
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{self, Bucket, Home},
        records,
        user::{UserRecord, id_of_entry},
    },
    store::Order,
};

/// How many entries of an index are read together.
const PAGE: usize = 250;

/// How many users are read together.
const TOGETHER: usize = 500;

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many users.
    pub users: u64,
    /// How many entries of the index tell of nobody who can be read: `latchkey check` says more.
    pub unreadable: u64,
}

/// Why an export did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The lines cannot be written.
    #[error("cannot write: {0}")]
    Unwritable(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Accounts {
    /// How many users an export would write, about.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn count_users(&self) -> Result<u64, Error> {
        let indexes = Bucket::keys(&keys::created());
        Ok(self.store.count(&indexes, &[i64::MIN]).await?.iter().flatten().sum())
    }

    /// Writes every user as a line that an import reads, with the hash of their password, and tells how many were written
    /// so far. Whoever is there from the beginning to the end is among them once; whoever comes or goes meanwhile may be.
    ///
    /// # Errors
    /// [`ExportError`]: then it is not everything.
    pub async fn export_users(&self, out: &mut dyn Write, tell: &mut dyn FnMut(u64)) -> Result<Exported, ExportError> {
        let mut exported = Exported::default();
        let mut entries = Bucket::all().map(Entries::of).collect::<Vec<_>>();
        loop {
            let mut ids = Vec::with_capacity(TOGETHER);
            while ids.len() < TOGETHER {
                try_join_all(entries.iter_mut().map(|entries| entries.fill(self))).await?;
                let Some(next) = entries.iter_mut().min_by(|a, b| a.order().cmp(&b.order())) else { break };
                let Some((_, member)) = next.page.pop_front() else { break };
                match id_of_entry(&member) {
                    Some(id) => ids.push(id),
                    None => exported.unreadable += 1,
                }
            }
            if ids.is_empty() {
                out.flush()?;
                return Ok(exported);
            }
            let users = ids.iter().map(|id| Home::of(*id).key(&Home::of(*id).user())).collect::<Vec<_>>();
            let records = self.store.get_many(&users).await.map_err(Error::from)?;
            for (id, record) in ids.into_iter().zip(records) {
                // Nobody is there who was deleted since the index was read.
                match record.map(|record| records::read_user(id, &record)) {
                    Some(Ok(UserRecord::Active(user))) => {
                        out.write_all(form::write(&user).as_bytes())?;
                        exported.users += 1;
                    }
                    Some(Ok(UserRecord::Tombstone(_))) | None => {}
                    Some(Err(error)) => {
                        tracing::error!(user.id = %id, %error, "a user cannot be read, and is not exported");
                        exported.unreadable += 1;
                    }
                }
            }
            tell(exported.users);
        }
    }
}

/// The entries of one bucket, in the order of the index by creation, page by page.
struct Entries {
    bucket: Bucket,
    page: VecDeque<(i64, String)>,
    /// From which score the next page is read, and which members with this score were read already.
    from: i64,
    read: HashSet<String>,
    has_ended: bool,
}

impl Entries {
    fn of(bucket: Bucket) -> Self {
        Self { bucket, page: VecDeque::new(), from: 0, read: HashSet::new(), has_ended: false }
    }

    /// Where the next entry stands; after the last one, behind everything.
    fn order(&self) -> (bool, Option<&(i64, String)>) {
        (self.page.is_empty(), self.page.front())
    }

    /// Reads a page, if there is nothing left of the one before.
    async fn fill(&mut self, accounts: &Accounts) -> Result<(), Error> {
        while self.page.is_empty() && !self.has_ended {
            let index = [self.bucket.slot().key(&keys::created())];
            // As many more as stand at the score where the last page ended.
            let limit = PAGE + self.read.len();
            let found = accounts.store.ranges(&index, self.from..=i64::MAX, Order::Ascending, limit).await?;
            let found = found.into_iter().flatten().collect::<Vec<_>>();
            self.has_ended = found.len() < limit;
            let Some((last, _)) = found.last().map(|(member, score)| (*score, member)) else { return Ok(()) };
            let is_new = |(member, score): &(String, i64)| *score != self.from || !self.read.contains(member);
            self.page =
                found.iter().filter(|entry| is_new(entry)).map(|(member, score)| (*score, member.clone())).collect();
            if last != self.from {
                self.read.clear();
            }
            self.from = last;
            self.read.extend(found.into_iter().filter(|(_, score)| *score == last).map(|(member, _)| member));
        }
        Ok(())
    }
}
