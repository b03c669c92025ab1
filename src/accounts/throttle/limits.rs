//! How often something may be tried.

use std::{fmt, str::FromStr, time::Duration};

/// So many attempts in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Attempts: at least 1.
    pub attempts: u32,
    /// The time, in whole seconds: at least 1.
    pub window: Duration,
}

/// Several limits that all hold, so that whoever goes on trying waits ever longer; or none. As text it is `5/1m,20/1h`, or
/// `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(Vec<Limit>);

/// The text is no list of limits.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "attempts and the time for them are needed, up to four times with commas between them, such as 5/1m,20/1h; or none"
)]
pub struct InvalidLimits;

impl Limits {
    /// As many limits as hold at once.
    const MOST: usize = 4;
    /// The longest time of a limit.
    const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Limit> {
        self.0.iter().copied()
    }
}

impl FromStr for Limits {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let limits = text.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<Limit>, _>>()?;
        if limits.len() > Self::MOST { Err(InvalidLimits) } else { Ok(Self(limits)) }
    }
}

impl FromStr for Limit {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let (attempts, window) = text.split_once('/').ok_or(InvalidLimits)?;
        let attempts = attempts.parse().ok().filter(|attempts| *attempts >= 1).ok_or(InvalidLimits)?;
        let window = window.parse::<jiff::SignedDuration>().ok().and_then(|window| Duration::try_from(window).ok());
        let whole = |window: &Duration| window.subsec_nanos() == 0 && !window.is_zero() && *window <= Limits::LONGEST;
        Ok(Self { attempts, window: window.filter(whole).ok_or(InvalidLimits)? })
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (at, Limit { attempts, window }) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{attempts}/{}s", window.as_secs())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let limits = "5/1m, 20/1h".parse::<Limits>().unwrap();
        let minute = Limit { attempts: 5, window: Duration::from_secs(60) };
        let hour = Limit { attempts: 20, window: Duration::from_secs(3600) };
        assert_eq!(limits, Limits(vec![minute, hour]));
        assert_eq!(limits.to_string().parse::<Limits>().unwrap(), limits);
        assert_eq!("none".parse::<Limits>().unwrap(), Limits::default());
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in ["", "5", "5/", "/1m", "0/1m", "-1/1m", "5/0s", "5/1500ms", "5/-1m", "5/800h", "5/1m,", "none,5/1m"]
        {
            assert!(text.parse::<Limits>().is_err(), "{text}");
        }
        assert!("1/1s,1/2s,1/3s,1/4s".parse::<Limits>().is_ok());
        assert!("1/1s,1/2s,1/3s,1/4s,1/5s".parse::<Limits>().is_err());
    }
}
