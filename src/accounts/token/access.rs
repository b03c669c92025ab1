//! Access tokens: what they say, and whether somebody else said it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::accounts::{
    Accounts,
    clock::Timestamp,
    digest::Digest,
    error::Error,
    grants::{Permission, Role},
    secret_text::secret_text,
    user::{Session, SessionId, User, UserId},
};

/// The client that every token is for: people sign in with this service itself, not with a client of OAuth.
const CLIENT: &str = "latchkey";

secret_text! {
    /// A credential for one session, for some minutes: a JWT (RFC 9068).
    AccessToken
}

/// What a token says (RFC 9068, 2.2; times in seconds since the Unix epoch).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    client_id: &'static str,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
    auth_time: i64,
    roles: Vec<&'a str>,
    permissions: Vec<&'a str>,
    email_verified: bool,
}

/// What is read of a token that comes back. All else about the person, the store knows better. Who issued it is known
/// by its key, which is in our store and signs nothing else.
#[derive(Deserialize)]
struct Presented {
    sub: String,
    sid: String,
    exp: i64,
}

/// Whom a token names that was signed here and has not expired.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) struct TokenSubject {
    pub(in crate::accounts) user: UserId,
    pub(in crate::accounts) session: SessionId,
    pub(in crate::accounts) expires_at: i64,
}

impl Accounts {
    /// Makes an access token of a session. It outlives the session by less than a second, whatever its lifetime.
    pub(in crate::accounts) fn issue_access(
        &self,
        user: &User,
        session: &Session,
        now: Timestamp,
    ) -> Result<(AccessToken, Duration), Error> {
        let settings = &self.settings.tokens;
        let iat = seconds(now);
        // The second in which the session ends counts whole, so that no token has ended before it is given out.
        let end_of_session = seconds(session.expires_at) + 1;
        let exp = seconds(now.plus(settings.lifetime)).min(end_of_session);
        let claims = Claims {
            iss: &settings.issuer,
            aud: &settings.audience,
            client_id: CLIENT,
            sub: user.id.to_string(),
            sid: session.id.to_string(),
            jti: URL_SAFE_NO_PAD.encode(self.random.bytes::<16>()),
            iat,
            exp,
            auth_time: seconds(session.authenticated_at),
            roles: user.grants.roles().iter().map(Role::as_str).collect(),
            permissions: user.permissions().into_iter().map(Permission::as_str).collect(),
            email_verified: user.email_verified,
        };
        let payload = serde_json::to_vec(&claims).map_err(|e| Error::Corrupt(format!("the claims of a token: {e}")))?;
        let token = AccessToken(Zeroizing::new(self.keyring.sign(&payload)?));
        self.metrics.tokens_issued.add_one();
        Ok((token, Duration::from_secs(u64::try_from(exp - iat).unwrap_or(0))))
    }

    /// Whom a token names, if it was signed here and has not expired. A signature that was checked
    /// is remembered, while its key is held.
    pub(in crate::accounts) async fn verify(&self, token: &AccessToken) -> Result<TokenSubject, Error> {
        let outcome = self.subject_of(token).await;
        self.metrics.tokens_checked.note(&outcome);
        outcome
    }

    async fn subject_of(&self, token: &AccessToken) -> Result<TokenSubject, Error> {
        let digest = Digest::of(token.0.as_bytes());
        let known = self.verified.get(&digest, |kid| self.keyring.holds(kid));
        let subject = if let Some(subject) = known {
            subject
        } else {
            let verified = self.keyring.verify(&token.0).await?.ok_or(Error::TokenInvalid)?;
            let subject = TokenSubject::read(&verified.payload).ok_or(Error::TokenInvalid)?;
            self.verified.remember(digest, verified.kid, subject);
            subject
        };
        if seconds(self.clock.now()) < subject.expires_at { Ok(subject) } else { Err(Error::TokenExpired) }
    }
}

impl TokenSubject {
    fn read(payload: &[u8]) -> Option<Self> {
        let Presented { sub, sid, exp } = serde_json::from_slice(payload).ok()?;
        Some(Self { user: sub.parse().ok()?, session: sid.parse().ok()?, expires_at: exp })
    }
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(1000)
}
