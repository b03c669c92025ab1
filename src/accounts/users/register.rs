//! Registering: look whether the address and the name are free, hash, claim both, then commit the user.

use std::sync::Arc;

use super::{
    idempotency::{IdempotencyKey, Recalled},
    registration::{Attempt, Registration},
};
use crate::{
    accounts::{
        Accounts,
        claims::{Claim, Handle},
        detached,
        error::Error,
        hasher::PasswordHash,
        keys::Home,
        user::{OperationId, User, UserId},
    },
    store::{Batch, CommitError, Expectation},
};

impl Accounts {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::EmailTaken`], [`Error::UsernameTaken`]; [`Error::Overloaded`]; with an idempotency key also
    /// [`Error::IdempotencyKeyMismatch`] and [`Error::IdempotencyKeyUsed`]; [`Error::Contended`] and the errors of the
    /// store.
    pub async fn register(
        self: &Arc<Self>,
        registration: Registration,
        key: Option<IdempotencyKey>,
    ) -> Result<User, Error> {
        let accounts = Arc::clone(self);
        detached(async move { accounts.run_registration(&registration, key.as_ref()).await }).await
    }

    async fn run_registration(&self, registration: &Registration, key: Option<&IdempotencyKey>) -> Result<User, Error> {
        let attempt = match key {
            None => self.new_attempt(false),
            Some(key) => match self.recall(key, registration).await? {
                Recalled::Made(user) => return Ok(user),
                Recalled::ToMake(attempt) => attempt,
            },
        };
        let claim = Claim { user: attempt.user, fence: 0, op: attempt.op, at: self.clock.now() };
        let handles = registration.handles();
        for handle in &handles {
            self.ensure_claimable(handle, &claim).await?;
        }
        let hash = self.hasher.hash(registration.password.to_password()).await?;

        let outcome = self.claim_and_commit(registration, &handles, &claim, hash).await;
        match outcome {
            Err(Error::Contended) if attempt.shared => return self.recall_made(attempt, registration).await,
            // Whether the user is there is unknown, or another attempt with the same key may rely on the same claims: so
            // they stay. They are good, or somebody takes them over.
            Ok(_) | Err(Error::StoreUnavailable(_)) => {}
            Err(_) if attempt.shared => {}
            Err(_) => {
                for handle in &handles {
                    self.release(handle, claim.user, claim.op).await;
                }
            }
        }
        outcome
    }

    async fn claim_and_commit(
        &self,
        registration: &Registration,
        handles: &[Handle],
        claim: &Claim,
        password_hash: PasswordHash,
    ) -> Result<User, Error> {
        // The age of a claim counts from when it is made, not from before the hash.
        let claim = Claim { at: self.clock.now(), ..*claim };
        for handle in handles {
            self.claim(handle, &claim).await?;
        }
        let user = registration.to_user(&claim, password_hash);
        let home = Home::of(user.id);
        let mut batch = Batch::new(home.slot());
        batch.expect(home.user(), Expectation::Absent);
        super::write(&mut batch, None, &user);
        match self.store.commit(batch).await {
            Ok(_) => Ok(user),
            // There is a user or a tombstone: another attempt was first, or this one took too long and was fenced.
            Err(CommitError::Conflict) => Err(Error::Contended),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) fn new_attempt(&self, shared: bool) -> Attempt {
        let user = UserId::new(self.clock.now(), self.random);
        Attempt { user, op: OperationId::new(self.random), shared }
    }
}
