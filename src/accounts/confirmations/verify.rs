//! Confirming an address: that of the account, or the one that the person wants instead.

use std::sync::Arc;

use super::{MailRequest, Proof, Purpose, find::Found};
use crate::{
    accounts::{
        Accounts,
        claims::{Difference, Gains},
        detached,
        error::Error,
        keys::Home,
        outbox::{Entry, enqueue},
        throttle::Subject,
        user::OperationId,
        users,
    },
    mail::LetterKind,
    store::CommitError,
};

impl Accounts {
    /// Notes that the address is the person's. When it is the one that they want instead of theirs, the account has it from
    /// now on, and the former one is told.
    ///
    /// # Errors
    /// [`Error::ConfirmationInvalid`]; [`Error::EmailTaken`] when somebody else has the address by now;
    /// [`Error::Throttled`] after too many wrong codes; [`Error::Contended`] and the errors of the store.
    pub async fn confirm_email(self: &Arc<Self>, proof: Proof, request: MailRequest) -> Result<(), Error> {
        let accounts = Arc::clone(self);
        let subject = Subject::address(request.from, Subject::Address);
        detached("confirm_email", async move {
            accounts.trying(subject.as_slice(), Box::pin(accounts.run_verification(&proof, &request))).await
        })
        .await
    }

    async fn run_verification(&self, proof: &Proof, request: &MailRequest) -> Result<(), Error> {
        let found = self.find_confirmation(proof, Purpose::Verification).await?;
        let op = OperationId::new(self.random);
        let mut gains = Gains::new();
        let outcome = self.confirm_until_it_sticks(found, op, request, &mut gains).await;
        self.settle_gains(&gains, &outcome).await;
        outcome
    }

    async fn confirm_until_it_sticks(
        &self,
        mut found: Found,
        op: OperationId,
        request: &MailRequest,
        gains: &mut Gains,
    ) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let user = &found.user.value;
            let now = self.clock.now();
            let mut batch = found.use_up(Purpose::Verification);
            let mut next = user.clone();
            let address = found.confirmation.value.email.clone();
            if address.is_same_mailbox(&user.email) {
                if !next.email_verified {
                    next.note_change(now);
                }
                next.email_verified = true;
            } else {
                next.move_to(address, op, now);
                let can_undo = next.previous_email.as_ref().is_some_and(|previous| previous.address == user.email);
                let kind = if can_undo { LetterKind::EmailChanged } else { LetterKind::EmailReplaced };
                enqueue(&mut batch, &Entry::of_user(kind, user.id, &user.email, &request.languages, now, self.random));
                batch.delete(Home::of(user.id).confirmation(Purpose::Reset));
            }
            let Difference { gained, lost } = Difference::between(user, &next);
            match self.claim_gains(user, gained, op, now, gains).await {
                Ok(()) => {}
                // It may be this very person who has it by now, through another request.
                Err(taken @ Error::EmailTaken) => {
                    let latest = self.find_again(&found, Purpose::Verification).await?;
                    if latest.user.revision == found.user.revision {
                        return Err(taken);
                    }
                    found = latest;
                    retry.pause().await?;
                    continue;
                }
                Err(e) => return Err(e),
            }
            self.note_changes(&mut batch, user, &next, request.origin(), now);
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
            found = self.find_again(&found, Purpose::Verification).await?;
        }
    }
}
