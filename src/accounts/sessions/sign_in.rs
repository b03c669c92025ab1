//! Signing in: who is it, is the password right, then one commit with the session.

use crate::{
    accounts::{
        Accounts,
        claims::Handle,
        email::EmailAddress,
        error::Error,
        hasher::{PasswordHash, Verdict},
        keys::Home,
        password::Password,
        records,
        sessions::{forget, parse_ids},
        token::AccessToken,
        user::{Device, Session, SessionId, Stored, User, UserId},
        username::Username,
    },
    store::{Batch, CommitError, Expectation},
};

/// Expired sessions that one sign-in clears away, at the most.
const CLEARED: usize = 20;

/// What somebody signs in with.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// An email address, a username or a user id. Anything else is somebody unknown.
    pub login: String,
    /// The password.
    pub password: Password,
    /// What the person signs in with, and from where.
    pub device: Device,
}

/// What signing in gives.
#[derive(Debug)]
pub struct SignInCompleted {
    /// The token of the session. It is not stored, and cannot be shown again.
    pub token: AccessToken,
    /// The session.
    pub session: Session,
    /// Who signed in.
    pub user: User,
}

impl Accounts {
    /// Signs somebody in. Somebody unknown costs as much as a wrong password, and is answered the same.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`]; [`Error::Overloaded`] when too many others sign in; [`Error::Contended`] and the
    /// errors of the store.
    pub async fn sign_in(&self, request: SignIn) -> Result<SignInCompleted, Error> {
        let mut found = self.find_login(&request.login).await?;
        let mut verdict = self.check(&request.password, found.as_ref()).await?;
        let mut renewed = None;
        let mut retry = self.retry();
        loop {
            let Some(Stored { value: user, revision }) = found.filter(|_| verdict != Verdict::Wrong) else {
                return Err(Error::InvalidCredentials);
            };
            let checked = user.password_hash.clone();
            if verdict == Verdict::RightButOutdated && renewed.is_none() {
                // Another time will do, if the threads are busy.
                renewed = self.hasher.hash(request.password.clone()).await.ok();
            }
            let renewed = renewed.clone().filter(|_| verdict == Verdict::RightButOutdated);
            let (completed, mut batch) = self.begin(user, &request, renewed).await?;
            batch.expect(Home::of(completed.user.id).user(), Expectation::Revision(revision));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(completed),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            // The user has changed since they were read: perhaps the login is not theirs any more, and the password counts
            // only against the hash they have now.
            found = self.find_login(&request.login).await?;
            if found.as_ref().is_none_or(|user| user.value.password_hash != checked) {
                verdict = self.check(&request.password, found.as_ref()).await?;
            }
        }
    }

    /// A new session of `user`, and the commit that makes it.
    ///
    /// The commit also writes the user: so a change that read the user and their sessions before, such as deleting the
    /// account, does not miss this session.
    async fn begin(
        &self,
        mut user: User,
        request: &SignIn,
        renewed: Option<PasswordHash>,
    ) -> Result<(SignInCompleted, Batch), Error> {
        let now = self.clock.now();
        let home = Home::of(user.id);
        let id = SessionId::new(now, self.random);
        let (token, token_digest) = AccessToken::generate(user.id, id, self.random);
        let session = Session {
            id,
            created_at: now,
            expires_at: now.plus(self.settings.session_lifetime),
            authenticated_at: now,
            device: request.device.clone(),
            token_digest,
            epoch: user.session_epoch,
        };
        user.last_sign_in_at = Some(now);
        user.password_hash = renewed.unwrap_or(user.password_hash);

        let mut batch = Batch::new(home.slot());
        let expired = self.store.range(&home.key(&home.sessions()), i64::MIN..=now.as_millis(), CLEARED).await?;
        forget(&mut batch, home, parse_ids(&expired)?);
        let expiry = session.expires_at.as_millis();
        batch.put_until(home.session(id), records::write_session(&session), expiry);
        batch.add(home.sessions(), id.to_string(), expiry);
        batch.put(home.user(), records::write_user(&user));
        Ok((SignInCompleted { token, session, user }, batch))
    }

    /// Finds whose login this is. Nobody's takes as many round trips as somebody's.
    pub(in crate::accounts) async fn find_login(&self, login: &str) -> Result<Option<Stored<User>>, Error> {
        if let Ok(id) = login.parse::<UserId>() {
            return Ok(self.find_user(id).await?.and_then(Stored::active));
        }
        let email = EmailAddress::parse(login).map(|address| Handle::email(&address));
        let handle = email.or_else(|_| Username::parse(login.trim()).map(|username| Handle::username(&username)));
        self.find_by_handle(&handle.unwrap_or_else(|_| Handle::nobody())).await
    }

    async fn check(&self, password: &Password, user: Option<&Stored<User>>) -> Result<Verdict, Error> {
        self.hasher.verify(password.clone(), user.map(|user| user.value.password_hash.clone())).await
    }
}
