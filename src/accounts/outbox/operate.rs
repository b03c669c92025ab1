//! What an operator sees of the outbox, and sends once more.

use super::{
    MailId,
    entry::{enqueue, read},
    pending::millis,
};
use crate::{
    accounts::{
        Accounts,
        clock::Timestamp,
        error::Error,
        keys::{Bucket, dead_letters, mail, outbox},
        user::{UserId, id_of_entry},
    },
    mail::LetterKind,
    store::{Batch, CommitError, Expectation},
};

/// A mail that was not sent yet.
#[derive(Clone, Debug)]
pub struct UnsentMail {
    /// Which.
    pub id: MailId,
    /// What it is about.
    pub kind: LetterKind,
    /// Whose act it comes from. What was asked for by address has none.
    pub user: Option<UserId>,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is tried.
    pub created_at: Timestamp,
    /// When it is tried next, or for how long an instance has it that is trying.
    pub due_at: Timestamp,
    /// When it was given up, if it was.
    pub dead_at: Option<Timestamp>,
    /// What the last try came to. It names no address.
    pub last_error: Option<String>,
}

impl Accounts {
    /// The mails that wait and those that were given up in the last 30 days, the oldest first, and how many there are beside
    /// them that cannot be read.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn unsent_mails(&self) -> Result<(Vec<UnsentMail>, usize), Error> {
        let (mut mails, mut unreadable) = (Vec::new(), 0);
        for bucket in Bucket::all() {
            let mut ids = self.dead_letters(bucket).await?;
            ids.extend(self.store.range(&bucket.slot().key(&outbox()), i64::MIN..=i64::MAX, usize::MAX).await?);
            let known = ids.iter().filter_map(|id| id_of_entry::<MailId>(id)).collect::<Vec<_>>();
            unreadable += ids.len() - known.len();
            let records = known.iter().map(|id| bucket.slot().key(&mail(*id))).collect::<Vec<_>>();
            for (id, record) in known.into_iter().zip(self.read_records(&records).await?) {
                match record.map(|record| record.map(|record| read(id, &record))) {
                    Ok(Some(Ok(entry))) => mails.push(UnsentMail {
                        id,
                        kind: entry.kind,
                        user: entry.user,
                        attempts: entry.attempts,
                        created_at: entry.created_at,
                        due_at: entry.due_at,
                        dead_at: entry.dead_at,
                        last_error: entry.last_error,
                    }),
                    Ok(None) => {} // it was sent meanwhile
                    Ok(Some(Err(_))) | Err(_) => unreadable += 1,
                }
            }
        }
        mails.sort_unstable_by_key(|mail| mail.id);
        Ok((mails, unreadable))
    }

    /// Lets a mail be tried again that was given up, or all of them, for as long as a new one. Answers how many.
    ///
    /// # Errors
    /// [`Error::Contended`], [`Error::StoreFull`] and [`Error::StoreUnavailable`]: some may be tried again then.
    pub async fn retry_mails(&self, only: Option<MailId>) -> Result<usize, Error> {
        let mut retried = 0;
        for bucket in Bucket::all() {
            let ids = match only {
                Some(id) => vec![id],
                None => self.dead_letters(bucket).await?.iter().filter_map(|id| id_of_entry(id)).collect(),
            };
            for id in ids {
                match self.retry_mail(bucket, id).await {
                    Ok(is_retried) => retried += usize::from(is_retried),
                    Err(Error::Corrupt(_)) => {} // the list counts those
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(retried)
    }

    async fn retry_mail(&self, bucket: Bucket, id: MailId) -> Result<bool, Error> {
        let mut retry = self.retry();
        loop {
            let found = self.find_mail(bucket, id).await?;
            let Some(mut found) = found.filter(|found| found.value.dead_at.is_some()) else { return Ok(false) };
            let now = self.clock.now();
            let entry = &mut found.value;
            (entry.attempts, entry.created_at, entry.due_at, entry.dead_at) = (0, now, now, None);
            let mut batch = Batch::new(bucket.slot());
            batch.expect(mail(id), Expectation::Revision(found.revision));
            batch.remove(dead_letters(), id.to_string());
            enqueue(&mut batch, entry);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(true),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    async fn dead_letters(&self, bucket: Bucket) -> Result<Vec<String>, Error> {
        let since = self.clock.now().as_millis().saturating_sub(millis(super::MOURNING));
        Ok(self.store.range(&bucket.slot().key(&dead_letters()), since..=i64::MAX, usize::MAX).await?)
    }
}
