//! Dates and years: `1815-12-10`, `10.12.15`, `10121815`, `1999`.

use super::cover::{Found, Pattern};

/// Years that a date may have.
const YEARS: std::ops::RangeInclusive<i16> = 1000..=2050;
/// At least so many years are tried.
const LEAST_YEARS: f64 = 20.0;

/// Every date and every year of this century and the last one. `now` is the year that people's years are near to.
pub(super) fn find(text: &[char], now: i16) -> Vec<Found> {
    let mut found = Vec::new();
    for from in 0..text.len() {
        for length in 4..=10 {
            let Some(part) = text.get(from..from + length) else { break };
            let to = from + length;
            if let Some(year) = recent_year(part) {
                found.push(Found { from, to, guesses: years(year, now), pattern: Pattern::Year });
            }
            let separated = with_separators(part).map(|year| (year, 4.0));
            if let Some((year, ways)) = separated.or_else(|| without_separators(part, now).map(|year| (year, 1.0))) {
                found.push(Found { from, to, guesses: years(year, now) * 365.0 * ways, pattern: Pattern::Date });
            }
        }
    }
    found
}

fn years(year: i16, now: i16) -> f64 {
    f64::from(year.abs_diff(now)).max(LEAST_YEARS)
}

fn recent_year(text: &[char]) -> Option<i16> {
    number(text).filter(|year| text.len() == 4 && (1900..2100).contains(year))
}

/// A number of one to four digits.
fn number(text: &[char]) -> Option<i16> {
    let digit = |c: &char| c.to_digit(10).and_then(|digit| i16::try_from(digit).ok());
    if !(1..=4).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |number, c| Some(number * 10 + digit(c)?))
}

fn with_separators(text: &[char]) -> Option<i16> {
    let is_separator = |c: &char| c.is_whitespace() || matches!(c, '/' | '\\' | '_' | '.' | '-');
    let mut parts = text.split(is_separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let mut separators = text.iter().filter(|c| is_separator(c));
    if parts.next().is_some() || second.len() > 2 || separators.next() != separators.next() {
        return None;
    }
    year_of(number(first)?, number(second)?, number(third)?)
}

/// The year nearest to now of the dates that four to eight digits can be.
fn without_separators(text: &[char], now: i16) -> Option<i16> {
    let splits: &[(usize, usize)] = match text.len() {
        4 => &[(1, 2), (2, 3)],
        5 => &[(1, 3), (2, 3)],
        6 => &[(1, 2), (2, 4), (4, 5)],
        7 => &[(1, 3), (2, 3), (4, 5), (4, 6)],
        8 => &[(2, 4), (4, 6)],
        _ => return None,
    };
    let split = |&(one, two): &(usize, usize)| {
        year_of(number(text.get(..one)?)?, number(text.get(one..two)?)?, number(text.get(two..)?)?)
    };
    splits.iter().filter_map(split).min_by_key(|year| year.abs_diff(now))
}

/// The year of a date in these three numbers, which is the first of them or the last one.
fn year_of(first: i16, second: i16, third: i16) -> Option<i16> {
    let is_sane = |number: &i16| (0..=99).contains(number) || YEARS.contains(number);
    if ![first, second, third].iter().all(is_sane) {
        return None;
    }
    let ways = [(third, first, second), (first, second, third)];
    let is_day = |a: i16, b: i16| [(a, b), (b, a)].iter().any(|(d, m)| (1..=31).contains(d) && (1..=12).contains(m));
    if let Some((year, a, b)) = ways.iter().find(|(year, ..)| YEARS.contains(year)) {
        return is_day(*a, *b).then_some(*year);
    }
    let (year, ..) = ways.iter().find(|(_, a, b)| is_day(*a, *b))?;
    Some(if *year > 99 { *year } else { year + if *year > 50 { 1900 } else { 2000 } })
}
