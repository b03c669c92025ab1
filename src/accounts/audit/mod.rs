//! The audit of a whole store: every user, claim, session, index entry and log is looked at, with the functions that the
//! service judges them with, and the totals are counted once more.
//!
//! The service may be running meanwhile, and the parts of one person are not read at one moment. So what looks wrong is
//! only a [suspect](suspects): it is looked at again once every request that was under way is done, and reported if the
//! same is wrong with it still. A repair is a commit that expects the records that were found, or a step of the claim
//! protocol. Only a member of an index of users that is no id expects nothing: it leads to no record, and is just removed.
//!
//! Memory is bounded: a page of the walk, a page of each of [`AT_ONCE`] small indexes, the suspects of each kind until
//! they are many, and some users whose address nobody claims.

mod api_keys;
mod claims;
mod entries;
mod fault;
mod logs;
mod lost;
mod mails;
mod read;
mod report;
mod sessions;
mod subject;
mod suspects;
mod totals;
mod unclaimed;
mod users;

use futures_util::{TryStreamExt, future::join_all};

use self::{
    api_keys::ApiKeySubject,
    entries::{Readable, UserEntry},
    logs::LogSubject,
    mails::MailSubject,
    read::readable,
    report::Report,
    sessions::{SessionEntry, SessionSubject},
    suspects::Suspects,
    totals::Totals,
    unclaimed::Unclaimed,
};
pub use self::{
    fault::{Fault, Outcome},
    report::{AuditEvent, AuditSummary},
};
use super::{
    Accounts,
    error::Error,
    keys::{Bucket, Home, Place},
    user::UserId,
};
use crate::store::{Key, ReadError, Slot};

/// How many things are looked at together.
const CHUNK: usize = 250;

/// How many indexes of sessions are read at once.
const AT_ONCE: usize = 32;

impl Accounts {
    /// Looks at everything in the store, and repairs what is safe to repair, if told to. Every fault is told.
    ///
    /// # Errors
    /// Those of the store: then not everything was looked at.
    pub async fn audit(&self, repair: bool, tell: &mut dyn FnMut(AuditEvent<'_>)) -> Result<AuditSummary, Error> {
        let report = Report::new(repair, tell);
        let mut audit =
            Audit { accounts: self, report, suspects: AllSuspects::default(), unclaimed: Unclaimed::default() };
        let size = self.store.size().await?;
        let mut seen = 0;
        let mut walk = self.store.keys();
        while let Some(keys) = walk.try_next().await? {
            audit.look_at_page(&keys).await?;
            seen += count(&keys);
            (audit.report.tell)(AuditEvent::Looked(seen, size.max(seen)));
        }
        audit.finish().await
    }
}

/// An audit under way.
struct Audit<'a> {
    accounts: &'a Accounts,
    report: Report<'a>,
    suspects: AllSuspects,
    unclaimed: Unclaimed,
}

#[derive(Default)]
struct AllSuspects {
    users: Suspects<UserId>,
    claims: Suspects<Slot>,
    sessions: Suspects<SessionSubject>,
    session_entries: Suspects<SessionEntry>,
    entries: Suspects<UserEntry>,
    keys: Suspects<Readable>,
    api_keys: Suspects<ApiKeySubject>,
    mails: Suspects<MailSubject>,
    logs: Suspects<LogSubject>,
    totals: Suspects<Totals>,
}

impl Audit<'_> {
    async fn look_at_page(&mut self, keys: &[Key]) -> Result<(), Error> {
        let (mut users, mut claims, mut sessions, mut readable) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut homes, mut api_keys, mut mails, mut logs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for key in keys {
            match Place::of(key) {
                Some(Place::User(home)) => users.push(home.id()),
                Some(Place::Claim(slot)) => claims.push(slot),
                Some(Place::Session(home, id)) => sessions.push(SessionSubject(home, id)),
                Some(Place::Sessions(home)) => homes.push(home),
                Some(
                    Place::Idempotency(_)
                    | Place::SigningKeys(_)
                    | Place::DeviceKey(_)
                    | Place::Confirmation(..)
                    | Place::Figures(_),
                ) => readable.push(Readable(key.clone())),
                Some(Place::Users(index)) => {
                    let accounts = self.accounts;
                    let mut members = accounts.store.members(key);
                    while let Some(page) = self.next_members(key, members.try_next().await)? {
                        self.report.summary.entries += count(&page);
                        let entries = page.into_iter().map(|member| UserEntry(index.clone(), member)).collect();
                        self.suspects.entries.look(accounts, entries).await?;
                        self.settle(false).await?;
                    }
                }
                Some(Place::ApiKey(id)) => api_keys.push(ApiKeySubject(id.to_string())),
                Some(Place::ApiKeys) => self.look_at_index_of_api_keys(key).await?,
                Some(Place::Mail(bucket, id)) => mails.push(MailSubject(bucket, id.to_string())),
                Some(Place::Outbox(bucket) | Place::DeadLetters(bucket)) => self.look_at_mails_of(bucket, key).await?,
                Some(Place::Events(home, ..)) => logs.push(LogSubject(key.clone(), Some(home))),
                Some(Place::ServiceEvents(..) | Place::FailuresOfNobody(_)) => logs.push(LogSubject(key.clone(), None)),
                // What it was made with was read when the store was opened. Totals are counted when all users were looked at.
                Some(Place::Meta | Place::Totals(_) | Place::Admins(_) | Place::Roles(_) | Place::Deleted(_)) => {}
                None => {
                    self.report.summary.unknown += 1;
                    (self.report.tell)(AuditEvent::Unknown(key));
                }
            }
        }
        let summary = &mut self.report.summary;
        summary.users += count(&users);
        summary.claims += count(&claims);
        summary.sessions += count(&sessions);
        self.suspects.users.look(self.accounts, users).await?;
        self.suspects.claims.look(self.accounts, claims).await?;
        self.suspects.sessions.look(self.accounts, sessions).await?;
        self.suspects.keys.look(self.accounts, readable).await?;
        self.suspects.api_keys.look(self.accounts, api_keys).await?;
        self.suspects.mails.look(self.accounts, mails).await?;
        self.suspects.logs.look(self.accounts, logs).await?;
        self.look_at_sessions_of(homes).await?;
        self.settle(false).await
    }

    async fn look_at_index_of_api_keys(&mut self, index: &Key) -> Result<(), Error> {
        let accounts = self.accounts;
        let mut members = accounts.store.members(index);
        while let Some(page) = self.next_members(index, members.try_next().await)? {
            self.report.summary.entries += count(&page);
            self.suspects.api_keys.look(accounts, page.into_iter().map(ApiKeySubject).collect()).await?;
        }
        Ok(())
    }

    async fn look_at_mails_of(&mut self, bucket: Bucket, index: &Key) -> Result<(), Error> {
        let accounts = self.accounts;
        let mut members = accounts.store.members(index);
        while let Some(page) = self.next_members(index, members.try_next().await)? {
            self.report.summary.entries += count(&page);
            let mails = page.into_iter().map(|member| MailSubject(bucket, member)).collect();
            self.suspects.mails.look(accounts, mails).await?;
            self.settle(false).await?;
        }
        Ok(())
    }

    /// Looks at the indexes of the sessions of some people. Most are small, so a page of each of many is read at once.
    async fn look_at_sessions_of(&mut self, homes: Vec<Home>) -> Result<(), Error> {
        let accounts = self.accounts;
        let mut entries = Vec::new();
        for homes in homes.chunks(AT_ONCE) {
            let walk = |home: &Home| {
                let index = home.key(&home.sessions());
                (*home, accounts.store.members(&index), index)
            };
            let mut walks = homes.iter().map(walk).collect::<Vec<_>>();
            while !walks.is_empty() {
                let pages = join_all(walks.iter_mut().map(|(_, members, _)| members.try_next())).await;
                let mut unfinished = Vec::new();
                for (walk, page) in walks.into_iter().zip(pages) {
                    if let Some(page) = self.next_members(&walk.2, page)? {
                        entries.extend(page.into_iter().map(|member| SessionEntry(walk.0, member)));
                        unfinished.push(walk);
                    }
                }
                walks = unfinished;
                if entries.len() >= CHUNK {
                    self.look_at_session_entries(std::mem::take(&mut entries)).await?;
                }
            }
        }
        self.look_at_session_entries(entries).await
    }

    async fn look_at_session_entries(&mut self, entries: Vec<SessionEntry>) -> Result<(), Error> {
        self.report.summary.entries += count(&entries);
        self.suspects.session_entries.look(self.accounts, entries).await?;
        self.settle(false).await
    }

    /// The next members of an index. One that is no index is a fault, and has no members.
    fn next_members(
        &mut self,
        index: &Key,
        page: Result<Option<Vec<String>>, ReadError>,
    ) -> Result<Option<Vec<String>>, Error> {
        match readable(page)? {
            Ok(page) => Ok(page),
            Err(why) => {
                self.report.add(&Fault::Unreadable { key: index.clone(), why }, Outcome::Left(NOT_SAFE));
                Ok(None)
            }
        }
    }

    /// Looks again at suspects, where there are many, or at `all`.
    async fn settle(&mut self, all: bool) -> Result<(), Error> {
        let Self { accounts, report, suspects, unclaimed } = self;
        suspects.users.settle(accounts, all, report, unclaimed).await?;
        suspects.claims.settle(accounts, all, report, unclaimed).await?;
        suspects.sessions.settle(accounts, all, report, unclaimed).await?;
        suspects.session_entries.settle(accounts, all, report, unclaimed).await?;
        suspects.entries.settle(accounts, all, report, unclaimed).await?;
        suspects.keys.settle(accounts, all, report, unclaimed).await?;
        suspects.api_keys.settle(accounts, all, report, unclaimed).await?;
        suspects.mails.settle(accounts, all, report, unclaimed).await?;
        suspects.logs.settle(accounts, all, report, unclaimed).await?;
        suspects.totals.settle(accounts, all, report, unclaimed).await
    }

    /// Counts every bucket whose users are all known.
    async fn look_at_totals(&mut self) -> Result<(), Error> {
        let mut wrong = Vec::new();
        for bucket in Bucket::all() {
            let is_countable = !self.report.uncountable.contains(&bucket);
            match if is_countable { self.accounts.look_at_totals(bucket).await? } else { None } {
                None => self.report.summary.uncounted += 1,
                Some(found) if found.is_empty() => {}
                Some(_) => wrong.push(Totals(bucket)),
            }
        }
        self.suspects.totals.look(self.accounts, wrong).await
    }

    async fn finish(mut self) -> Result<AuditSummary, Error> {
        self.settle(true).await?;
        self.look_at_totals().await?;
        self.settle(true).await?;
        self.unclaimed.settle(self.accounts, &mut self.report).await?;
        Ok(self.report.summary)
    }
}

/// Why something is left for which there is no cure.
const NOT_SAFE: &str = "no repair is safe";

fn count<T>(things: &[T]) -> u64 {
    u64::try_from(things.len()).unwrap_or(u64::MAX)
}
