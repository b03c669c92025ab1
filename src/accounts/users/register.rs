//! Registering: look whether the address and the name are free, hash, claim both, then commit the user.

use std::sync::Arc;

use super::{
    idempotency::{IdempotencyKey, Recalled},
    registration::{Attempt, NewAccount, Registration},
};
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        claims::{Claim, Handle},
        confirmations::MailRequest,
        detached,
        error::Error,
        events::{Act, EventKind},
        hashing::PasswordHash,
        keys::{self, Home},
        metrics::Outcome,
        outbox::{Entry, enqueue},
        throttle::Subject,
        user::{OperationId, User, UserId},
    },
    mail::LetterKind,
    store::{Batch, CommitError, Expectation},
};

/// What a registration came to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment")]
pub enum Registered {
    /// There is an account.
    Made(User),
    /// There is one, made now or before; which of both is nobody's business.
    Accepted,
}

/// What is to be claimed for a registration, and made of it.
struct Plan {
    handles: Vec<Handle>,
    /// Whether it makes no user, and only does the same work.
    is_decoy: bool,
}

impl Accounts {
    /// Makes an account. Where accounts are concealed, nobody is told whether the email address has one, by no answer and no
    /// time that it takes. Where addresses have to be confirmed, a letter goes there in any case.
    ///
    /// # Errors
    /// [`Error::UnfitPassword`]; [`Error::EmailTaken`], unless accounts are concealed; [`Error::UsernameTaken`]; [`Error::Throttled`];
    /// [`Error::Overloaded`]; with an idempotency key also [`Error::IdempotencyKeyMismatch`] and, unless accounts are
    /// concealed, [`Error::IdempotencyKeyUsed`]; [`Error::Contended`] and the errors of the store.
    pub async fn register(
        self: &Arc<Self>,
        registration: Registration,
        key: Option<IdempotencyKey>,
        request: MailRequest,
    ) -> Result<Registered, Error> {
        let accounts = Arc::clone(self);
        let subject = Subject::address(request.from, Subject::Registrations);
        detached("register", async move {
            let attempt = accounts.attempt(subject.as_slice()).await;
            let attempt = attempt.inspect_err(|_| accounts.metrics.registrations.of(Outcome::Throttled).add_one())?;
            let outcome = Box::pin(accounts.run_registration(&registration, key.as_ref(), &request)).await;
            accounts.metrics.registrations.note(&outcome);
            let failed = matches!(
                outcome,
                Err(Error::Overloaded { .. } | Error::Contended | Error::StoreFull | Error::StoreUnavailable(_))
            );
            // What was answered counts, whatever it was: being told that an address is taken is worth something too.
            accounts.end(attempt, !failed).await;
            match outcome {
                Ok(_) | Err(Error::EmailTaken | Error::IdempotencyKeyUsed) if accounts.settings.conceals() => {
                    Ok(Registered::Accepted)
                }
                outcome => outcome.map(Registered::Made),
            }
        })
        .await
    }

    /// The user, unless it was a decoy: then the address is taken.
    async fn run_registration(
        self: &Arc<Self>,
        registration: &Registration,
        key: Option<&IdempotencyKey>,
        request: &MailRequest,
    ) -> Result<User, Error> {
        let account = registration.account();
        // First, so that it says nothing of who has an account.
        self.check_new_password(&registration.password, &[account.chooser()]).await?;
        let attempt = match key {
            None => self.new_attempt(false),
            Some(key) => match self.recall(key, registration).await? {
                Recalled::Made(user) => return Ok(user),
                Recalled::ToMake(attempt) => attempt,
            },
        };
        let claim = Claim { user: attempt.user, fence: 0, op: attempt.op, at: self.clock.now() };
        let plan = self.plan(&account, &claim).await?;
        let hash = self.hasher.hash(registration.password.to_password()).await?;

        let mailed = self
            .settings
            .confirmations
            .required
            .then(|| Subject::Mails(LetterKind::Verification, Handle::email(&registration.email)));
        let mailing = self.attempt(mailed.as_slice()).await?;
        let outcome = self.commit_registration(&account, &plan, &claim, hash, request).await;
        self.end(mailing, outcome.is_ok()).await;
        match outcome {
            Err(Error::Contended) if attempt.shared => return self.recall_made(attempt, registration).await,
            // The answer does not wait for this, as that to a new address does not.
            Ok(None) => drop(tokio::spawn(Arc::clone(self).release_all(plan.handles, claim))),
            // Whether the user is there is unknown, or another attempt with the same key may rely on the same claims: so
            // they stay. They are good, or somebody takes them over.
            Ok(Some(_)) | Err(Error::StoreUnavailable(_)) => {}
            Err(_) if attempt.shared => {}
            Err(_) => Arc::clone(self).release_all(plan.handles, claim).await,
        }
        outcome?.ok_or(Error::EmailTaken)
    }

    /// Finds out what can be claimed. Where accounts are concealed, the username decides, whoever has the address.
    async fn plan(&self, account: &NewAccount, claim: &Claim) -> Result<Plan, Error> {
        let (email, username) = account.handles();
        let conceals = self.settings.conceals();
        if !conceals {
            self.ensure_claimable(&email, claim).await?;
        }
        if let Some(username) = &username {
            self.ensure_claimable(username, claim).await?;
        }
        // As many round trips for an address that nobody has as for one that somebody has.
        let is_decoy = conceals && self.is_taken(&email).await?;
        let email = if is_decoy { Handle::unattainable(self.random) } else { email };
        Ok(Plan { handles: [email].into_iter().chain(username).collect(), is_decoy })
    }

    async fn commit_registration(
        &self,
        account: &NewAccount,
        plan: &Plan,
        claim: &Claim,
        password_hash: PasswordHash,
        request: &MailRequest,
    ) -> Result<Option<User>, Error> {
        let committed = self.claim_and_commit(&plan.handles, claim, |claim, batch| {
            let user = account.to_user(claim, password_hash);
            if plan.is_decoy {
                self.add_decoy(batch, &user, request.origin());
            } else {
                self.add_new_user(batch, &user, request.origin());
            }
            if self.settings.confirmations.required {
                let (to, languages) = (&account.email, &request.languages);
                let entry = if plan.is_decoy {
                    Entry::of_address(LetterKind::AlreadyRegistered, to, languages, claim.at, self.random)
                } else {
                    Entry::of_user(LetterKind::Verification, claim.user, to, languages, claim.at, self.random)
                };
                enqueue(batch, &entry);
            }
            (!plan.is_decoy).then_some(user)
        });
        let user = committed.await?;
        if self.settings.confirmations.required {
            self.mail_queued.notify_one();
        }
        Ok(user)
    }

    /// Adds to `batch` that there is one more user.
    pub(super) fn add_new_user(&self, batch: &mut Batch, user: &User, by: Origin) {
        super::write(batch, None, user);
        super::count_today(batch, keys::REGISTRATIONS, 1, user.created_at);
        self.note_act(batch, Home::of(user.id), user.created_at, Act::new(EventKind::Registered, by));
    }

    /// Adds to `batch` about as much work as a new user is, of which a tombstone stays for a day and an act of nobody for an
    /// hour: what a user adds to the indexes is taken out of them, where it is not, and what is counted up is by nothing. The
    /// tombstone also makes sure that what is claimed is worth nothing.
    fn add_decoy(&self, batch: &mut Batch, user: &User, by: Origin) {
        super::reindex(batch, Some(user), None);
        super::count_today(batch, keys::REGISTRATIONS, 0, user.created_at);
        self.note_act_of_nobody(batch, user.created_at, Act::new(EventKind::Registered, by));
        super::bury(batch, Home::of(user.id), user.created_at);
    }

    /// Claims what a new account is to have, then commits what `fill` makes of it, where nothing may be yet.
    pub(super) async fn claim_and_commit<T>(
        &self,
        handles: &[Handle],
        claim: &Claim,
        fill: impl FnOnce(&Claim, &mut Batch) -> T,
    ) -> Result<T, Error> {
        // The age of a claim counts from when it is made, not from before the hash.
        let claim = Claim { at: self.clock.now(), ..*claim };
        for handle in handles {
            self.claim(handle, &claim).await?;
        }
        let home = Home::of(claim.user);
        let mut batch = Batch::new(home.slot());
        batch.expect(home.user(), Expectation::Absent);
        let made = fill(&claim, &mut batch);
        match self.store.commit(batch).await {
            Ok(_) => Ok(made),
            // There is a user or a tombstone: another attempt was first, or this one took too long and was fenced.
            Err(CommitError::Conflict) => Err(Error::Contended),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) async fn release_all(self: Arc<Self>, handles: Vec<Handle>, claim: Claim) {
        for handle in &handles {
            self.release(handle, claim.user, claim.op).await;
        }
    }

    pub(super) fn new_attempt(&self, shared: bool) -> Attempt {
        let user = UserId::new(self.clock.now(), self.random);
        Attempt { user, op: OperationId::new(self.random), shared }
    }
}
