//! Hashes that other services made, so that people who come from there sign in with their password. The first sign-in
//! replaces the hash.
//!
//! What a record says it costs is bounded for each of them: a hostile record must not take all memory, or hours.

mod bcrypt;
mod firebase;
mod pbkdf2;
mod scrypt;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use self::{bcrypt::Bcrypt, firebase::Firebase, pbkdf2::Pbkdf2, scrypt::Scrypt};
use super::{bounds::Bounds, encoded::Unreadable};

/// A hash that is not of Argon2.
pub(super) enum Foreign {
    Bcrypt(Bcrypt),
    Firebase(Firebase),
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
}

impl Foreign {
    /// Whether it is the hash of this password. The comparison takes the same time wherever the two differ.
    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, Unreadable> {
        let equal = match self {
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Firebase(hash) => hash.matches(password)?,
            Self::Scrypt(hash) => hash.matches(password)?,
            Self::Pbkdf2(hash) => hash.matches(password),
        };
        // HMAC fills a password up with NULs, and to bcrypt a NUL ends it, and then it begins again: so another password
        // with a NUL has the same hash.
        Ok(equal && !password.contains(&0))
    }
}

impl Foreign {
    /// Whether what it costs is within these bounds.
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        match self {
            Self::Bcrypt(hash) => hash.is_within(bounds),
            Self::Firebase(hash) => hash.is_within(bounds),
            Self::Scrypt(hash) => hash.is_within(bounds),
            Self::Pbkdf2(hash) => hash.is_within(bounds),
        }
    }
}

impl FromStr for Foreign {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let hash = match text {
            text if text.starts_with("$2") => text.parse().map(Self::Bcrypt),
            text if text.starts_with("$fbscrypt$") => text.parse().map(Self::Firebase),
            text if text.starts_with("$scrypt$") => text.parse().map(Self::Scrypt),
            text => text.parse().map(Self::Pbkdf2),
        };
        hash.and_then(|hash: Self| if hash.is_within(&Bounds::MOST) { Ok(hash) } else { Err(Unreadable) })
    }
}

/// A number in decimal, without a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}
