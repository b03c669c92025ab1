//! Signing out: of this session, of another one, of all of them.

use std::sync::Arc;

use crate::{
    accounts::{
        Accounts,
        authority::{Actor, Origin},
        detached,
        error::Error,
        events::{Act, EventKind},
        keys::Home,
        metrics::Ending,
        records,
        sessions::{forget, keep},
        token::SignedIn,
        user::{SessionId, User},
    },
    store::{Batch, CommitError, Expectation},
};

/// Which sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every session of the person, this one too.
    All,
    /// Every session but the one that asks.
    Others,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Others => "others",
        }
    }
}

impl Accounts {
    /// Ends the session that asks. In a store that is full, or where the index of sessions is damaged, it ends without an
    /// event.
    ///
    /// # Errors
    /// [`Error::Contended`] and the errors of the store.
    pub async fn sign_out(&self, who: &SignedIn) -> Result<(), Error> {
        let (home, id) = (Home::of(who.user().id), who.session().id);
        let mut retry = self.retry();
        loop {
            let mut batch = Batch::new(home.slot());
            // Who has been deleted meanwhile has no sessions, and gets no event.
            batch.expect(home.session(id), Expectation::Exists);
            forget(&mut batch, home, [id]);
            self.note_act(&mut batch, home, self.clock.now(), Act::new(EventKind::SignedOut, who.origin()));
            match self.store.commit(batch).await {
                Ok(_) => break,
                Err(CommitError::Conflict) if self.store.get(&home.key(&home.session(id))).await?.is_none() => {
                    return Ok(());
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(CommitError::Full | CommitError::Unreadable(_)) => {
                    break self.end_without_commit(home, &[id]).await?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        self.metrics.sessions_ended.of(Ending::Current).add_one();
        Ok(())
    }

    /// Ends one session of the person.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`] when the person has no such session, [`Error::Contended`] and the errors of the store.
    pub async fn end_session(&self, who: &SignedIn, id: SessionId) -> Result<(), Error> {
        self.end_live_session(who.user(), id, who.origin()).await
    }

    pub(super) async fn end_live_session(&self, user: &User, id: SessionId, by: Origin) -> Result<(), Error> {
        let home = Home::of(user.id);
        let mut retry = self.retry();
        loop {
            let record = self.store.get(&home.key(&home.session(id))).await?.ok_or(Error::SessionNotFound)?;
            if !records::read_session(id, &record)?.is_live(user, self.clock.now()) {
                return Err(Error::SessionNotFound);
            }
            let mut batch = Batch::new(home.slot());
            batch.expect(home.session(id), Expectation::Revision(record.revision));
            forget(&mut batch, home, [id]);
            let is_own = by.actor == Actor::User(user.id, id);
            let kind = if is_own { EventKind::SignedOut } else { EventKind::SessionEnded };
            let act = Act::new(kind, by);
            let act = if is_own { act } else { act.with("session_id", id.to_string()) };
            self.note_act(&mut batch, home, self.clock.now(), act);
            match self.store.commit(batch).await {
                Ok(_) => break,
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(CommitError::Full | CommitError::Unreadable(_)) => {
                    break self.end_without_commit(home, &[id]).await?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        self.metrics.sessions_ended.of(Ending::One).add_one();
        Ok(())
    }

    /// Ends all sessions of the person, or all others, in one commit.
    ///
    /// # Errors
    /// [`Error::TokenInvalid`] when the session that asks has ended meanwhile, and the errors of the store.
    pub async fn end_sessions(self: &Arc<Self>, who: SignedIn, scope: Scope) -> Result<(), Error> {
        let accounts = Arc::clone(self);
        detached("end_sessions", async move {
            accounts.run_end_sessions(who, scope).await?;
            let ending = if scope == Scope::All { Ending::All } else { Ending::Others };
            accounts.metrics.sessions_ended.of(ending).add_one();
            Ok(())
        })
        .await
    }

    async fn run_end_sessions(&self, mut who: SignedIn, scope: Scope) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let mut user = who.user().clone();
            let home = Home::of(user.id);
            let mut batch = Batch::new(home.slot());
            self.add_end_of_sessions(&mut batch, &mut user, &who, scope).await?;
            batch.expect(home.user(), Expectation::Revision(who.user.revision));
            batch.put(home.user(), records::write_user(&user));
            let act = Act::new(EventKind::SessionsEnded, who.origin()).with("scope", scope.name());
            self.note_act(&mut batch, home, self.clock.now(), act);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(CommitError::Full) => {
                    let mut ended = self.session_ids(home.id()).await?;
                    ended.retain(|id| scope == Scope::All || *id != who.session().id);
                    return self.end_without_commit(home, &ended).await;
                }
                Err(e) => return Err(e.into()),
            }
            who = self.reload(&who).await?;
        }
    }

    /// Ends sessions where no commit is possible, as in a store that is full, or with an index that is damaged: without its
    /// record, a session is no more. The index is tidied when there is room again, and a damaged one by nobody.
    pub(super) async fn end_without_commit(&self, home: Home, sessions: &[SessionId]) -> Result<(), Error> {
        let names = sessions.iter().map(|id| home.session(*id)).collect::<Vec<_>>();
        Ok(self.store.discard(&home.slot(), &names).await?)
    }

    /// Adds to a commit that rewrites `user` that their sessions end.
    ///
    /// Raising the epoch ends them all, whatever their number, and those that are about to be written too. The current
    /// one is carried over into the new epoch, if it has not ended meanwhile. Their records are then only in the way.
    pub(in crate::accounts) async fn add_end_of_sessions(
        &self,
        batch: &mut Batch,
        user: &mut User,
        who: &SignedIn,
        scope: Scope,
    ) -> Result<(), Error> {
        let home = Home::of(user.id);
        let current = &who.session;
        let spared = (scope == Scope::Others).then_some(current.value.id);
        let ended = self.ids_to_end(user.id).await?.into_iter().filter(|id| Some(*id) != spared);
        forget(batch, home, ended);
        user.session_epoch += 1;
        batch.expect(home.session(current.value.id), Expectation::Revision(current.revision));
        if scope == Scope::Others {
            let mut session = current.value.clone();
            session.epoch = user.session_epoch;
            keep(batch, home, &session);
        }
        Ok(())
    }
}
