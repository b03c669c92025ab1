//! Setting a new password without knowing the old one.

use std::sync::Arc;

use super::{MailRequest, Proof, Purpose};
use crate::{
    accounts::{
        Accounts, detached,
        error::Error,
        events::{Act, EventKind},
        keys::Home,
        outbox::{Entry, enqueue},
        password::{Chooser, NewPassword},
        sessions,
        throttle::Subject,
        users,
    },
    mail::LetterKind,
    store::CommitError,
};

impl Accounts {
    /// Sets the password of whoever was mailed the proof, ends all of their sessions, and notes that the address is
    /// theirs: whoever made the account without having it is out, and so is a change of address that they began.
    ///
    /// # Errors
    /// [`Error::ConfirmationInvalid`]; [`Error::UnfitPassword`], which uses up neither a link nor a try of a code;
    /// [`Error::Throttled`] after too many wrong codes; [`Error::Overloaded`], [`Error::Contended`] and the errors of the
    /// store.
    pub async fn reset_password(
        self: &Arc<Self>,
        proof: Proof,
        password: NewPassword,
        request: MailRequest,
    ) -> Result<(), Error> {
        let accounts = Arc::clone(self);
        let subject = Subject::address(request.from, Subject::Address);
        detached("reset_password", async move {
            accounts.trying(subject.as_slice(), Box::pin(accounts.run_reset(&proof, &password, &request))).await
        })
        .await
    }

    async fn run_reset(&self, proof: &Proof, password: &NewPassword, request: &MailRequest) -> Result<(), Error> {
        let mut found = self.find_confirmation(proof, Purpose::Reset).await?;
        let user = &found.user.value;
        let chooser = Chooser { email: &user.email, username: user.username.as_ref(), name: user.name.as_ref() };
        if let Err(unfit) = self.check_new_password(password, &[chooser]).await {
            if matches!(proof, Proof::Code { .. }) {
                self.untry(&found, Purpose::Reset).await;
            }
            return Err(unfit);
        }
        let hash = self.hasher.hash(password.to_password()).await?;
        let mut retry = self.retry();
        loop {
            let user = &found.user.value;
            let (home, now) = (Home::of(user.id), self.clock.now());
            let mut next = user.clone();
            next.password_hash = hash.clone();
            next.session_epoch += 1;
            if !next.email_verified || next.pending_email.is_some() {
                next.note_change(now);
            }
            next.email_verified = true;
            next.pending_email = None;
            let mut batch = found.use_up(Purpose::Reset);
            batch.delete(home.confirmation(Purpose::Verification));
            // Signing in writes the user too, so no session can be added unseen between this read and the commit.
            sessions::forget(&mut batch, home, self.ids_to_end(user.id).await?);
            let told =
                Entry::of_user(LetterKind::PasswordChanged, user.id, &user.email, &request.languages, now, self.random);
            enqueue(&mut batch, &told);
            self.note_act(&mut batch, home, now, Act::new(EventKind::PasswordReset, request.origin()));
            if !user.email_verified {
                self.note_act(&mut batch, home, now, Act::new(EventKind::EmailVerified, request.origin()));
            }
            users::write(&mut batch, Some(user), &next);
            match self.store.commit(batch).await {
                Ok(_) => {
                    self.mail_queued.notify_one();
                    return Ok(());
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
            found = self.find_again(&found, Purpose::Reset).await?;
        }
    }
}
