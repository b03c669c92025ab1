//! Scopes: what an API key is good for. There is no key that is good for everything.

use std::{fmt, str::FromStr};

/// Something that services do with an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiKeyScope {
    /// Asking whose an access token is, and whether it is good (RFC 7662).
    IntrospectTokens,
}

/// There is no such scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one of these is needed: {}", ApiKeyScope::ALL.map(ApiKeyScope::as_str).join(", "))]
pub struct UnknownScope;

impl ApiKeyScope {
    /// Every scope.
    pub const ALL: [Self; 1] = [Self::IntrospectTokens];

    /// The scope as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IntrospectTokens => "tokens:introspect",
        }
    }
}

impl FromStr for ApiKeyScope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

impl fmt::Display for ApiKeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
