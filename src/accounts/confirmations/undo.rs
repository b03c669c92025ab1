//! Undoing a change of address: whoever has the former one gets the account back.

use std::sync::Arc;

use super::{MailRequest, MailToken, Proof, Purpose};
use crate::{
    accounts::{
        Accounts,
        claims::Difference,
        detached,
        error::Error,
        events::{Act, EventKind},
        keys::Home,
        outbox::{Entry, enqueue},
        sessions,
        throttle::Subject,
        users,
    },
    mail::LetterKind,
    store::CommitError,
};

impl Accounts {
    /// Gives the account its former address back. Whoever changed it may be a thief who knows the password: so every
    /// session ends, the password is good no more, and a link to set a new one is mailed to the address.
    ///
    /// # Errors
    /// [`Error::ConfirmationInvalid`]; [`Error::Contended`] and the errors of the store.
    pub async fn undo_email_change(self: &Arc<Self>, token: MailToken, request: MailRequest) -> Result<(), Error> {
        let accounts = Arc::clone(self);
        let subject = Subject::address(request.from, Subject::Address);
        detached("undo_email_change", async move {
            accounts.trying(subject.as_slice(), Box::pin(accounts.run_undo(token, &request))).await
        })
        .await
    }

    async fn run_undo(&self, token: MailToken, request: &MailRequest) -> Result<(), Error> {
        let mut found = self.find_confirmation(&Proof::Token(token), Purpose::Undo).await?;
        let unusable = self.hasher.unusable()?;
        let mut retry = self.retry();
        loop {
            let user = &found.user.value;
            let (home, now) = (Home::of(user.id), self.clock.now());
            let mut next = user.clone();
            if !next.undo_move(now) {
                return Err(Error::ConfirmationInvalid);
            }
            let lost = Difference::between(user, &next).lost;
            next.password_hash = unusable.clone();
            next.session_epoch += 1;
            let mut batch = found.use_up(Purpose::Undo);
            batch.delete(home.confirmation(Purpose::Verification)).delete(home.confirmation(Purpose::Reset));
            // Signing in writes the user too, so no session can be added unseen between this read and the commit.
            sessions::forget(&mut batch, home, self.ids_to_end(user.id).await?);
            let reset =
                Entry::of_user(LetterKind::PasswordReset, user.id, &next.email, &request.languages, now, self.random);
            enqueue(&mut batch, &reset);
            self.note_act(&mut batch, home, now, Act::new(EventKind::EmailChangeUndone, request.origin()));
            users::write(&mut batch, Some(user), &next);
            match self.store.commit(batch).await {
                Ok(_) => {
                    self.mail_queued.notify_one();
                    for (handle, op) in lost {
                        self.release(&handle, next.id, op).await;
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            found = self.find_again(&found, Purpose::Undo).await?;
        }
    }
}
