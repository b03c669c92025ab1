//! Passwords as people type them, and which of them may be chosen. What is kept of them is made in
//! [`hashing`](super::hashing).

mod policy;
mod strength;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub(super) use self::policy::Chooser;
pub use self::{
    policy::{PasswordSettings, UnfitPassword},
    strength::Advice,
};

/// A password that somebody gives to prove who they are: any text, in NFC (NIST SP 800-63B, 3.1.1.2), wiped on drop.
#[derive(Clone)]
pub struct Password {
    composed: Zeroizing<String>,
    /// What was typed, if that is another text.
    typed: Option<Zeroizing<String>>,
}

impl Password {
    /// Takes what was typed.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        // Room for the longest form at once: a string that grows leaves pieces of the password behind.
        let mut composed = Zeroizing::new(String::with_capacity(3 * typed.len()));
        composed.extend(typed.nfc());
        let typed = (composed.as_str() != typed).then(|| Zeroizing::new(typed.to_owned()));
        Self { composed, typed }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.composed.as_bytes()
    }

    /// What was typed, if that is not what [`Password::as_bytes`] is.
    pub(super) fn as_typed(&self) -> Option<&[u8]> {
        self.typed.as_ref().map(|typed| typed.as_bytes())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password of the form that a new one must have: 8 to 256 code points in NFC, and no rule about which (NIST SP
/// 800-63B, 3.1.1.2). The [policy](PasswordSettings) may ask for more.
#[derive(Clone, Debug)]
pub struct NewPassword(Password);

/// The text may not be chosen as a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Too short to be safe.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// Longer than is accepted.
    #[error("must have at most {} characters", NewPassword::MAX)]
    TooLong,
}

impl NewPassword {
    /// The least number of code points.
    pub const MIN: usize = 8;
    /// The greatest number of code points.
    pub const MAX: usize = 256;

    /// Takes what was typed.
    ///
    /// # Errors
    /// [`InvalidPassword`] when it is too short or too long.
    pub fn parse(typed: &str) -> Result<Self, InvalidPassword> {
        let password = Password::new(typed);
        match password.composed.chars().count() {
            ..Self::MIN => Err(InvalidPassword::TooShort(Self::MIN)),
            Self::MIN..=Self::MAX => Ok(Self(password)),
            _ => Err(InvalidPassword::TooLong),
        }
    }

    /// The password, for hashing it or checking it against a hash.
    pub(super) fn to_password(&self) -> Password {
        self.0.clone()
    }

    fn as_str(&self) -> &str {
        &self.0.composed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_counts_code_points_after_normalisation() {
        assert!(NewPassword::parse(&"\u{1f511}".repeat(8)).is_ok());
        assert_eq!(NewPassword::parse("e\u{301}".repeat(7).as_str()).unwrap_err(), InvalidPassword::TooShort(8));
        assert!(NewPassword::parse(&"a".repeat(256)).is_ok());
        assert_eq!(NewPassword::parse(&"a".repeat(257)).unwrap_err(), InvalidPassword::TooLong);
    }

    #[test]
    fn two_ways_to_type_it_are_one_password() {
        assert_eq!(Password::new("caf\u{e9}").as_bytes(), Password::new("cafe\u{301}").as_bytes());
    }

    #[test]
    fn it_is_not_shown() {
        assert_eq!(format!("{:?}", NewPassword::parse("correct horse").unwrap()), "NewPassword(Password(…))");
    }
}
