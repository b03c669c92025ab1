//! What is in the outbox: what is due, and how much there is.

use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::{
    accounts::{
        Accounts,
        clock::Timestamp,
        keys::{Bucket, dead_letters, outbox},
    },
    store::{Key, ReadError, Store},
};

/// As many buckets are asked at once. Each question of the embedded store takes a thread.
const AT_ONCE: usize = 4;

/// As many mails of a bucket are looked at at once.
const PAGE: usize = 250;

/// A mail that was asked for so long ago is old.
const MINUTE: Duration = Duration::from_secs(60);

/// An entry of the index of mails that are to be sent, at its time.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) bucket: Bucket,
    /// The id of a mail, or whatever else stands there.
    pub(super) member: String,
    /// Whether it was asked for more than a [`MINUTE`] ago.
    pub(super) is_old: bool,
}

/// How many mails there are, and whether they go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Those that are to be sent.
    pub queued: usize,
    /// When the one that has been due for longest was due, if one is.
    pub due_since: Option<Timestamp>,
    /// Those that were given up, in the last 30 days.
    pub dead: usize,
}

impl Pending {
    /// Counts what is in the outbox of a store.
    ///
    /// # Errors
    /// [`ReadError`] when the store does not answer, or an index cannot be read.
    pub(in crate::accounts) async fn count(store: &Store, now: Timestamp) -> Result<Self, ReadError> {
        let (outboxes, dead) = (Bucket::keys(&outbox()), Bucket::keys(&dead_letters()));
        let since = now.as_millis().saturating_sub(millis(super::MOURNING));
        let queued = store.count(&outboxes, &[i64::MIN]).await?.concat();
        let dead = store.count(&dead, &[since]).await?.concat();
        let used = outboxes.into_iter().zip(queued.clone()).filter(|(_, queued)| *queued > 0);
        let first = used.map(|(outbox, _)| first_due(store, outbox, now)).collect::<Vec<_>>();
        let first = stream::iter(first).buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
        let first = first.into_iter().flatten().collect::<Vec<_>>();
        let due = store.scores(&first).await?;
        let due_since = due.into_iter().flatten().min().map(Timestamp::from_millis);
        let sum = |counts: Vec<u64>| usize::try_from(counts.into_iter().sum::<u64>()).unwrap_or(usize::MAX);
        Ok(Self { queued: sum(queued), due_since, dead: sum(dead) })
    }
}

/// The entry of an index that has been due for longest, if one is.
async fn first_due(store: &Store, outbox: Key, now: Timestamp) -> Result<Option<(Key, String)>, ReadError> {
    let first = store.range(&outbox, i64::MIN..=now.as_millis(), 1).await?;
    Ok(first.into_iter().next().map(|member| (outbox, member)))
}

impl Accounts {
    /// The mails that are due, some of each bucket, the newest first, and why others are not known, if so: a part of the
    /// store that cannot be read does not keep the rest from being sent.
    pub(super) async fn due_mails(&self) -> (Vec<Due>, Option<ReadError>) {
        let now = self.clock.now().as_millis();
        // An id begins with its time (RFC 9562, 5.7).
        let young = now.saturating_sub(millis(MINUTE));
        let young = format!("{:08x}-{:04x}", young >> 16, young & 0xffff);
        let of_bucket = async |bucket: Bucket| {
            let due = self.store.range(&bucket.slot().key(&outbox()), i64::MIN..=now, PAGE).await?;
            let due = due.into_iter().map(|member| Due { bucket, is_old: member < young, member });
            Ok(due.collect::<Vec<_>>())
        };
        let (mut all, mut error) = (Vec::new(), None);
        let mut buckets = stream::iter(Bucket::all()).map(of_bucket).buffered(AT_ONCE);
        while let Some(due) = buckets.next().await {
            match due {
                Ok(due) => all.extend(due),
                Err(e) => error = Some(e),
            }
        }
        all.sort_unstable_by(|one, other| other.member.cmp(&one.member));
        (all, error)
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
