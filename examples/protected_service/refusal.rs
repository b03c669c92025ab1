//! What is answered to those who may not go on: problem documents (RFC 9457) with a challenge (RFC 6750, 3).

use std::fmt;

use poem::{
    Response,
    error::ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

/// Why somebody may not go on. The client is not told what is wrong with its token: that would help nobody but forgers.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It sent no token, which is no error yet.
    NoToken,
    /// It sent one that is not good: a new one may be.
    InvalidToken,
    /// Its token is good, and lacks this permission: a new one would lack it too.
    InsufficientScope(&'static str),
    /// Nobody can be let in before the issuer's keys are known. Whoever comes may have a good token.
    NoKeys,
}

impl ResponseError for Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::NoKeys => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn as_response(&self) -> Response {
        let status = self.status();
        let document = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        let (name, value) = match self {
            Self::NoToken => (header::WWW_AUTHENTICATE, r#"Bearer realm="articles""#.to_owned()),
            Self::InvalidToken => {
                (header::WWW_AUTHENTICATE, r#"Bearer realm="articles", error="invalid_token""#.to_owned())
            }
            Self::InsufficientScope(scope) => (
                header::WWW_AUTHENTICATE,
                format!(r#"Bearer realm="articles", error="insufficient_scope", scope="{scope}""#),
            ),
            Self::NoKeys => (header::RETRY_AFTER, "5".to_owned()),
        };
        let response = Response::builder().status(status).content_type("application/problem+json");
        response.header(name, value).body(document.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => f.write_str("an access token is needed"),
            Self::InvalidToken => f.write_str("the access token is not good, or no longer"),
            Self::InsufficientScope(permission) => write!(f, "the permission {permission} is needed"),
            Self::NoKeys => f.write_str("access tokens cannot be checked now"),
        }
    }
}

impl std::error::Error for Refusal {}
