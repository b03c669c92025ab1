//! What clients of OAuth look at in a refusal: the challenges, and the word for it.

use super::code::Code;

/// The challenges of a 401 (RFC 6750, 3): they say what is wrong only when a token was
/// sent. An API key may come by HTTP Basic too, and whoever tried that must be told of it (RFC 6749, 5.2).
pub(super) fn challenges(code: Code) -> &'static [&'static str] {
    const BEARER: &str = "Bearer realm=\"latchkey\"";
    const INVALID: &str = "Bearer realm=\"latchkey\", error=\"invalid_token\"";
    const BASIC: &str = "Basic realm=\"latchkey\"";
    match code {
        Code::TokenInvalid | Code::TokenExpired => &[INVALID],
        Code::ApiKeyRequired => &[BEARER, BASIC],
        Code::ApiKeyInvalid => &[INVALID, BASIC],
        code if code.status().as_u16() == 401 => &[BEARER],
        _ => &[],
    }
}

/// What a client of OAuth looks at in place of the code (RFC 6749, 5.2).
pub(super) fn oauth_error(code: Code) -> Option<&'static str> {
    match code {
        Code::MalformedForm => Some("invalid_request"),
        Code::ApiKeyRequired | Code::ApiKeyInvalid => Some("invalid_client"),
        _ => None,
    }
}
