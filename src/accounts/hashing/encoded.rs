//! A password hash as text: what is stored.

use std::{fmt, str::FromStr, sync::Arc};

use super::argon2id::Argon2Hash;

/// A password hash as it is stored: a PHC string of Argon2id.
#[derive(Clone)]
pub(in crate::accounts) struct PasswordHash {
    text: String,
    method: Arc<Argon2Hash>,
}

impl PasswordHash {
    /// The text.
    #[must_use]
    pub(in crate::accounts) fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is computed.
    pub(super) fn method(&self) -> &Argon2Hash {
        &self.method
    }
}

/// The text is no password hash, or one that would cost more than a hash may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a password hash that can be checked")]
pub(in crate::accounts) struct Unreadable;

impl FromStr for PasswordHash {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        Ok(Self { text: text.to_owned(), method: Arc::new(text.parse()?) })
    }
}

impl From<Argon2Hash> for PasswordHash {
    fn from(hash: Argon2Hash) -> Self {
        Self { text: hash.to_string(), method: Arc::new(hash) }
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
