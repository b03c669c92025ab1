//! Who did something, without the session that they did it in.

use std::{fmt, str::FromStr};

use crate::accounts::{api_keys::ApiKeyId, authority::Actor, user::UserId};

/// Who did something. As text it is `user:<id>`, `api_key:<id>`, `operator` or `anonymous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A user.
    User(UserId),
    /// A service, by its API key.
    ApiKey(ApiKeyId),
    /// Whoever runs the command line beside the store.
    Operator,
    /// Somebody who is not signed in.
    Anonymous,
}

impl From<Actor> for Who {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(id, _) => Self::User(id),
            Actor::ApiKey(id) => Self::ApiKey(id),
            Actor::Operator => Self::Operator,
            Actor::Anonymous => Self::Anonymous,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::ApiKey(id) => write!(f, "api_key:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// This is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is nobody")]
pub struct UnknownWho;

impl FromStr for Who {
    type Err = UnknownWho;

    fn from_str(text: &str) -> Result<Self, UnknownWho> {
        let known = match (text, text.split_once(':')) {
            ("operator", _) => Some(Self::Operator),
            ("anonymous", _) => Some(Self::Anonymous),
            (_, Some(("user", id))) => id.parse().ok().map(Self::User),
            (_, Some(("api_key", id))) => id.parse().ok().map(Self::ApiKey),
            _ => None,
        };
        known.ok_or(UnknownWho)
    }
}
