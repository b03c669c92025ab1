//! What a service asks about a token that it was sent.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{
    Accounts,
    error::Error,
    token::{AccessToken, SignedIn},
    user::User,
};

/// What there is to say of an access token that is good at this moment.
#[derive(Clone, Debug)]
pub struct Introspection {
    /// What the token says.
    pub claims: TokenClaims,
    /// Whom it stands for, as they are now.
    pub user: User,
}

/// What an access token says of itself (RFC 9068, 2.2; times in seconds since the Unix epoch).
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the RFC")]
pub struct TokenClaims {
    pub iss: String,
    pub aud: String,
    pub client_id: String,
    pub sid: String,
    pub jti: String,
    pub iat: i64,
    pub exp: i64,
    pub auth_time: i64,
}

impl Accounts {
    /// Finds out what an access token stands for at this moment, from the store. That somebody asks is no use of the
    /// session.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn introspect(&self, token: &AccessToken) -> Result<Option<Introspection>, Error> {
        let Some(who) = self.session_of(token, None).await? else { return Ok(None) };
        let claims = claims(token).ok_or_else(|| Error::Corrupt("the claims of a token that is ours".to_owned()))?;
        Ok(Some(Introspection { claims, user: who.user.value }))
    }

    /// The session that an access token stands for that came from `address`, unless the token or the session has ended.
    pub(super) async fn session_of(
        &self,
        token: &AccessToken,
        address: Option<IpAddr>,
    ) -> Result<Option<SignedIn>, Error> {
        match self.verify(token).await {
            Ok(subject) => self.load(subject.user, subject.session, address).await,
            Err(Error::TokenInvalid | Error::TokenExpired) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// What a token says whose signature was checked.
fn claims(token: &AccessToken) -> Option<TokenClaims> {
    let payload = URL_SAFE_NO_PAD.decode(token.reveal().split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
