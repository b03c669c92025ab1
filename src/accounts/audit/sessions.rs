//! Sessions, and the index of a person's sessions. What has expired of an active user is left to the store, which
//! collects it, and to their next sign-in. Of anybody else nothing should be left, and nobody clears it away.

use super::{
    fault::Fault,
    read::{Read, parsed},
    subject::{Cure, Found, Subject, unchanged},
};
use crate::{
    accounts::{
        Accounts,
        clock::Timestamp,
        error::Error,
        keys::Home,
        records, sessions,
        user::{Session, SessionId, Stored, UserId, UserRecord, id_of_entry},
    },
    store::{Batch, Expectation},
};

/// A session, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionSubject(pub(super) Home, pub(super) SessionId);

/// A member of the index of a person's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionEntry(pub(super) Home, pub(super) String);

impl Subject for SessionSubject {
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        // The user first: a session is never older than the user that is read before it.
        let ids = subjects.iter().map(|subject| subject.0.id()).collect::<Vec<UserId>>();
        let users = accounts.read_users(&ids).await?;
        let keys = subjects.iter().map(|subject| subject.0.key(&subject.0.session(subject.1))).collect::<Vec<_>>();
        let reads = accounts.read_records(&keys).await?;
        let entries = subjects.iter().map(|subject| (subject.0.key(&subject.0.sessions()), subject.1.to_string()));
        let scores = accounts.read_scores(&entries.collect::<Vec<_>>()).await?;
        let now = accounts.clock.now();
        let judged = subjects.iter().zip(users).zip(keys.into_iter().zip(reads)).zip(scores);
        let judged = judged.map(|(((subject, user), (key, read)), score)| {
            match parsed(read, |record| records::read_session(subject.1, record)) {
                Ok(session) => subject.judge(user, &session?, &score, now),
                Err(why) => Some(Found::unreadable(key, why)),
            }
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}

impl SessionSubject {
    fn judge(
        self,
        user: Read<Stored<UserRecord>>,
        session: &Stored<Session>,
        score: &Read<i64>,
        now: Timestamp,
    ) -> Option<Found> {
        let Self(home, id) = self;
        let user_id = home.id();
        // A user or an index that cannot be read is reported by itself, and no repair could be written there.
        let (user, score) = (user.ok()?, score.as_ref().ok()?);
        let expiry = session.value.expires_at;
        let mut batch = Batch::new(home.slot());
        batch.expect(home.session(id), Expectation::Revision(session.revision));
        batch.expect(home.user(), unchanged(user.as_ref()));
        let fault = match user.as_ref().map(|stored| &stored.value) {
            Some(UserRecord::Active(_)) if expiry <= now => return None,
            Some(UserRecord::Active(user)) if session.value.is_live(user, now) => {
                if *score == Some(expiry.as_millis()) {
                    return None;
                }
                // As signing in does: a deletion that read the sessions before this must not miss this one.
                batch.put(home.user(), records::write_user(user));
                batch.add(home.sessions(), id.to_string(), expiry.as_millis());
                let fault = Fault::UnlistedSession { user: user_id, session: id };
                return Some(Found::new(fault, Cure::Commit(batch)));
            }
            Some(UserRecord::Active(_)) => Fault::EndedSession { user: user_id, session: id },
            Some(UserRecord::Tombstone(_)) | None => Fault::OrphanSession { user: user_id, session: id },
        };
        sessions::forget(&mut batch, home, [id]);
        Some(Found::new(fault, Cure::Commit(batch)))
    }
}

impl Subject for SessionEntry {
    async fn look(accounts: &Accounts, entries: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let users = accounts.read_users(&entries.iter().map(|entry| entry.0.id()).collect::<Vec<_>>()).await?;
        let ids = entries.iter().map(|entry| id_of_entry::<SessionId>(&entry.1)).collect::<Vec<_>>();
        // What is no session's id leads to nothing; the person's own record is read in its place.
        let keys = entries
            .iter()
            .zip(&ids)
            .map(|(Self(home, _), id)| home.key(&id.map_or(home.user(), |id| home.session(id))));
        let reads = accounts.read_records(&keys.collect::<Vec<_>>()).await?;
        // After the records: a session and its entry go together.
        let members = entries.iter().map(|Self(home, member)| (home.key(&home.sessions()), member.clone()));
        let scores = accounts.read_scores(&members.collect::<Vec<_>>()).await?;
        let now = accounts.clock.now().as_millis();
        let judged = entries.iter().zip(users).zip(ids.into_iter().zip(reads)).zip(scores);
        let judged = judged.map(|(((Self(home, member), user), (id, read)), score)| {
            let user = user.ok()?; // one that cannot be read is reported by itself
            let is_there = id.is_some() && !matches!(read, Ok(None));
            let is_active = matches!(user.as_ref().map(|stored| &stored.value), Some(UserRecord::Active(_)));
            let has_expired = score.ok()?? <= now;
            if is_there || (id.is_some() && has_expired && is_active) {
                return None;
            }
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), unchanged(user.as_ref()));
            if let Some(id) = id {
                batch.expect(home.session(id), Expectation::Absent);
            }
            batch.remove(home.sessions(), member);
            Some(Found::new(Fault::DanglingSession { user: home.id(), session: id }, Cure::Commit(batch)))
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}
