//! Refreshing: a refresh token is used up, and gives the next one and an access token.

use std::{net::IpAddr, sync::Arc};

use crate::{
    accounts::{
        Accounts,
        authority::{Actor, Origin},
        clock::Timestamp,
        detached,
        error::Error,
        events::{Act, EventKind},
        keys::Home,
        sessions::{expect_unchanged, forget, keep},
        token::{Issued, Parts, RefreshToken, Rotation, Standing, Tokens},
        user::{Session, User},
    },
    store::CommitError,
};

impl Accounts {
    /// Gives new tokens for a refresh token that came from `address`.
    ///
    /// For 10 seconds after its use a token gives the refresh token that is current since: so two that ask at once get
    /// the same one, and whoever did not get the answer asks again. While the store is away, this time does not pass.
    /// After that the token is in more hands than one, and its session ends.
    ///
    /// # Errors
    /// [`Error::RefreshTokenInvalid`] when the token stands for no session; [`Error::RefreshTokenReused`];
    /// [`Error::Contended`] and the errors of the store.
    pub async fn refresh(
        self: &Arc<Self>,
        token: RefreshToken,
        rotation: Rotation,
        address: Option<IpAddr>,
    ) -> Result<Issued, Error> {
        let accounts = Arc::clone(self);
        detached("refresh", async move {
            let parts = token.parts();
            let outcome = match &parts {
                Some(parts) => accounts.run_refresh(parts, rotation, address).await,
                None => Err(Error::RefreshTokenInvalid),
            };
            if let (Some(parts), Err(Error::StoreUnavailable(_) | Error::NoSigningKey)) = (&parts, &outcome) {
                accounts.in_doubt.note(parts.session, accounts.clock.now());
            }
            accounts.metrics.refreshes.note(&outcome);
            outcome
        })
        .await
    }

    async fn run_refresh(&self, parts: &Parts, rotation: Rotation, address: Option<IpAddr>) -> Result<Issued, Error> {
        let mut retry = self.retry();
        loop {
            let who = self.load(parts.user, parts.session, None).await?.ok_or(Error::RefreshTokenInvalid)?;
            let now = self.clock.now();
            let (mut session, user) = (who.session().clone(), who.user().clone());
            let mut batch = expect_unchanged(&who);
            let home = Home::of(user.id);
            let just = |at| self.in_doubt.is_just(parts.session, at, now);
            let outcome = match session.refresh.standing(parts, now, just, rotation, self.random) {
                Standing::Foreign => return Err(Error::RefreshTokenInvalid),
                Standing::Again(next) => {
                    let tokens = self.issue(&user, &session, next, now)?;
                    return Ok(Issued { tokens, session, user, device: None });
                }
                Standing::Current(next, kept) => {
                    session.refresh = kept;
                    session.note_use(now, &self.settings.sessions);
                    keep(&mut batch, home, &session);
                    let tokens = self.issue(&user, &session, next, now)?;
                    Ok(Issued { tokens, session, user, device: None })
                }
                Standing::UsedUp => {
                    forget(&mut batch, home, [session.id]);
                    // Nobody knows who of those that have it this is.
                    let origin = Origin { actor: Actor::Anonymous, address };
                    let act = Act::new(EventKind::RefreshTokenReused, origin);
                    self.note_act(&mut batch, home, now, act.with("session_id", session.id.to_string()));
                    Err(Error::RefreshTokenReused)
                }
            };
            match self.store.commit(batch).await {
                Ok(_) => {
                    if outcome.is_err() {
                        tracing::warn!(
                            event = "refresh_token_reused",
                            user.id = %parts.user,
                            session.id = %parts.session,
                            "a refresh token was used again, and its session has ended"
                        );
                    }
                    return outcome;
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(CommitError::Full | CommitError::Unreadable(_)) if outcome.is_err() => {
                    self.end_without_commit(home, &[parts.session]).await?;
                    return outcome;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Both tokens of a session.
    pub(super) fn issue(
        &self,
        user: &User,
        session: &Session,
        refresh: RefreshToken,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let (access, expires_in) = self.issue_access(user, session, now)?;
        let refresh_expires_in = now.until(session.created_at.plus(self.settings.sessions.lifetime));
        Ok(Tokens { access, expires_in, refresh, refresh_expires_in })
    }
}
