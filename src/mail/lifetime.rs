//! How a letter says how long something is good.

use std::time::Duration;

/// Such as `30 minutes` in English, and with the symbols of the SI elsewhere, `30 min`, which are the same in all
/// languages. It is rounded down to whole units, so that nobody is promised more than there is. Only what is lost of
/// hours and days while a letter is written does not count: they are rounded to the next minute.
pub(super) fn spelled(lifetime: Duration, language: &str) -> String {
    let seconds = match lifetime.as_secs() {
        s if s >= 3600 - 30 => (s + 30) / 60 * 60,
        s => s,
    };
    let (number, unit, symbol) = match seconds {
        s if s >= 3 * 86400 || (s >= 2 * 86400 && s.is_multiple_of(86400)) => (s / 86400, "day", "d"),
        s if s >= 3 * 3600 || (s >= 3600 && s.is_multiple_of(3600)) => (s / 3600, "hour", "h"),
        s if s >= 60 => (s / 60, "minute", "min"),
        s => (s, "second", "s"),
    };
    if !language.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case("en")) {
        return format!("{number} {symbol}");
    }
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_told_in_the_largest_unit_that_fits() {
        for (seconds, english, symbols) in [
            (10, "10 seconds", "10 s"),
            (60, "1 minute", "1 min"),
            (119, "1 minute", "1 min"),
            (1800, "30 minutes", "30 min"),
            (3600, "1 hour", "1 h"),
            (5400, "90 minutes", "90 min"),
            (86400, "24 hours", "24 h"),
            (86400 - 2, "24 hours", "24 h"),
            (86400 - 31, "23 hours", "23 h"),
            (7 * 86400, "7 days", "7 d"),
            (7 * 86400 - 2, "7 days", "7 d"),
            (7 * 86400 - 60, "6 days", "6 d"),
        ] {
            assert_eq!(spelled(Duration::from_secs(seconds), "en-GB"), english);
            assert_eq!(spelled(Duration::from_secs(seconds), "de"), symbols);
        }
    }
}
