//! Tokens, and the one place where an access token becomes somebody who is signed in.
//!
//! An access token is a signed statement that other services can check by themselves; here it only names a user and a
//! session, and what those are is read from the store on every request. A refresh token is a secret, of which the store
//! has a digest.

mod access;
mod doubt;
mod refresh;
mod verified;

use std::{net::IpAddr, sync::Arc, time::Duration};

pub use self::{
    access::AccessToken,
    refresh::{RefreshToken, Rotation},
};
pub(super) use self::{
    doubt::InDoubt,
    refresh::{Former, Parts, Refresh, Standing},
    verified::VerifiedTokens,
};
use super::{
    Accounts,
    authority::{Actor, Origin},
    device_token::DeviceToken,
    error::Error,
    keys::{self, Home},
    records, roles,
    user::{Session, SessionId, Stored, User, UserId, UserRecord},
};
use crate::store::Name;

/// What access tokens say of where they come from and whom they are for.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Who issues them, and where this service is reached: a URL (`iss`).
    pub issuer: String,
    /// Which services they are for (`aud`).
    pub audience: String,
    /// For how long they are good.
    pub lifetime: Duration,
}

/// The two tokens of a session.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What requests are made with.
    pub access: AccessToken,
    /// For how long the access token is good.
    pub expires_in: Duration,
    /// What the next two tokens are had with.
    pub refresh: RefreshToken,
    /// For how long the refresh token is good, if the session is used all the time.
    pub refresh_expires_in: Duration,
}

/// What signing in gives, and refreshing.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The tokens. They are not stored, and cannot be shown again.
    pub tokens: Tokens,
    /// The session.
    pub session: Session,
    /// Who is signed in.
    pub user: User,
    /// What the device is recognised by when it signs in again. Refreshing gives none.
    pub device: Option<DeviceToken>,
}

/// What giving the password again gives.
#[derive(Clone, Debug)]
pub struct Reauthenticated {
    /// An access token that says when the password was given.
    pub access: AccessToken,
    /// For how long it is good.
    pub expires_in: Duration,
    /// The session.
    pub session: Session,
}

/// Somebody who is signed in: their user and their session, as they were when the request came.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub(super) user: Stored<User>,
    pub(super) session: Stored<Session>,
    pub(super) address: Option<IpAddr>,
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

    /// Who it is and from where, as it stands in the audit trail.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { actor: Actor::User(self.user().id, self.session().id), address: self.address }
    }
}

impl Accounts {
    /// Finds out who a token stands for that came from `address`, from the store, in one round trip: what was signed out, deleted or changed
    /// a moment ago is so now. That the session is in use is noted behind the caller's back.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`] when it stands for nobody, [`Error::TokenExpired`] when it no longer does, and the
    /// errors of the store.
    pub async fn authenticate(
        self: &Arc<Self>,
        token: &AccessToken,
        address: Option<IpAddr>,
    ) -> Result<SignedIn, Error> {
        let subject = self.verify(token).await?;
        let signed_in = self.load(subject.user, subject.session, address).await?.ok_or(Error::TokenInvalid)?;
        self.note_use(&signed_in);
        Ok(signed_in)
    }

    /// Reads again who is signed in, after something of theirs has changed.
    pub(super) async fn reload(&self, who: &SignedIn) -> Result<SignedIn, Error> {
        self.load(who.user().id, who.session().id, who.address).await?.ok_or(Error::TokenInvalid)
    }

    /// The user and their session, unless it has ended.
    pub(super) async fn load(
        &self,
        user_id: UserId,
        session_id: SessionId,
        address: Option<IpAddr>,
    ) -> Result<Option<SignedIn>, Error> {
        let home = Home::of(user_id);
        let keys = [home.key(&home.user()), home.key(&home.session(session_id)), keys::roles().key(&Name::ROOT)];
        let records = self.store.get_many(&keys).await?;
        let [Some(user), Some(session), book] = records.as_slice() else { return Ok(None) };
        let UserRecord::Active(mut value) = records::read_user(user_id, user)? else { return Ok(None) };
        value.from_roles = roles::permissions(book.as_ref(), value.grants.roles())?;
        let user = Stored { value, revision: user.revision };
        let session = Stored { value: records::read_session(session_id, session)?, revision: session.revision };
        let is_live = session.value.is_live(&user.value, self.clock.now());
        Ok(is_live.then_some(SignedIn { user, session, address }))
    }
}
