//! Signing in: who is it, is the password right, then one commit with the session.

use std::sync::Arc;

use crate::{
    accounts::{
        Accounts,
        authority::{Actor, Origin},
        claims::Handle,
        clock::Timestamp,
        detached,
        device_token::{DeviceId, DeviceToken},
        error::Error,
        events::{Act, EventKind},
        hashing::{PasswordHash, Verdict},
        keys::{self, Home},
        login::Login,
        password::Password,
        records,
        sessions::{ALL, forget, ids, keep},
        throttle::Subject,
        token::{Issued, Refresh},
        user::{Device, Session, SessionId, Stored, User, id_of_entry},
        users,
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
    /// What the device was given when it signed in before.
    pub device_token: Option<DeviceToken>,
}

impl Accounts {
    /// Signs somebody in. Somebody unknown costs as much as a wrong password, and is answered the same. Wrong passwords are
    /// counted, for the device if it signed in to this account before, and else for the login and the address.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`]; [`Error::EmailNotVerified`], after the right password alone, and not where accounts are
    /// concealed; [`Error::Throttled`] after too many wrong passwords; [`Error::Overloaded`] when too many others sign in;
    /// [`Error::Contended`] and the errors of the store.
    pub async fn sign_in(self: &Arc<Self>, request: SignIn) -> Result<Issued, Error> {
        let accounts = Arc::clone(self);
        // Whoever hangs up ends no attempt early: a wrong password counts, and no attempt is left behind as running.
        detached("sign_in", async move {
            let outcome = accounts.sign_in_if_admitted(&request).await;
            accounts.metrics.sign_ins.note(&outcome);
            outcome
        })
        .await
    }

    async fn sign_in_if_admitted(self: &Arc<Self>, request: &SignIn) -> Result<Issued, Error> {
        let login = Login::read(&request.login);
        let found = self.find_login(&login).await?;
        let known = found.as_ref().and_then(|found| {
            request.device_token.as_ref().and_then(|token| self.devices.recognise(token, found.value.id))
        });
        let subjects = if let Some(device) = known {
            vec![Subject::Device(device)]
        } else {
            let address = Subject::address(request.device.address, Subject::Address);
            [Subject::Login(login.clone())].into_iter().chain(address).collect()
        };
        let user = found.as_ref().map(|found| found.value.id);
        let outcome = self.trying(&subjects, Box::pin(self.run_sign_in(request, &login, found, known))).await;
        if let Err(Error::InvalidCredentials | Error::EmailNotVerified) = outcome {
            let origin = Origin { actor: Actor::Anonymous, address: request.device.address };
            self.note_failed_sign_in(user, &login.canonical(), origin);
        }
        outcome
    }

    async fn run_sign_in(
        &self,
        request: &SignIn,
        login: &Login,
        mut found: Option<Stored<User>>,
        known: Option<DeviceId>,
    ) -> Result<Issued, Error> {
        let mut verdict = self.check(&request.password, found.as_ref()).await?;
        let mut renewed = None;
        let mut retry = self.retry();
        loop {
            // After the hash: nobody is told by the time it takes who is suspended.
            let let_in =
                |found: &Stored<User>| verdict != Verdict::Wrong && !found.value.is_suspended(self.clock.now());
            let Some(Stored { value: user, revision }) = found.filter(let_in) else {
                return Err(Error::InvalidCredentials);
            };
            if self.settings.confirmations.required && !user.email_verified {
                // Whoever registered an address that is not theirs knows its password, if it was new.
                let conceals = self.settings.conceal_accounts;
                return Err(if conceals { Error::InvalidCredentials } else { Error::EmailNotVerified });
            }
            let checked = user.password_hash.clone();
            if verdict == Verdict::RightButOutdated && renewed.is_none() {
                // Another time will do, if the threads are busy.
                renewed = self.hasher.hash(request.password.clone()).await.ok();
            }
            let renewed = renewed.clone().filter(|_| verdict == Verdict::RightButOutdated);
            let (completed, mut batch) = self.begin(user, request, renewed, known).await?;
            batch.expect(Home::of(completed.user.id).user(), Expectation::Revision(revision));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(completed),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            // The user has changed since they were read: perhaps the login is not theirs any more, and the password counts
            // only against the hash they have now.
            found = self.find_login(login).await?;
            if found.as_ref().is_none_or(|user| user.value.password_hash != checked) {
                verdict = self.check(&request.password, found.as_ref()).await?;
            }
        }
    }

    /// A new session of `user`, and the commit that makes it.
    ///
    /// The commit also writes the user: so a change that read the user and their sessions before, such as deleting the
    /// account, does not miss this session; and two sign-ins count the sessions one after the other.
    async fn begin(
        &self,
        mut user: User,
        request: &SignIn,
        renewed: Option<PasswordHash>,
        known: Option<DeviceId>,
    ) -> Result<(Issued, Batch), Error> {
        let now = self.clock.now();
        let home = Home::of(user.id);
        let id = SessionId::new(now, self.random);
        let (token, refresh) = Refresh::start(user.id, id, self.random);
        let mut session = Session {
            id,
            created_at: now,
            last_used_at: now,
            expires_at: now,
            authenticated_at: now,
            device: request.device.clone(),
            refresh,
            epoch: user.session_epoch,
        };
        session.note_use(now, &self.settings.sessions);
        user.last_sign_in_at = Some(now);
        user.password_hash = renewed.unwrap_or(user.password_hash);
        let tokens = self.issue(&user, &session, token, now)?;
        let device = Some(self.devices.token(user.id, known, self.random));

        let mut batch = Batch::new(home.slot());
        self.clear_sessions(&mut batch, home, now).await?;
        keep(&mut batch, home, &session);
        users::count_today(&mut batch, keys::SIGN_INS, 1, now);
        let origin = Origin { actor: Actor::User(user.id, id), address: request.device.address };
        self.note_act(&mut batch, home, now, Act::new(EventKind::SignedIn, origin));
        batch.put(home.user(), records::write_user(&user));
        Ok((Issued { tokens, session, user, device }, batch))
    }

    /// Adds to `batch` what is to go when there is one session more: some that have expired, the oldest beyond the most
    /// that a person has, and what is no session's id.
    async fn clear_sessions(&self, batch: &mut Batch, home: Home, now: Timestamp) -> Result<(), Error> {
        let index = home.key(&home.sessions());
        let now = now.as_millis();
        let (expired, live) = tokio::try_join!(
            self.store.range(&index, i64::MIN..=now, CLEARED),
            self.store.range(&index, now + 1..=i64::MAX, ALL),
        )?;
        for member in expired.iter().chain(&live).filter(|member| id_of_entry::<SessionId>(member).is_none()) {
            batch.remove(home.sessions(), member);
        }
        let (mut outdated, mut live) = (ids(&expired), ids(&live));
        live.sort_unstable(); // an id begins with the time that it was made at
        let room = self.settings.sessions.most.saturating_sub(1);
        live.truncate(live.len().saturating_sub(room));
        outdated.append(&mut live);
        forget(batch, home, outdated);
        Ok(())
    }

    /// Finds whose login this is. Nobody's takes as many round trips as somebody's.
    pub(in crate::accounts) async fn find_login(&self, login: &Login) -> Result<Option<Stored<User>>, Error> {
        match login {
            Login::Id(id) => Ok(self.find_user(*id).await?.and_then(Stored::active)),
            Login::Handle(handle) => self.find_by_handle(handle).await,
            Login::Nobody(_) => self.find_by_handle(&Handle::nobody()).await,
        }
    }

    async fn check(&self, password: &Password, user: Option<&Stored<User>>) -> Result<Verdict, Error> {
        self.hasher.verify(password.clone(), user.map(|user| user.value.password_hash.clone())).await
    }
}
