//! Entries of the indexes over all users: whether each leads to a user who is to be found there. And records that
//! only have to be readable.

use super::{
    fault::Fault,
    lost::is_missing,
    read::parsed,
    subject::{Cure, Found, Subject, unchanged},
};
use crate::{
    accounts::{
        Accounts,
        clock::Timestamp,
        confirmations, device_token,
        error::Error,
        keys::{self, Home, Place},
        records, signing, statistics,
        user::{UserId, UserRecord},
        users::FIGURES_LIFE,
    },
    store::{Batch, Expectation, Key, Record},
};

/// A member of an index over all users.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct UserEntry(pub(super) Key, pub(super) String);

/// A record that only has to be readable, by its key in the store: an idempotency key, a confirmation, which expires by
/// itself, the figures of a day, which must be numbers, the signing keys, or the key of devices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Readable(pub(super) Key);

impl UserEntry {
    /// Whom the entry leads to: what stands in it alone, or behind the last NUL. In capitals, it is a trace of them too.
    fn user(&self) -> Option<UserId> {
        self.1.rsplit('\0').next()?.parse().ok()
    }
}

impl Subject for UserEntry {
    async fn look(accounts: &Accounts, entries: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let ids = entries.iter().map(|entry| entry.user().unwrap_or(UserId::NIL)).collect::<Vec<_>>();
        let users = accounts.read_users(&ids).await?;
        // After the users: a user and their entries change together.
        let members = entries.iter().map(|Self(index, member)| (index.clone(), member.clone())).collect::<Vec<_>>();
        let scores = accounts.read_scores(&members).await?;
        let missing = ids.iter().zip(&users).filter(|(_, user)| matches!(user, Ok(user) if is_missing(user.as_ref())));
        let lost = accounts.lost_among(&missing.map(|(id, _)| *id).collect::<Vec<_>>()).await?;
        let judged = entries.iter().zip(users).zip(scores).map(|((entry, user), score)| {
            let (id, user) = (entry.user(), user.ok()?); // one that cannot be read is reported by itself
            score.ok()??;
            let Self(index, member) = entry;
            let (slot, name) = index.parts();
            let mut batch = Batch::new(slot.clone());
            if let Some(home) = id.map(Home::of) {
                let is_home = home.slot() == slot;
                if let Some(UserRecord::Active(user)) = user.as_ref().map(|stored| &stored.value).filter(|_| is_home)
                    && (name == keys::active() && *member == user.id.to_string()
                        || keys::index_entries(user)
                            .iter()
                            .any(|(known, theirs, _)| *known == name && theirs == member))
                {
                    return None;
                }
                if is_home && lost.contains(&home.id()) {
                    // Told once, by the index that proves it. Every trace is kept.
                    let is_proof = keys::created_entry(home.id()).0 == *index;
                    return is_proof.then(|| Found::new(Fault::LostUser { user: home.id() }, Cure::None));
                }
                batch.expect(home.user(), if is_home { unchanged(user.as_ref()) } else { Expectation::Absent });
            }
            batch.remove(name, member);
            Some(Found::new(Fault::DanglingEntry { index: index.clone(), user: id }, Cure::Commit(batch)))
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}

fn wrong_figure(key: Key, record: &Record, now: Timestamp) -> Option<Found> {
    let fields = statistics::mended(record)?;
    let (slot, name) = key.parts();
    let mut batch = Batch::new(slot);
    batch.expect(name.clone(), Expectation::Revision(record.revision));
    batch.put_until(name, fields, now.plus(FIGURES_LIFE).as_millis());
    Some(Found::new(Fault::WrongFigure { key }, Cure::Commit(batch)))
}

impl Subject for Readable {
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let keys = subjects.iter().map(|subject| subject.0.clone()).collect::<Vec<_>>();
        let reads = accounts.read_records(&keys).await?;
        let judged = keys.into_iter().zip(reads).map(|(key, read)| {
            let why = match Place::of(&key) {
                Some(Place::SigningKeys(_)) => parsed(read, signing::check).err(),
                Some(Place::Confirmation(..)) => parsed(read, confirmations::read).err(),
                Some(Place::Figures(_)) => match read {
                    Ok(record) => return wrong_figure(key, &record?, accounts.clock.now()),
                    Err(why) => Some(why),
                },
                Some(Place::DeviceKey(_)) => parsed(read, device_token::check).err(),
                _ => parsed(read, records::read_idempotency).err(),
            };
            why.map(|why| Found::unreadable(key, why))
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}
