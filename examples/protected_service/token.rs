//! What makes an access token good, and who sent it.

use std::sync::Arc;

use jsonwebtoken::{Validation, decode, decode_header};
use poem::{FromRequest, Request, RequestBody, http::header};
use serde::Deserialize;

use crate::{keys::Keys, refusal::Refusal};

/// How far the clocks of two machines may be apart, in seconds.
const LEEWAY: u64 = 10;

/// Checks tokens of one issuer.
pub(crate) struct Verifier {
    keys: Arc<Keys>,
    issuer: String,
    audience: String,
}

/// What is read of a good token.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    permissions: Vec<String>,
}

/// Somebody with a good token.
pub(crate) struct Caller {
    /// The id of the user.
    pub(crate) user: String,
    permissions: Vec<String>,
}

impl Verifier {
    pub(crate) fn new(issuer: String, audience: String) -> reqwest::Result<Self> {
        Ok(Self { keys: Arc::new(Keys::new(&issuer)?), issuer, audience })
    }

    async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let invalid = |reason: &dyn std::fmt::Display| {
            tracing::info!(%reason, "a token is refused"); // never the token itself: who reads the log could use it
            Refusal::InvalidToken
        };
        let header = decode_header(token).map_err(|e| invalid(&e))?;
        // Other tokens of the same issuer, with the same keys, are no access tokens (RFC 9068, 4).
        if header.typ.as_deref() != Some("at+jwt") {
            return Err(invalid(&"it is no at+jwt"));
        }
        // What the sender calls critical must be understood (RFC 7515, 4.1.11), and nothing of it is.
        if header.crit.is_some() {
            return Err(invalid(&"it has a critical header"));
        }
        // The header says which of the issuer's keys it is, and no more. `jku`, `x5u` and `jwk` would let the sender
        // bring a key along: they are not looked at.
        let kid = header.kid.ok_or_else(|| invalid(&"it names no key"))?;
        let key = self.keys.find(&kid).await?.ok_or_else(|| invalid(&"its key is unknown"))?;

        // The algorithm is the key's. If it were the header's, the sender would choose how the token is checked.
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        // Claims that are not required are only checked when they are there.
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let Claims { sub, permissions } = decode(token, &key.public, &validation).map_err(|e| invalid(&e))?.claims;
        Ok(Caller { user: sub, permissions })
    }
}

impl Caller {
    /// Goes on only with this permission.
    pub(crate) fn must(&self, permission: &'static str) -> Result<(), Refusal> {
        // Whole words: a search in the text of the claim would take `articles:writeoff` for `articles:write`.
        let has = self.permissions.iter().any(|granted| granted == permission);
        if has { Ok(()) } else { Err(Refusal::InsufficientScope(permission)) }
    }
}

impl<'a> FromRequest<'a> for Caller {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let verifier = <poem::web::Data<&Arc<Verifier>>>::from_request_without_body(request).await?;
        let token = bearer(request).ok_or(Refusal::NoToken)?;
        Ok(verifier.verify(token).await?)
    }
}

/// The token of a request. One in the URL is not taken: it would be in logs and histories.
fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
