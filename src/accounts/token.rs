//! Access tokens, and the one place where a token becomes somebody who is signed in.
//!
//! A token names its user and its session, so both are read in one round trip, and carries 256 random bits. Only their
//! SHA-256 digest is stored. As text it is `lk_` and the base64url form of user id, session id and secret.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{
    Accounts,
    digest::Digest,
    error::Error,
    keys::Home,
    random::Random,
    records,
    user::{Session, SessionId, Stored, User, UserId, UserRecord},
};

/// A credential for one session. It is shown once, to the person who signs in.
#[derive(Clone)]
pub struct AccessToken(Zeroizing<String>);

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

impl AccessToken {
    const PREFIX: &'static str = "lk_";

    /// Takes a token from a client. Whether it is any good, [`Accounts::authenticate`] finds out.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The token as the client sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Makes a token for a session, and what is to be stored of it.
    pub(super) fn generate(user: UserId, session: SessionId, random: Random) -> (Self, Digest) {
        let secret = Zeroizing::new(random.bytes::<32>());
        let bytes = Zeroizing::new([user.as_bytes(), session.as_bytes(), secret.as_slice()].concat());
        let text = Zeroizing::new(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(&bytes)));
        (Self(text), Digest::of(secret.as_slice()))
    }

    fn parts(&self) -> Option<(UserId, SessionId, Digest)> {
        let encoded = self.0.strip_prefix(Self::PREFIX)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (session, secret) = rest.split_first_chunk::<16>()?;
        let secret = secret.first_chunk::<32>().filter(|_| secret.len() == 32)?;
        Some((UserId::from_bytes(*user), SessionId::from_bytes(*session), Digest::of(secret)))
    }
}

/// Somebody who is signed in: their user and their session, as they were when the request came.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub(super) user: Stored<User>,
    pub(super) session: Stored<Session>,
}

impl SignedIn {
    /// Who it is.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user.value
    }

    /// By which session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session.value
    }
}

impl Accounts {
    /// Finds out who a token stands for, from the store, in one round trip: what was signed out, deleted or changed
    /// a moment ago is so now.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`] when it stands for nobody, and the errors of the store.
    pub async fn authenticate(&self, token: &AccessToken) -> Result<SignedIn, Error> {
        let (user, session, digest) = token.parts().ok_or(Error::TokenInvalid)?;
        let signed_in = self.load(user, session).await?;
        if signed_in.session.value.token_digest == digest { Ok(signed_in) } else { Err(Error::TokenInvalid) }
    }

    /// Reads again who is signed in, after something of theirs has changed.
    pub(super) async fn reload(&self, who: &SignedIn) -> Result<SignedIn, Error> {
        self.load(who.user().id, who.session().id).await
    }

    async fn load(&self, user_id: UserId, session_id: SessionId) -> Result<SignedIn, Error> {
        let home = Home::of(user_id);
        let keys = [home.key(&home.user()), home.key(&home.session(session_id))];
        let records = self.store.get_many(&keys).await?;
        let [Some(user), Some(session)] = records.as_slice() else { return Err(Error::TokenInvalid) };
        let UserRecord::Active(value) = records::read_user(user_id, user)? else { return Err(Error::TokenInvalid) };
        let user = Stored { value, revision: user.revision };
        let session = Stored { value: records::read_session(session_id, session)?, revision: session.revision };
        if !session.value.is_live(&user.value, self.clock.now()) {
            return Err(Error::TokenInvalid);
        }
        Ok(SignedIn { user, session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::clock::Timestamp;

    #[test]
    fn a_token_names_its_user_and_session_and_what_is_stored_is_not_in_it() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (user, session) = (UserId::new(now, Random), SessionId::new(now, Random));
        let (token, digest) = AccessToken::generate(user, session, Random);
        let (found_user, found_session, found_digest) = AccessToken::new(token.reveal()).parts().unwrap();
        assert_eq!((found_user, found_session), (user, session));
        assert!(found_digest == digest);
        assert!(!token.reveal().contains(&digest.to_string()));
        assert_eq!(format!("{token:?}"), "AccessToken(…)");
    }

    #[test]
    fn what_is_no_token_has_no_parts() {
        let (token, _) = AccessToken::generate(UserId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]), Random);
        let text = token.reveal();
        for bad in ["", "lk_", "lk_AAAA", &text[3..], &text[..text.len() - 4], &format!("{text}AAAA"), "lk_\u{e4}"] {
            assert!(AccessToken::new(bad).parts().is_none(), "{bad}");
        }
    }
}
