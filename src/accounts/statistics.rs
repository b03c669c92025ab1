//! The figures of the service: how many users there are, how many use it, and what happened day by day.
//!
//! They are counted in the commits that change them, so they are exact, but for failed sign-ins: these are counted behind
//! the answers, and those that are too many at once in one instance, or that meet a store that does not answer, are not
//! counted. The figures of different buckets are not read at one moment.

use std::time::Duration;

use super::{
    Accounts,
    authority::Authority,
    capability::Capability,
    clock::Timestamp,
    error::Error,
    keys::{self, Bucket},
    records::{Reader, parsed},
};
use crate::store::Record;

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

impl Statistics {
    /// The bound on the number of days.
    pub const MAX_DAYS: u32 = 90;
}

impl Accounts {
    /// The figures of the service, with those of so many days: 1 to [`Statistics::MAX_DAYS`].
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`], and the errors of the store.
    pub async fn statistics(&self, by: &Authority, days: u32) -> Result<Statistics, Error> {
        by.needs(Capability::ReadStatistics)?;
        let now = self.clock.now();
        let of_all = |name| Bucket::all().map(|bucket| bucket.slot().key(&name)).collect::<Vec<_>>();
        let (created, active, totals) = (of_all(keys::created()), of_all(keys::active()), of_all(keys::totals()));
        let active_since = async |days: u32| {
            let since = now.minus(DAY * days).as_millis();
            Ok::<_, Error>(self.store.count(&active, since..=i64::MAX).await?.into_iter().sum())
        };
        let mut figures = Vec::new();
        for back in 0..days {
            figures.push(self.figures_of(now.minus(DAY * back)).await?);
        }
        Ok(Statistics {
            users: self.store.count(&created, i64::MIN..=i64::MAX).await?.into_iter().sum(),
            verified: sum(&self.store.get_many(&totals).await?, keys::VERIFIED)?,
            active_1d: active_since(1).await?,
            active_7d: active_since(7).await?,
            active_30d: active_since(30).await?,
            days: figures,
        })
    }

    async fn figures_of(&self, day: Timestamp) -> Result<DayFigures, Error> {
        let keys = Bucket::all().map(|bucket| bucket.slot().key(&keys::day(day))).collect::<Vec<_>>();
        let records = self.store.get_many(&keys).await?;
        Ok(DayFigures {
            date: day.date(),
            registrations: sum(&records, keys::REGISTRATIONS)?,
            sign_ins: sum(&records, keys::SIGN_INS)?,
            sign_in_failures: sum(&records, keys::SIGN_IN_FAILURES)?,
        })
    }
}

/// The sum of one field over the buckets.
fn sum(records: &[Option<Record>], field: &str) -> Result<u64, Error> {
    let counts = records.iter().flatten().map(|record| Reader(record).optional(field, parsed::<i64>));
    let sum = counts.map(|count| count.map(Option::unwrap_or_default)).sum::<Result<i64, _>>()?;
    Ok(u64::try_from(sum).unwrap_or(0))
}
