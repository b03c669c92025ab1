//! Challenges: how a refusal says what to authenticate with (RFC 9110, 11.6.1).

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
