//! The figures of the service: how many users there are, how many use it, and what happened day by day.
//!
//! They are counted in the commits that change them, so they are exact, but for failed sign-ins: these are counted behind
//! the answers, and those that are too many at once in one instance, or that meet a store that does not answer, are not
//! counted. The figures of different buckets are not read at one moment.
//!
//! How many use the service is counted one by one in the embedded store. So those who ask at the same time share a count,
//! which began after each of them had asked.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::{sync::Mutex, time::Instant};

use super::{
    Accounts,
    authority::Authority,
    capability::Capability,
    clock::Timestamp,
    detached,
    error::Error,
    keys::{self, Bucket},
    records::{Reader, parsed},
};
use crate::store::{Fields, Key, Record, count, in_time};

/// How many days are read at once: each has a record in every bucket.
const AT_ONCE: usize = 8;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The figures of the service.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// How many users there are.
    pub users: u64,
    /// How many of them have a confirmed address.
    pub verified: u64,
    /// How many of them used a session within the last 24 hours.
    pub active_1d: u64,
    /// Within the last 7 days.
    pub active_7d: u64,
    /// Within the last 30 days.
    pub active_30d: u64,
    /// What happened on the last days (UTC), the latest first.
    pub days: Vec<DayFigures>,
}

/// What happened on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFigures {
    /// The day (UTC), as `yyyy-mm-dd`.
    pub date: String,
    /// Accounts that were made, but for those that were imported.
    pub registrations: u64,
    /// Sign-ins.
    pub sign_ins: u64,
    /// Attempts to sign in that failed, without those that were too many at once to be noted.
    pub sign_in_failures: u64,
}

/// The users who are active, as they were counted last, and when that began.
#[derive(Debug, Default)]
pub(super) struct LastCount(Mutex<Option<(Instant, [u64; 3])>>);

impl Statistics {
    /// The bound on the number of days.
    pub const MAX_DAYS: u32 = 90;
}

impl Accounts {
    /// The figures of the service, with those of so many days: 1 to [`Statistics::MAX_DAYS`].
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`], and the errors of the store.
    pub async fn statistics(self: &Arc<Self>, by: &Authority, days: u32) -> Result<Statistics, Error> {
        by.needs(Capability::ReadStatistics)?;
        let now = self.clock.now();
        let (created, totals) = (Bucket::keys(&keys::created()), Bucket::keys(&keys::totals()));
        let (accounts, active) = (Arc::clone(self), Bucket::keys(&keys::active()));
        // It goes on when the client has gone, and so must its turn.
        let [active_1d, active_7d, active_30d] =
            detached("count_active", async move { accounts.count_active(&active).await }).await?;
        let figures = (0..days).map(|back| self.figures_of(now.minus(DAY * back))).collect::<Vec<_>>();
        let figures = stream::iter(figures).buffered(AT_ONCE).try_collect().await?;
        Ok(Statistics {
            users: self.store.count(&created, &[i64::MIN]).await?.iter().flatten().sum(),
            verified: sum(&self.store.get_many(&totals).await?, keys::VERIFIED)?,
            active_1d,
            active_7d,
            active_30d,
            days: figures,
        })
    }

    /// How many users have used a session within the last day, 7 and 30 days.
    async fn count_active(&self, active: &[Key]) -> Result<[u64; 3], Error> {
        let asked = Instant::now();
        let mut last = in_time(self.last_count.0.lock()).await?;
        if let Some((_, counts)) = last.filter(|(begun, _)| *begun >= asked) {
            return Ok(counts);
        }
        let begun = Instant::now();
        let now = self.clock.now();
        let since = [1, 7, 30].map(|days| now.minus(DAY * days).as_millis());
        let mut counts = [0; 3];
        for of_bucket in self.store.count(active, &since).await? {
            counts.iter_mut().zip(of_bucket).for_each(|(count, more)| *count += more);
        }
        *last = Some((begun, counts));
        Ok(counts)
    }

    async fn figures_of(&self, day: Timestamp) -> Result<DayFigures, Error> {
        let keys = Bucket::keys(&keys::day(day));
        let records = self.store.get_many(&keys).await?;
        Ok(DayFigures {
            date: day.date(),
            registrations: sum(&records, keys::REGISTRATIONS)?,
            sign_ins: sum(&records, keys::SIGN_INS)?,
            sign_in_failures: sum(&records, keys::SIGN_IN_FAILURES)?,
        })
    }
}

/// The figures of a day with 0 in place of those that cannot be counted on. None where there are no such ones.
pub(super) fn mended(record: &Record) -> Option<Fields> {
    let mut fields = record.fields.clone();
    for name in [keys::REGISTRATIONS, keys::SIGN_INS, keys::SIGN_IN_FAILURES] {
        if let Some(figure) = fields.get_mut(name).filter(|figure| count(Some(figure), 1).is_err()) {
            "0".clone_into(figure);
        }
    }
    (fields != record.fields).then_some(fields)
}

/// The sum of one field over the buckets.
fn sum(records: &[Option<Record>], field: &str) -> Result<u64, Error> {
    let counts = records.iter().flatten().map(|record| Reader(record).optional(field, parsed::<i64>));
    let sum = counts.map(|count| count.map(Option::unwrap_or_default)).sum::<Result<i64, _>>()?;
    Ok(u64::try_from(sum).unwrap_or(0))
}
