//! API keys: what services authenticate with, such as one that asks whose token it was sent.
//!
//! All are in one slot, so that one commit writes a key and its entry in the index of all keys. A key that has expired
//! stays in the list until it is revoked.

mod authenticate;
mod create;
mod list;
mod revoke;
mod text;

use std::{collections::BTreeSet, fmt, str::FromStr};

use uuid::Uuid;

pub use self::{create::NewApiKey, text::ApiKeyText};
use super::{
    capability::Capability,
    clock::Timestamp,
    digest::Digest,
    profile,
    random::Random,
    user::{id, id_bytes},
};

id! {
    /// Which API key.
    ApiKeyId
}

id_bytes!(ApiKeyId);

/// What is known of an API key. The key itself is shown once, when it is made.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Which key.
    pub id: ApiKeyId,
    /// What the operator calls it.
    pub name: ApiKeyName,
    /// What it is good for.
    pub scopes: BTreeSet<Capability>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    pub(super) digest: Digest,
}

impl ApiKey {
    /// Whether the key has ended by itself.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }
}

/// What an operator calls an API key: 1 to 64 characters, none of which controls what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

/// The text is no name of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("1 to 64 characters are needed, something to see among them, and no control character")]
pub struct InvalidApiKeyName;

impl FromStr for ApiKeyName {
    type Err = InvalidApiKeyName;

    /// Reads a name, without the space around it.
    fn from_str(text: &str) -> Result<Self, InvalidApiKeyName> {
        let text = text.trim();
        if profile::is_one_line(text, 64) { Ok(Self(text.to_owned())) } else { Err(InvalidApiKeyName) }
    }
}

impl fmt::Display for ApiKeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_at_their_bounds() {
        assert_eq!(" billing \u{e4} ".parse::<ApiKeyName>().unwrap().to_string(), "billing \u{e4}");
        assert!("\u{e4}".repeat(64).parse::<ApiKeyName>().is_ok());
        for bad in ["", " ", "\u{200b}", "a\nb", "a\u{1b}[2J", "a\u{202e}b", &"a".repeat(65)] {
            assert_eq!(bad.parse::<ApiKeyName>(), Err(InvalidApiKeyName), "{bad:?}");
        }
    }
}
