//! Time, as a parameter: rules about expiry are tested by moving the clock.

use std::{fmt, str::FromStr, time::Duration};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// A moment, to the millisecond. As text it is RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    #[cfg(test)]
    pub(super) const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The moment this many milliseconds after the Unix epoch, or the nearest one that a calendar has.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let nearest = if millis < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        Self(jiff::Timestamp::from_millisecond(millis).unwrap_or(nearest))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The year of it, in UTC.
    #[must_use]
    pub fn year(self) -> i16 {
        self.0.to_zoned(jiff::tz::TimeZone::UTC).year()
    }

    /// The year and the month of it, in UTC.
    pub(super) fn year_and_month(self) -> (i16, i8) {
        let date = self.0.to_zoned(jiff::tz::TimeZone::UTC).date();
        (date.year(), date.month())
    }

    /// The day of it, in UTC, as `yyyy-mm-dd`.
    #[must_use]
    pub fn date(self) -> String {
        self.0.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    }

    /// How long it is from this moment to a later one.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.as_millis().saturating_sub(self.as_millis())).unwrap_or(0))
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.as_millis().saturating_sub(millis))
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.as_millis().saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|t| Self::from_millis(t.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_rfc_3339_in_utc_to_the_millisecond_and_back() {
        let text = Timestamp::from_millis(1_700_000_000_120).to_string();
        assert_eq!(text, "2023-11-14T22:13:20.120Z");
        assert_eq!(text.parse::<Timestamp>().unwrap().as_millis(), 1_700_000_000_120);
    }

    #[test]
    fn nothing_leaves_the_calendar() {
        let [past, future] = [i64::MIN, i64::MAX].map(Timestamp::from_millis);
        assert_eq!((past.year(), future.year()), (-9999, 9999));
        assert_eq!((past.minus(Duration::MAX), future.plus(Duration::MAX)), (past, future));
    }

    #[test]
    fn a_day_and_a_month_are_those_in_utc() {
        let eve = Timestamp::from_millis(1_767_225_599_999);
        assert_eq!((eve.date().as_str(), eve.year_and_month()), ("2025-12-31", (2025, 12)));
        let next = eve.plus(Duration::from_millis(1));
        assert_eq!((next.date().as_str(), next.year(), next.year_and_month()), ("2026-01-01", 2026, (2026, 1)));
    }

    #[test]
    fn it_is_no_time_until_what_was_before() {
        let [noon, later] = [0, 1500].map(Timestamp::from_millis);
        assert_eq!((noon.until(later), later.until(noon)), (Duration::from_millis(1500), Duration::ZERO));
    }
}
