//! Giving the password again, so that the session may do what needs a recent one.

use std::sync::Arc;

use crate::{
    accounts::{
        Accounts, detached,
        error::Error,
        events::{Act, EventKind},
        hashing::Verdict,
        keys::Home,
        password::Password,
        sessions::{expect_unchanged, keep},
        throttle::Subject,
        token::{Reauthenticated, SignedIn},
    },
    store::CommitError,
};

impl Accounts {
    /// Notes that the password was given now, and gives an access token that says so.
    ///
    /// # Errors
    /// [`Error::CurrentPasswordIncorrect`]; [`Error::TokenInvalid`] when the session has ended meanwhile;
    /// [`Error::Throttled`] after too many wrong passwords; [`Error::Overloaded`], [`Error::Contended`] and the errors of
    /// the store.
    pub async fn reauthenticate(self: &Arc<Self>, who: SignedIn, password: Password) -> Result<Reauthenticated, Error> {
        let accounts = Arc::clone(self);
        let (id, origin) = (who.user().id, who.origin());
        detached("reauthenticate", async move {
            let outcome = accounts.trying(&[Subject::User(id)], accounts.run_reauthentication(who, &password)).await;
            if let Err(Error::CurrentPasswordIncorrect) = outcome {
                accounts.note_failed_reauthentication(id, origin);
            }
            outcome
        })
        .await
    }

    async fn run_reauthentication(&self, mut who: SignedIn, password: &Password) -> Result<Reauthenticated, Error> {
        let mut retry = self.retry();
        let mut checked = None;
        loop {
            let hash = who.user().password_hash.clone();
            if checked.as_ref() != Some(&hash) {
                if self.hasher.verify(password.clone(), Some(hash.clone())).await? == Verdict::Wrong {
                    return Err(Error::CurrentPasswordIncorrect);
                }
                checked = Some(hash);
            }
            let now = self.clock.now();
            let mut session = who.session().clone();
            session.authenticated_at = now;
            session.note_use(now, &self.settings.sessions);
            let (access, expires_in) = self.issue_access(who.user(), &session, now)?;
            let mut batch = expect_unchanged(&who);
            let home = Home::of(who.user().id);
            keep(&mut batch, home, &session);
            self.note_act(&mut batch, home, now, Act::new(EventKind::Reauthenticated, who.origin()));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(Reauthenticated { access, expires_in, session }),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            who = self.reload(&who).await?;
        }
    }
}
