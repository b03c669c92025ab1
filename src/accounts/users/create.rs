//! Making an account for somebody else, and asking somebody to choose a password.

use std::sync::Arc;

use super::{VersionMatch, registration::NewAccount};
use crate::{
    accounts::{
        Accounts,
        admins::Turn,
        authority::Authority,
        capability::Capability,
        claims::{Claim, Handle},
        detached,
        error::Error,
        events::{Act, EventKind},
        keys::Home,
        outbox::{Entry, enqueue},
        throttle::Subject,
        user::{Stored, User, UserId},
    },
    mail::LetterKind,
    store::{Batch, CommitError, Expectation},
};

const RESET: LetterKind = LetterKind::PasswordReset;
const INVITATION: LetterKind = LetterKind::Invitation;

impl Accounts {
    /// Makes an account for somebody. Without a password nobody signs in to it until they have set one, by the link of an
    /// invitation or of a password reset; either shows that the address is theirs. A password is for accounts of machines:
    /// no person should have one that somebody else has chosen (ASVS 5.0, 6.4.6).
    ///
    /// # Errors
    /// [`Error::PermissionDenied`] or [`Error::InsufficientScope`], also when the account could do what its maker may not;
    /// [`Error::AdminNeeded`]; [`Error::UnfitPassword`]; [`Error::EmailTaken`], [`Error::UsernameTaken`];
    /// [`Error::TooManyAdmins`]; [`Error::Throttled`] when the address was invited too often; [`Error::Overloaded`]; [`Error::Contended`] and the errors of the store.
    pub async fn create_user(self: &Arc<Self>, by: Authority, account: NewAccount) -> Result<User, Error> {
        by.needs(Capability::WriteUsers)?;
        if !account.grants.is_empty() {
            by.needs(Capability::WriteRoles)?;
        }
        let accounts = Arc::clone(self);
        detached("create_user", async move {
            let outcome = accounts.create_within_limits(&by, &account).await;
            accounts.metrics.registrations.note(&outcome);
            outcome
        })
        .await
    }

    async fn create_within_limits(self: &Arc<Self>, by: &Authority, account: &NewAccount) -> Result<User, Error> {
        if !account.invite {
            return Box::pin(self.run_creation(by, account)).await;
        }
        let attempt = self.attempt(&[Subject::Mails(INVITATION, Handle::email(&account.email))]).await?;
        let outcome = Box::pin(self.run_creation(by, account)).await;
        self.end(attempt, outcome.is_ok()).await;
        outcome
    }

    async fn run_creation(self: &Arc<Self>, by: &Authority, account: &NewAccount) -> Result<User, Error> {
        if let Some(password) = &account.password {
            self.check_new_password(password, &[account.chooser()]).await?;
        }
        let attempt = self.new_attempt(false);
        let claim = Claim { user: attempt.user, fence: 0, op: attempt.op, at: self.clock.now() };
        let (email, username) = account.handles();
        let handles = [email].into_iter().chain(username).collect::<Vec<_>>();
        for handle in &handles {
            self.ensure_claimable(handle, &claim).await?;
        }
        let hash = match &account.password {
            Some(password) => self.hasher.hash(password.to_password()).await?,
            None => self.hasher.unusable()?,
        };
        let mut user = account.to_user(&claim, hash);
        user.from_roles = self.roles_give(user.grants.roles()).await?;
        by.may_act_on(&user)?;
        let mut turn = Turn::new(self.random, user.has_admin_role());
        self.take_turn(&user.clone(), Some(&mut user), &mut turn).await?;
        let outcome = self.claim_and_commit(&handles, &claim, |claim, batch| {
            let user = User { created_at: claim.at, updated_at: claim.at, ..user.clone() };
            self.add_new_user(batch, &user, by.origin());
            if turn.is_promotion() {
                self.note_promotion(batch, user.id, by.origin(), claim.at);
            }
            if account.invite {
                enqueue(batch, &Entry::of_user(INVITATION, user.id, &user.email, &[], claim.at, self.random));
            }
            user
        });
        let outcome = outcome.await;
        match &outcome {
            Ok(_) => self.mail_queued.notify_one(),
            // As at a registration: it may be there.
            Err(Error::StoreUnavailable(_)) => {}
            Err(_) => Arc::clone(self).release_all(handles, claim).await,
        }
        self.settle_turn(claim.user, &turn, &outcome).await;
        outcome
    }

    /// Mails a user a link and a code to set a new password. What the password is, they alone know, before and after
    /// (ASVS 5.0, 6.4.6).
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::VersionMismatch`]; [`Error::Throttled`]; [`Error::PermissionDenied`] or
    /// [`Error::InsufficientScope`]; the errors of the store.
    pub async fn start_password_reset(
        self: &Arc<Self>,
        by: Authority,
        id: UserId,
        expected: VersionMatch,
    ) -> Result<(), Error> {
        by.needs(Capability::WriteUsers)?;
        let accounts = Arc::clone(self);
        detached("start_password_reset", async move {
            let user = accounts.find_active(id).await?.value;
            by.may_act_on(&user)?;
            expected.check(&user)?;
            let attempt = accounts.attempt(&[Subject::Mails(RESET, Handle::email(&user.email))]).await?;
            let outcome = accounts.mail_reset(&by, id, &expected).await;
            accounts.end(attempt, outcome.is_ok()).await;
            outcome
        })
        .await
    }

    async fn mail_reset(&self, by: &Authority, id: UserId, expected: &VersionMatch) -> Result<(), Error> {
        let home = Home::of(id);
        let mut retry = self.retry();
        loop {
            let Stored { value: user, revision } = self.find_active(id).await?;
            by.may_act_on(&user)?;
            expected.check(&user)?;
            let now = self.clock.now();
            let mut batch = Batch::new(home.slot());
            // Or an event could be written of somebody who was deleted meanwhile.
            batch.expect(home.user(), Expectation::Revision(revision));
            enqueue(&mut batch, &Entry::of_user(RESET, id, &user.email, &[], now, self.random));
            self.note_act(&mut batch, home, now, Act::new(EventKind::PasswordResetStarted, by.origin()));
            match self.store.commit(batch).await {
                Ok(_) => {
                    self.mail_queued.notify_one();
                    return Ok(());
                }
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }
}
