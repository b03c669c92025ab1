//! Mails in the outbox: whether each can be read, and stands in the one index where it belongs. One that does not would never
//! be sent, or nobody would see that it was given up.

use super::{
    fault::Fault,
    read::parsed,
    subject::{Cure, Found, Subject},
};
use crate::{
    accounts::{
        Accounts,
        clock::Timestamp,
        error::Error,
        keys::{self, Bucket},
        outbox::{Entry, MOURNING, MailId, entry},
        user::{Stored, id_of_entry},
    },
    store::{Batch, Expectation, Name},
};

/// The id of a mail, or whatever else stands in an index of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MailSubject(pub(super) Bucket, pub(super) String);

impl MailSubject {
    fn id(&self) -> Option<MailId> {
        id_of_entry(&self.1)
    }

    /// What is no id leads to nothing, as this one does.
    fn name(&self) -> Name {
        self.id().map_or_else(|| Name::new("mail:"), keys::mail)
    }

    fn judge(
        &self,
        found: Option<Stored<Entry>>,
        queued: Option<i64>,
        dead: Option<i64>,
        now: Timestamp,
    ) -> Vec<Found> {
        let slot = self.0.slot();
        let expected = found.as_ref().map_or(Expectation::Absent, |found| Expectation::Revision(found.revision));
        let (due, died) = match found.map(|found| found.value) {
            None => (None, None),
            Some(Entry { dead_at: None, due_at, .. }) => (Some(due_at), None),
            Some(Entry { dead_at, .. }) => (None, dead_at),
        };
        // A record expires, and what leads to it goes when the next mail is given up.
        let is_past = |at: i64| due.or(died).is_none() && Timestamp::from_millis(at).plus(MOURNING) <= now;
        let dead = dead.filter(|at| !is_past(*at));
        let mut all = Vec::new();
        for (index, actual, wanted) in [(keys::outbox(), queued, due), (keys::dead_letters(), dead, died)] {
            let wanted = wanted.map(Timestamp::as_millis);
            if actual == wanted {
                continue;
            }
            let mut batch = Batch::new(slot.clone());
            batch.expect(self.name(), expected);
            let fault = match (wanted, self.id()) {
                (Some(score), Some(id)) => {
                    batch.add(index, &self.1, score);
                    Fault::UnlistedMail { id }
                }
                (_, id) => {
                    let fault = Fault::DanglingMail { index: slot.key(&index), id };
                    batch.remove(index, &self.1);
                    fault
                }
            };
            all.push(Found::new(fault, Cure::Commit(batch)));
        }
        all
    }
}

impl Subject for MailSubject {
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let keys = subjects.iter().map(|subject| subject.0.slot().key(&subject.name())).collect::<Vec<_>>();
        let reads = accounts.read_records(&keys).await?;
        // After the records: a mail and its entry change together.
        let members = async |index: Name| {
            let members = subjects.iter().map(|subject| (subject.0.slot().key(&index), subject.1.clone()));
            accounts.read_scores(&members.collect::<Vec<_>>()).await
        };
        let (queued, dead) = (members(keys::outbox()).await?, members(keys::dead_letters()).await?);
        let now = accounts.clock.now();
        let judged = subjects.iter().zip(reads).zip(queued.into_iter().zip(dead));
        let judged = judged.map(|((subject, read), scores)| {
            let read = match subject.id() {
                Some(id) => parsed(read, |record| entry::read(id, record)),
                None => Ok(None),
            };
            match (read, scores) {
                (Err(why), _) => vec![Found::unreadable(subject.0.slot().key(&subject.name()), why)],
                (Ok(found), (Ok(queued), Ok(dead))) => subject.judge(found, queued, dead, now),
                // An index that cannot be read is reported by itself.
                (Ok(_), _) => Vec::new(),
            }
        });
        Ok(judged.collect())
    }
}
