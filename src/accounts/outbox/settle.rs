//! Taking an entry, and noting what came of it.

use std::time::Duration;

use super::{
    MOURNING, MailId, PATIENCE,
    entry::{self, Entry, enqueue},
    pending::{Due, millis},
};
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{Bucket, dead_letters, mail, outbox},
        user::Stored,
    },
    mail::SendError,
    store::{Batch, CommitError, EXPIRY_GRACE, Expectation},
};

/// How long after the first try the second is, when that is worth one. Each pause is twice the one before it.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// As many dead letters whose time is over leave their index with each new one.
const FORGOTTEN: usize = 20;

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// What came of an entry that was taken.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was sent.
    Sent,
    /// Nobody needs it any more.
    Moot,
    /// It was not sent.
    Failed(SendError),
}

impl Accounts {
    /// Takes an entry for so long, if it is due and nobody else does. What is no entry is put out of the way of the others.
    pub(super) async fn take_mail(&self, due: &Due, lease: Duration) -> Result<Option<Stored<Entry>>, Error> {
        let now = self.clock.now();
        let Due { bucket, member, .. } = due;
        let mut batch = Batch::new(bucket.slot());
        let found = match member.parse::<MailId>() {
            Ok(id) => self.find_mail(*bucket, id).await.map(|found| (id, found)),
            Err(_) => Err(Error::Corrupt("it has no id".to_owned())),
        };
        let taken = match found {
            Ok((id, Some(found))) if found.value.dead_at.is_none() => {
                let Stored { value: mut entry, revision } = found;
                if entry.due_at > now {
                    return Ok(None);
                }
                entry.due_at = now.plus(lease);
                entry.attempts += 1;
                batch.expect(mail(id), Expectation::Revision(revision));
                enqueue(&mut batch, &entry);
                Some(entry)
            }
            Ok((id, ended)) => {
                let expected = ended.map_or(Expectation::Absent, |dead| Expectation::Revision(dead.revision));
                batch.expect(mail(id), expected).remove(outbox(), member);
                None
            }
            Err(Error::Corrupt(why)) => {
                tracing::error!(mail.id = member, why, "a mail cannot be read, `latchkey check` names its record");
                batch.add(outbox(), member, now.plus(LONGEST_PAUSE).as_millis());
                None
            }
            Err(e) => return Err(e),
        };
        match self.store.commit(batch).await {
            Ok(revision) => Ok(taken.map(|value| Stored { value, revision })),
            Err(CommitError::Conflict) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) async fn find_mail(&self, bucket: Bucket, id: MailId) -> Result<Option<Stored<Entry>>, Error> {
        let Some(found) = self.store.get(&bucket.slot().key(&mail(id))).await? else { return Ok(None) };
        Ok(Some(Stored { value: entry::read(id, &found)?, revision: found.revision }))
    }

    /// Notes what came of an entry that was taken, unless that is noted already, or the lease was over and somebody else has
    /// it.
    pub(super) async fn settle_mail(
        &self,
        bucket: Bucket,
        taken: &Stored<Entry>,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut entry = taken.value.clone();
        let mut batch = Batch::new(bucket.slot());
        batch.expect(mail(entry.id), Expectation::Revision(taken.revision));
        let dies = match outcome {
            Outcome::Sent | Outcome::Moot => {
                batch.delete(mail(entry.id)).remove(outbox(), entry.id.to_string());
                None
            }
            Outcome::Failed(SendError::Permanent(why)) => Some(why),
            Outcome::Failed(SendError::Temporary(why)) => {
                let again = now.plus(pause(entry.attempts));
                if again <= entry.created_at.plus(PATIENCE) {
                    entry.due_at = again;
                    entry.last_error = Some(why.clone());
                    enqueue(&mut batch, &entry);
                    None
                } else {
                    Some(why)
                }
            }
        };
        let is_given_up = dies.is_some();
        if let Some(why) = dies {
            entry.last_error = Some(why.clone());
            entry.dead_at = Some(now);
            let until = now.plus(MOURNING).as_millis();
            batch.put_until(mail(entry.id), entry::write(&entry), until);
            batch.remove(outbox(), entry.id.to_string());
            batch.add(dead_letters(), entry.id.to_string(), now.as_millis());
            self.forget_dead_letters(bucket, &mut batch).await?;
        }
        match self.store.commit(batch).await {
            Ok(_) => {
                if is_given_up {
                    self.metrics.mails_given_up.of(entry.kind).add_one();
                }
                Ok(())
            }
            Err(CommitError::Conflict) => Ok(()),
            // It must not be sent again when there is room. What is left of it in the index leads nowhere.
            Err(CommitError::Full) if matches!(outcome, Outcome::Sent) => {
                Ok(self.store.discard(&bucket.slot(), &[mail(taken.value.id)]).await?)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Adds to `batch` that some of those leave the index whose records have expired.
    async fn forget_dead_letters(&self, bucket: Bucket, batch: &mut Batch) -> Result<(), Error> {
        let index = bucket.slot().key(&dead_letters());
        let gone = self.clock.now().as_millis().saturating_sub(millis(MOURNING + EXPIRY_GRACE));
        for member in self.store.range(&index, i64::MIN..=gone, FORGOTTEN).await? {
            batch.remove(dead_letters(), member);
        }
        Ok(())
    }
}

/// How long to wait after so many tries.
fn pause(attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
