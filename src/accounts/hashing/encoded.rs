//! A password hash as text: what is stored.

use std::{fmt, str::FromStr, sync::Arc};

use super::{
    argon2_hash::{Argon2Hash, Today},
    bounds::Bounds,
    engine::Engine,
    foreign::Foreign,
};

/// A password hash as it is stored: a PHC string of Argon2id, or what another service made.
#[derive(Clone)]
pub(in crate::accounts) struct PasswordHash {
    text: String,
    method: Arc<Method>,
}

/// How a hash is computed, and what came of it.
pub(super) enum Method {
    Argon2(Argon2Hash),
    Foreign(Foreign),
}

impl PasswordHash {
    /// The text.
    #[must_use]
    pub(in crate::accounts) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there may be a password that it is the hash of.
    pub(in crate::accounts) fn is_usable(&self) -> bool {
        !matches!(&*self.method, Method::Argon2(hash) if hash.is_of_nobody())
    }

    /// Whether what it costs to check is within these bounds.
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        match &*self.method {
            Method::Argon2(hash) => hash.is_within(bounds),
            Method::Foreign(hash) => hash.is_within(bounds),
        }
    }

    /// How it is computed.
    pub(super) fn method(&self) -> &Method {
        &self.method
    }
}

impl Method {
    /// Whether it is the hash of this password.
    pub(super) fn matches(&self, password: &[u8], today: &Today, engine: &mut Engine) -> Result<bool, Unreadable> {
        match self {
            Self::Argon2(hash) => hash.matches(password, today, engine),
            Self::Foreign(hash) => hash.matches(password),
        }
    }

    /// Whether it is made as new ones are.
    pub(super) fn is_current(&self, today: &Today) -> bool {
        matches!(self, Self::Argon2(hash) if hash.is_current(today))
    }

    /// The id of the pepper that it was made with, when that is not there any more.
    pub(super) fn missing_pepper(&self, today: &Today) -> Option<String> {
        match self {
            Self::Argon2(hash) => hash.missing_pepper(today),
            Self::Foreign(_) => None,
        }
    }
}

/// The text is no password hash, or one that would cost more than a hash may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a password hash that can be checked")]
pub(in crate::accounts) struct Unreadable;

impl FromStr for PasswordHash {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let method =
            if text.starts_with("$argon2") { Method::Argon2(text.parse()?) } else { Method::Foreign(text.parse()?) };
        Ok(Self { text: text.to_owned(), method: Arc::new(method) })
    }
}

impl From<Argon2Hash> for PasswordHash {
    fn from(hash: Argon2Hash) -> Self {
        Self { text: hash.to_string(), method: Arc::new(Method::Argon2(hash)) }
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
