//! The sessions of somebody else, for those who run the service.

use std::sync::Arc;

use super::forget;
use crate::{
    accounts::{
        Accounts,
        authority::Authority,
        capability::Capability,
        detached,
        error::Error,
        events::{Act, EventKind},
        keys::Home,
        metrics::Ending,
        records,
        user::{Session, SessionId, Stored, UserId},
    },
    store::{Batch, CommitError, Expectation},
};

impl Accounts {
    /// The sessions of a user that have not ended, the latest first.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::UserNotFound`]; the errors of the store.
    pub async fn sessions_of(&self, by: &Authority, id: UserId) -> Result<Vec<Session>, Error> {
        by.needs(Capability::ReadUsers)?;
        let user = self.find_active(id).await?.value;
        self.live_sessions(&user).await
    }

    /// Ends one session of a user.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::UserNotFound`]; [`Error::SessionNotFound`];
    /// [`Error::Contended`] and the errors of the store.
    pub async fn end_session_of(&self, by: &Authority, id: UserId, session: SessionId) -> Result<(), Error> {
        by.needs(Capability::WriteUsers)?;
        let user = self.find_active(id).await?.value;
        by.may_act_on(&user)?;
        self.end_live_session(&user, session, by.origin()).await
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::UserNotFound`]; [`Error::Contended`] and the
    /// errors of the store.
    pub async fn end_sessions_of(self: &Arc<Self>, by: Authority, id: UserId) -> Result<(), Error> {
        by.needs(Capability::WriteUsers)?;
        let accounts = Arc::clone(self);
        detached("end_sessions_of", async move {
            accounts.end_all_sessions(&by, id).await?;
            accounts.metrics.sessions_ended.of(Ending::All).add_one();
            Ok(())
        })
        .await
    }

    /// Raising the epoch ends them all, those that are about to be written too.
    async fn end_all_sessions(&self, by: &Authority, id: UserId) -> Result<(), Error> {
        let home = Home::of(id);
        let mut retry = self.retry();
        loop {
            let Stored { value: mut user, revision } = self.find_active(id).await?;
            by.may_act_on(&user)?;
            let sessions = self.ids_to_end(id).await?;
            user.session_epoch += 1;
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(revision));
            batch.put(home.user(), records::write_user(&user));
            forget(&mut batch, home, sessions);
            self.note_act(
                &mut batch,
                home,
                self.clock.now(),
                Act::new(EventKind::SessionsEnded, by.origin()).with("scope", "all"),
            );
            match self.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(CommitError::Full) => {
                    let ended = self.session_ids(id).await?;
                    return self.end_without_commit(home, &ended).await;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}
