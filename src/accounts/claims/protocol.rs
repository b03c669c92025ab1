//! Claiming, taking back, and taking over: the steps of the protocol, on the store.

use super::{Claim, Handle, PATIENCE, Standing, TOMBSTONE_LIFE, judge, owner};
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{self, Home},
        records, roles,
        user::{OperationId, Stored, Tombstone, User, UserId, UserRecord},
    },
    store::{Batch, CommitError, Expectation, Name, Revision, Slot},
};

impl Accounts {
    /// Looks whether `mine` could be claimed now, without claiming it: so that a hash is not spent in vain.
    pub(in crate::accounts) async fn ensure_claimable(&self, handle: &Handle, mine: &Claim) -> Result<(), Error> {
        let Some(found) = self.find_claim(handle).await? else { return Ok(()) };
        if found.value.is(mine) {
            return Ok(());
        }
        let user = self.find_user(found.value.user).await?;
        match judge(&found.value, owner(handle, user.as_ref())) {
            Standing::Binding if self.has_lapsed(handle, user.as_ref()) => Ok(()),
            Standing::Binding => Err(handle.taken()),
            Standing::Pending if self.is_recent(&found.value) => Err(handle.taken()),
            Standing::Pending | Standing::Dead => Ok(()),
        }
    }

    /// Claims `handle`, which nobody had a moment ago: in one step, if that is so still.
    pub(in crate::accounts) async fn claim_new(&self, handle: &Handle, mine: &Claim) -> Result<(), Error> {
        match self.put_claim(handle, mine, Expectation::Absent).await {
            Err(CommitError::Conflict) => self.claim(handle, mine).await,
            outcome => Ok(outcome?),
        }
    }

    async fn put_claim(&self, handle: &Handle, mine: &Claim, expected: Expectation) -> Result<(), CommitError> {
        let mut batch = Batch::new(keys::claim(handle));
        batch.expect(Name::ROOT, expected).put(Name::ROOT, records::write_claim(mine));
        self.store.commit(batch).await.map(drop)
    }

    /// Claims `handle`, or says by whom it is taken. To claim again what is claimed already is no error.
    pub(in crate::accounts) async fn claim(&self, handle: &Handle, mine: &Claim) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let found = self.find_claim(handle).await?;
            let expected = match found {
                None => Expectation::Absent,
                Some(found) if found.value.is(mine) => return Ok(()),
                Some(found) => {
                    let user = self.find_user(found.value.user).await?;
                    match judge(&found.value, owner(handle, user.as_ref())) {
                        Standing::Binding if self.has_lapsed(handle, user.as_ref()) => {
                            self.take_out(user.and_then(Stored::active)).await?;
                            retry.pause().await?;
                            continue; // judged again from the start
                        }
                        Standing::Binding => return Err(handle.taken()),
                        // Another request of the same person is about to have it, or to give it up.
                        Standing::Pending if found.value.user == mine.user && self.is_recent(&found.value) => {
                            retry.pause().await?;
                            continue;
                        }
                        Standing::Pending if self.is_recent(&found.value) => return Err(handle.taken()),
                        Standing::Pending => {
                            self.fence(found.value.user, user).await?;
                            retry.pause().await?;
                            continue; // as above
                        }
                        Standing::Dead => Expectation::Revision(found.revision),
                    }
                }
            };
            match self.put_claim(handle, mine, expected).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Waits until whoever had claimed something before this, and is not there any more, can be told from who is.
    pub(in crate::accounts) async fn wait_for_pending_claims(&self) {
        tokio::time::sleep(PATIENCE).await;
    }

    /// Takes a claim back, if it is still the one that `op` made for `user`. What cannot be taken back is dead anyway,
    /// so this does not fail.
    pub(in crate::accounts) async fn release(&self, handle: &Handle, user: UserId, op: OperationId) {
        let released = async {
            let Some(found) = self.find_claim(handle).await? else { return Ok(()) };
            if (found.value.user, found.value.op) != (user, op) {
                return Ok(());
            }
            let mut batch = Batch::new(keys::claim(handle));
            batch.expect(Name::ROOT, Expectation::Revision(found.revision)).delete(Name::ROOT);
            match self.store.commit(batch).await {
                Ok(_) | Err(CommitError::Conflict) => Ok(()),
                Err(e) => Err(Error::from(e)),
            }
        };
        if let Err(error) = released.await {
            tracing::warn!(user.id = %user, %error, "a claim was left behind; the next contender takes it over");
        }
    }

    /// Makes sure that the operation behind a pending claim can no longer succeed.
    pub(super) async fn fence(&self, id: UserId, user: Option<Stored<UserRecord>>) -> Result<(), Error> {
        let home = Home::of(id);
        let now = self.clock.now();
        let mut batch = Batch::new(home.slot());
        match user {
            None => {
                let until = now.plus(TOMBSTONE_LIFE).as_millis();
                let tombstone = records::write_tombstone(Tombstone::Fenced, now);
                batch.expect(home.user(), Expectation::Absent).put_until(home.user(), tombstone, until);
            }
            Some(Stored { value: UserRecord::Active(mut user), revision }) => {
                user.fence += 1;
                batch.expect(home.user(), Expectation::Revision(revision));
                batch.put(home.user(), records::write_user(&user));
            }
            Some(Stored { value: UserRecord::Tombstone(_), .. }) => return Ok(()),
        }
        match self.store.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()), // either way, the claim is judged again
            Err(e) => Err(e.into()),
        }
    }

    /// Takes the address that a user could have back until now out of their record, so that its claim is dead. If they
    /// have it back first, this does nothing.
    async fn take_out(&self, user: Option<Stored<User>>) -> Result<(), Error> {
        let Some(Stored { value: mut user, revision }) = user else { return Ok(()) };
        let home = Home::of(user.id);
        user.let_go();
        let mut batch = Batch::new(home.slot());
        batch.expect(home.user(), Expectation::Revision(revision));
        batch.put(home.user(), records::write_user(&user));
        match self.store.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()), // as in `fence`
            Err(e) => Err(e.into()),
        }
    }

    /// Whether `user` holds `handle` only as an address that they could have back until now.
    fn has_lapsed(&self, handle: &Handle, user: Option<&Stored<UserRecord>>) -> bool {
        matches!(user.map(|stored| &stored.value), Some(UserRecord::Active(user)) if user.had(handle, self.clock.now()))
    }

    pub(in crate::accounts) async fn find_claim(&self, handle: &Handle) -> Result<Option<Stored<Claim>>, Error> {
        self.find_claim_in(&keys::claim(handle)).await
    }

    pub(super) async fn find_claim_in(&self, slot: &Slot) -> Result<Option<Stored<Claim>>, Error> {
        let record = self.store.get(&slot.key(&Name::ROOT)).await?;
        record.map(|r| stored(records::read_claim(&r), r.revision)).transpose()
    }

    /// The user with this id, and what their roles give them.
    pub(in crate::accounts) async fn find_user(&self, id: UserId) -> Result<Option<Stored<UserRecord>>, Error> {
        let home = Home::of(id);
        let keys = [home.key(&home.user()), keys::roles().key(&Name::ROOT)];
        let records = self.store.get_many(&keys).await?;
        let [Some(record), book] = records.as_slice() else { return Ok(None) };
        let mut found = records::read_user(id, record)?;
        if let UserRecord::Active(user) = &mut found {
            user.from_roles = roles::permissions(book.as_ref(), user.grants.roles())?;
        }
        Ok(Some(Stored { value: found, revision: record.revision }))
    }

    /// The user who has `handle` now, if anybody has. It takes as many round trips whether or not.
    pub(in crate::accounts) async fn find_by_handle(&self, handle: &Handle) -> Result<Option<Stored<User>>, Error> {
        Ok(self.find_holder(handle).await?.filter(|user| user.value.has(handle)))
    }

    /// Whether nobody else can have `handle` now: somebody has it, or may still have it back. It takes as many round
    /// trips whether or not.
    pub(in crate::accounts) async fn is_taken(&self, handle: &Handle) -> Result<bool, Error> {
        let holder = self.find_holder(handle).await?;
        Ok(holder.is_some_and(|user| !user.value.had(handle, self.clock.now())))
    }

    /// The user for whom `handle` is claimed, for good: who has it, or may have it back.
    pub(in crate::accounts) async fn find_holder(&self, handle: &Handle) -> Result<Option<Stored<User>>, Error> {
        let Some(claim) = self.find_claim(handle).await? else {
            // As many round trips as for somebody who is there, so that the time does not tell.
            self.find_user(UserId::NIL).await?;
            return Ok(None);
        };
        let user = self.find_user(claim.value.user).await?;
        let standing = judge(&claim.value, owner(handle, user.as_ref()));
        Ok(user.filter(|_| standing == Standing::Binding).and_then(Stored::active))
    }

    /// Whether whoever made this claim may still be about to make it good.
    pub(in crate::accounts) fn is_recent(&self, claim: &Claim) -> bool {
        self.clock.now() < claim.at.plus(PATIENCE)
    }
}

fn stored<T>(value: Result<T, Error>, revision: Revision) -> Result<Stored<T>, Error> {
    value.map(|value| Stored { value, revision })
}
