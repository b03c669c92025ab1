//! Taking an entry, and noting what came of it.

use std::time::Duration;

use super::{
    MOURNING, MailId, PATIENCE,
    entry::{self, Entry, enqueue},
};
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{Bucket, dead_letters, mail, outbox},
        user::Stored,
    },
    mail::SendError,
    store::{Batch, CommitError, Expectation},
};

/// How long after the first try the second is, when that is worth one. Each pause is twice the one before it.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

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
    /// Takes an entry for so long, if it is due and nobody else does.
    pub(super) async fn take_mail(
        &self,
        bucket: Bucket,
        id: MailId,
        lease: Duration,
    ) -> Result<Option<Stored<Entry>>, Error> {
        let now = self.clock.now();
        let Some(found) = self.store.get(&bucket.slot().key(&mail(id))).await? else { return Ok(None) };
        let mut entry = entry::read(id, &found)?;
        if entry.due_at > now || entry.dead_at.is_some() {
            return Ok(None);
        }
        entry.due_at = now.plus(lease);
        entry.attempts += 1;
        let mut batch = Batch::new(bucket.slot());
        batch.expect(mail(id), Expectation::Revision(found.revision));
        enqueue(&mut batch, &entry);
        match self.store.commit(batch).await {
            Ok(revision) => Ok(Some(Stored { value: entry, revision })),
            Err(CommitError::Conflict) => Ok(None),
            Err(e) => Err(e.into()),
        }
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
        if let Some(why) = dies {
            entry.last_error = Some(why.clone());
            entry.dead_at = Some(now);
            let until = now.plus(MOURNING).as_millis();
            batch.put_until(mail(entry.id), entry::write(&entry), until);
            batch.remove(outbox(), entry.id.to_string());
            batch.add(dead_letters(), entry.id.to_string(), now.as_millis());
        }
        match self.store.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}

/// How long to wait after so many tries.
fn pause(attempts: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_half_an_hour() {
        let seconds = (0..=9).map(|attempts| pause(attempts).as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds, [15, 15, 30, 60, 120, 240, 480, 960, 1800, 1800]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
