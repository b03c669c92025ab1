//! Changing a user in the name of those who run the service.

use std::sync::Arc;

use super::{UserPatch, VersionMatch};
use crate::{
    accounts::{
        Accounts,
        authority::Authority,
        capability::Capability,
        claims::{Difference, Gains},
        clock::Timestamp,
        confirmations::Purpose,
        detached,
        email::EmailAddress,
        error::Error,
        keys::Home,
        outbox::{Entry, enqueue},
        profile::MetadataTooLarge,
        user::{OperationId, Stored, User, UserId},
    },
    mail::LetterKind,
    store::{Batch, CommitError, Expectation},
};

/// What those who run the service change of a user. A password is never among it: they can have the user asked to choose
/// another one (ASVS 5.0, 6.4.6).
#[derive(Clone, Debug, Default)]
pub struct ManagedPatch {
    /// What the person could change too.
    pub profile: UserPatch,
    /// The new email address. It is theirs at once, and not confirmed unless that is said as well.
    pub email: Option<EmailAddress>,
    /// Whether the address is confirmed.
    pub email_verified: Option<bool>,
}

impl ManagedPatch {
    /// The user after this patch: another version of them if anything that a client sees has changed. An address that they
    /// move away from can undo nothing: it may be why they are moved.
    pub(super) fn apply(&self, user: &User, op: OperationId, now: Timestamp) -> Result<User, MetadataTooLarge> {
        let mut next = self.profile.apply(user, None, false, op, now)?;
        if let Some(email) = &self.email {
            next.change_email(email.clone(), op);
            if !email.is_same_mailbox(&user.email) {
                next.previous_email = None;
            }
        }
        next.email_verified = self.email_verified.unwrap_or(next.email_verified);
        if next != *user && next.version == user.version {
            next.note_change(now);
        }
        Ok(next)
    }
}

impl Accounts {
    /// Changes a user, all of it or nothing. Where addresses have to be confirmed, a letter goes to a new one.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`]; [`Error::OwnAccount`]; [`Error::UserNotFound`]; [`Error::VersionMismatch`];
    /// [`Error::EmailTaken`], [`Error::UsernameTaken`], [`Error::MetadataTooLarge`]; [`Error::Contended`] and the errors of
    /// the store.
    pub async fn manage_user(
        self: &Arc<Self>,
        by: Authority,
        id: UserId,
        patch: ManagedPatch,
        expected: VersionMatch,
    ) -> Result<User, Error> {
        by.needs(Capability::WriteUsers)?;
        by.expect_another(id)?;
        let accounts = Arc::clone(self);
        detached("manage_user", async move {
            let mut gains = Gains::new();
            let outcome = Box::pin(accounts.manage_until_it_sticks(&by, id, &patch, &expected, &mut gains)).await;
            accounts.settle_gains(&gains, &outcome).await;
            outcome
        })
        .await
    }

    async fn manage_until_it_sticks(
        &self,
        by: &Authority,
        id: UserId,
        patch: &ManagedPatch,
        expected: &VersionMatch,
        gains: &mut Gains,
    ) -> Result<User, Error> {
        let op = OperationId::new(self.random);
        let mut retry = self.retry();
        let mut taken = None;
        loop {
            let Stored { value: user, revision } = self.find_active(id).await?;
            if let Some((error, seen)) = taken.take()
                && revision == seen
            {
                return Err(error);
            }
            by.may_act_on(&user)?;
            expected.check(&user)?;
            let now = self.clock.now();
            let next = patch.apply(&user, op, now).map_err(|_| Error::MetadataTooLarge)?;
            if next == user {
                return Ok(next);
            }
            let Difference { gained, lost } = Difference::between(&user, &next);
            match self.claim_gains(&user, gained, op, now, gains).await {
                Ok(()) => {}
                // It may be this very user who has it by now, through another request.
                Err(error @ (Error::EmailTaken | Error::UsernameTaken)) => {
                    taken = Some((error, revision));
                    retry.pause().await?;
                    continue;
                }
                Err(e) => return Err(e),
            }
            let home = Home::of(id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(revision));
            let is_mailed = self.add_changed_address(&mut batch, &user, &next, now);
            super::write(&mut batch, Some(&user), &next);
            self.note_changes(&mut batch, &user, &next, by.origin(), now);
            match self.store.commit(batch).await {
                Ok(_) => {
                    if is_mailed {
                        self.mail_queued.notify_one();
                    }
                    for (handle, op) in lost {
                        self.release(&handle, id, op).await;
                    }
                    return Ok(next);
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Adds to `batch` what follows from another address: what was mailed to the former one confirms nothing, whoever has it is
    /// told if it was confirmed, and where an address has to be confirmed, the new one is asked to. Answers whether there is a
    /// letter.
    fn add_changed_address(&self, batch: &mut Batch, user: &User, next: &User, now: Timestamp) -> bool {
        if next.email.is_same_mailbox(&user.email) {
            return false;
        }
        for purpose in Purpose::ALL {
            batch.delete(Home::of(user.id).confirmation(purpose));
        }
        let mut letter = |kind, to| enqueue(batch, &Entry::of_user(kind, user.id, to, &[], now, self.random));
        let is_asked = self.settings.confirmations.required && !next.email_verified;
        if is_asked {
            letter(LetterKind::Verification, &next.email);
        }
        if user.email_verified {
            letter(LetterKind::EmailReplaced, &user.email);
        }
        is_asked || user.email_verified
    }
}
