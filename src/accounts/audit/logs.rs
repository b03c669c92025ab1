//! Logs: whether each can be read, and whether that of a person is of somebody who is there.

use super::{
    fault::Fault,
    lost::is_missing,
    subject::{Cure, Found, Subject, unchanged},
};
use crate::{
    accounts::{
        Accounts, Event,
        error::Error,
        keys::Home,
        user::{UserId, UserRecord},
    },
    store::{Batch, Key},
};

/// How many logs are read at once: at the most some megabytes.
const AT_ONCE: usize = 32;

/// A log, and whose it is, if it is a person's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LogSubject(pub(super) Key, pub(super) Option<Home>);

impl Subject for LogSubject {
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let mut all = Vec::with_capacity(subjects.len());
        for subjects in subjects.chunks(AT_ONCE) {
            all.append(&mut accounts.look_at_logs(subjects).await?);
        }
        Ok(all)
    }
}

impl Accounts {
    async fn look_at_logs(&self, subjects: &[LogSubject]) -> Result<Vec<Vec<Found>>, Error> {
        // The user first: nothing happens to somebody before they are there.
        let ids = subjects.iter().map(|LogSubject(_, home)| home.map_or(UserId::NIL, Home::id)).collect::<Vec<_>>();
        let users = self.read_users(&ids).await?;
        let missing = ids.iter().zip(&users).filter(|(_, user)| matches!(user, Ok(user) if is_missing(user.as_ref())));
        let lost = self.lost_among(&missing.map(|(id, _)| *id).collect::<Vec<_>>()).await?;
        let logs = self.read_lines(&subjects.iter().map(|subject| subject.0.clone()).collect::<Vec<_>>()).await?;
        let judged = subjects.iter().zip(users).zip(logs).map(|((LogSubject(key, home), user), log)| {
            let log = match log {
                Ok(log) if log.is_empty() => return None, // it is gone
                Ok(log) => log,
                Err(why) => return Some(Found::unreadable(key.clone(), why)),
            };
            // A user who cannot be read is reported by itself, and of a lost one every trace is kept.
            if let (Some(home), Ok(user)) = (home, user)
                && !matches!(user.as_ref().map(|stored| &stored.value), Some(UserRecord::Active(_)))
                && !lost.contains(&home.id())
            {
                let (slot, name) = key.parts();
                let mut batch = Batch::new(slot);
                batch.expect(home.user(), unchanged(user.as_ref())).delete(name);
                let fault = Fault::OrphanEvents { user: home.id(), log: key.clone() };
                return Some(Found::new(fault, Cure::Commit(batch)));
            }
            let unreadable = log.iter().filter(|line| !Event::is_line(line)).count();
            let why = || format!("{unreadable} of its {} entries are no events", log.len());
            (unreadable > 0).then(|| Found::unreadable(key.clone(), why()))
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}
