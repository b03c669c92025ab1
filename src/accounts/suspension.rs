//! Suspending: a user who may not sign in for a while, or until further notice.

use std::{fmt, str::FromStr};

use super::{clock::Timestamp, profile, user::User};

/// That and why a user may not sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// Until when, if it ends by itself.
    pub until: Option<Timestamp>,
    /// Why, for those who run the service.
    pub reason: Option<SuspensionReason>,
}

impl User {
    /// Whether they may not sign in at this moment.
    #[must_use]
    pub fn is_suspended(&self, now: Timestamp) -> bool {
        self.suspension.as_ref().is_some_and(|suspension| suspension.until.is_none_or(|until| now < until))
    }
}

/// Why somebody is suspended: 1 to 200 characters, none of which controls what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspensionReason(String);

/// The text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters, something to see among them, and no control character")]
pub struct InvalidSuspensionReason;

impl SuspensionReason {
    /// The reason as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SuspensionReason {
    type Err = InvalidSuspensionReason;

    /// Reads a reason, without the space around it.
    fn from_str(text: &str) -> Result<Self, InvalidSuspensionReason> {
        let text = text.trim();
        if profile::is_one_line(text, 200) { Ok(Self(text.to_owned())) } else { Err(InvalidSuspensionReason) }
    }
}

impl fmt::Display for SuspensionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_checked_at_their_bounds() {
        assert_eq!(" spam, twice ".parse::<SuspensionReason>().unwrap().as_str(), "spam, twice");
        assert!("\u{e4}".repeat(200).parse::<SuspensionReason>().is_ok());
        for bad in ["", " ", "\u{200b}", "a\nb", "a\u{1b}[2J", &"a".repeat(201)] {
            assert_eq!(bad.parse::<SuspensionReason>(), Err(InvalidSuspensionReason), "{bad:?}");
        }
    }
}
