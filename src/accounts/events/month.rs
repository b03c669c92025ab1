//! Months (UTC): each has a log of its own.

use std::{fmt, str::FromStr, time::Duration};

use crate::accounts::clock::Timestamp;

/// The longest that events may be kept.
const LONGEST: Duration = Duration::from_secs(730 * 24 * 60 * 60);

/// How far clocks may differ.
const SPARE: Duration = Duration::from_secs(24 * 60 * 60);

/// A month of a year. As text it is `yyyy-mm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::accounts) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    pub(in crate::accounts) fn of(at: Timestamp) -> Self {
        let (year, month) = at.year_and_month();
        Self { year, month }
    }

    /// From this month back to the one of `oldest`, this one first.
    pub(super) fn back_to(self, oldest: Timestamp) -> impl Iterator<Item = Self> {
        let last = Self::of(oldest);
        std::iter::successors(Some(self), |month| Some(month.before())).take_while(move |month| *month >= last)
    }

    /// Every month that there can be a log of, whatever the operator has set since it was written.
    pub(super) fn all(now: Timestamp) -> impl Iterator<Item = Self> {
        Self::of(now.plus(SPARE)).back_to(now.minus(LONGEST).minus(SPARE))
    }

    fn before(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// This is no month.
#[derive(Debug)]
pub(in crate::accounts) struct InvalidMonth;

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let read = || {
            let (year, month) = text.split_once('-')?;
            let month = Self { year: year.parse().ok()?, month: month.parse().ok()? };
            ((1..=12).contains(&month.month) && month.to_string() == text).then_some(month)
        };
        read().ok_or(InvalidMonth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(months: impl Iterator<Item = Month>) -> Vec<String> {
        months.map(|month| month.to_string()).collect()
    }

    #[test]
    fn months_go_back_over_the_turn_of_a_year() {
        let [now, oldest] = ["2026-02-28T23:59:59.999Z", "2025-11-30T23:59:59.999Z"].map(|at| at.parse().unwrap());
        assert_eq!(texts(Month::of(now).back_to(oldest)), ["2026-02", "2026-01", "2025-12", "2025-11"]);
        assert_eq!(texts(Month::of(oldest).back_to(now)), [""; 0]);
    }

    #[test]
    fn every_month_of_two_years_is_one_that_may_have_a_log() {
        let all = texts(Month::all("2026-11-30T12:00:00Z".parse().unwrap()));
        assert_eq!(all.first().unwrap(), "2026-12");
        assert_eq!(all.last().unwrap(), "2024-11");
        assert_eq!(all.len(), 26);
    }

    #[test]
    fn a_month_is_read_in_the_one_form_that_it_is_written_in() {
        assert_eq!("2026-01".parse::<Month>().unwrap().to_string(), "2026-01");
        for bad in ["", "2026", "2026-1", "2026-13", "2026-00", "02026-01", "2026-01-01", "+026-01"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}
