//! How email addresses and usernames stay unique although a claim and its user live in different slots.
//!
//! No transaction spans two slots, so a claim is only a hint, and the user record is the truth. A claim names a user, the
//! operation that makes it, and the `fence` of the user at that time (0 for a user who is not there yet):
//!
//! - it is **binding** while the user has this very address or name, put there by this very operation;
//! - it is **pending** while that operation may still succeed: the user is not there and the claim's fence is 0, or the
//!   user's fence is still the claim's;
//! - otherwise it is **dead**, and anybody may take it over.
//!
//! Making a user, or changing an address, first claims and then commits the user record, if its fence is still the claim's.
//! Whoever meets a pending claim leaves it alone for [`PATIENCE`]. After that its maker has probably died, and the
//! contender *fences* it: it writes a tombstone where the user would have been, or raises the user's fence, so that the
//! operation can no longer succeed. Only then is the claim dead and taken over. Clocks decide who may do that, never
//! whether it is safe.

use std::{fmt, str::FromStr, time::Duration};

use uuid::Uuid;

use super::{
    Accounts,
    clock::Timestamp,
    email::EmailAddress,
    error::Error,
    keys::{self, Home},
    random::Random,
    records::{self, Tombstone, UserRecord},
    user::{Stored, User, UserId},
    username::Username,
};
use crate::store::{Batch, CommitError, Expectation, Name, Revision};

/// How long a pending claim is left alone.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a tombstone is kept. No attempt to make a user may last as long: none lasts more than a minute.
pub(super) const TOMBSTONE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Which attempt to make or change a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OperationId(Uuid);

impl OperationId {
    pub(super) fn new(random: Random) -> Self {
        Self(uuid::Builder::from_random_bytes(random.bytes()).into_uuid())
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl FromStr for OperationId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// What one person at most can have: an email address or a username, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) kind: HandleKind,
    pub(super) canonical: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandleKind {
    Email,
    Username,
}

impl Handle {
    pub(super) fn email(address: &EmailAddress) -> Self {
        Self { kind: HandleKind::Email, canonical: address.canonical().to_owned() }
    }

    pub(super) fn username(username: &Username) -> Self {
        Self { kind: HandleKind::Username, canonical: username.canonical() }
    }

    fn taken(&self) -> Error {
        match self.kind {
            HandleKind::Email => Error::EmailTaken,
            HandleKind::Username => Error::UsernameTaken,
        }
    }
}

/// What is stored under a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) user: UserId,
    pub(super) fence: u64,
    pub(super) op: OperationId,
    pub(super) at: Timestamp,
}

impl Claim {
    /// Whether this is the claim of the same operation in the same state of its user.
    fn is(&self, other: &Self) -> bool {
        (self.user, self.fence, self.op) == (other.user, other.fence, other.op)
    }
}

/// As much of a user as a claim depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Absent,
    Tombstone,
    /// `holds` is the operation that gave the user the claimed handle, if they have it.
    Active {
        fence: u64,
        holds: Option<OperationId>,
    },
}

/// What a claim is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Binding,
    Pending,
    Dead,
}

/// Judges a claim by the state of its owner.
pub(super) fn judge(claim: &Claim, owner: Owner) -> Standing {
    match owner {
        Owner::Active { holds: Some(op), .. } if op == claim.op => Standing::Binding,
        Owner::Active { fence, .. } if fence == claim.fence => Standing::Pending,
        Owner::Absent if claim.fence == 0 => Standing::Pending,
        Owner::Active { .. } | Owner::Absent | Owner::Tombstone => Standing::Dead,
    }
}

/// The owner of a claim on `handle`, as far as the claim depends on them.
fn owner(handle: &Handle, user: Option<&Stored<UserRecord>>) -> Owner {
    match user.map(|stored| &stored.value) {
        None => Owner::Absent,
        Some(UserRecord::Tombstone(_)) => Owner::Tombstone,
        Some(UserRecord::Active(user)) => Owner::Active { fence: user.fence, holds: user.holds(handle) },
    }
}

impl User {
    /// The operation that gave this user `handle`, if they have it.
    fn holds(&self, handle: &Handle) -> Option<OperationId> {
        match handle.kind {
            HandleKind::Email => (self.email.canonical() == handle.canonical).then_some(self.email_op),
            HandleKind::Username => {
                let username = self.username.as_ref()?;
                self.username_op.filter(|_| username.canonical() == handle.canonical)
            }
        }
    }

    /// Everything that is claimed for this user, and by which operation.
    pub(super) fn handles(&self) -> Vec<(Handle, OperationId)> {
        let username = self.username.as_ref().map(Handle::username).zip(self.username_op);
        [(Handle::email(&self.email), self.email_op)].into_iter().chain(username).collect()
    }
}

impl Accounts {
    /// Looks whether `mine` could be claimed now, without claiming it: so that a hash is not spent in vain.
    pub(super) async fn ensure_claimable(&self, handle: &Handle, mine: &Claim) -> Result<(), Error> {
        let Some(found) = self.find_claim(handle).await? else { return Ok(()) };
        if found.value.is(mine) {
            return Ok(());
        }
        let user = self.find_user(found.value.user).await?;
        match judge(&found.value, owner(handle, user.as_ref())) {
            Standing::Binding => Err(handle.taken()),
            Standing::Pending if self.is_recent(&found.value) => Err(handle.taken()),
            Standing::Pending | Standing::Dead => Ok(()),
        }
    }

    /// Claims `handle`, or says by whom it is taken. To claim again what is claimed already is no error.
    pub(super) async fn claim(&self, handle: &Handle, mine: &Claim) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let found = self.find_claim(handle).await?;
            let expected = match found {
                None => Expectation::Absent,
                Some(found) if found.value.is(mine) => return Ok(()),
                Some(found) => {
                    let user = self.find_user(found.value.user).await?;
                    match judge(&found.value, owner(handle, user.as_ref())) {
                        Standing::Binding => return Err(handle.taken()),
                        Standing::Pending if self.is_recent(&found.value) => return Err(handle.taken()),
                        Standing::Pending => {
                            self.fence(found.value.user, user).await?;
                            retry.pause().await?;
                            continue; // judged again from the start
                        }
                        Standing::Dead => Expectation::Revision(found.revision),
                    }
                }
            };
            let mut batch = Batch::new(keys::claim(handle));
            batch.expect(Name::ROOT, expected).put(Name::ROOT, records::write_claim(mine));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Takes a claim back, if it is still the one that `op` made for `user`. What cannot be taken back is dead anyway,
    /// so this does not fail.
    pub(super) async fn release(&self, handle: &Handle, user: UserId, op: OperationId) {
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
    async fn fence(&self, id: UserId, user: Option<Stored<UserRecord>>) -> Result<(), Error> {
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

    pub(super) async fn find_claim(&self, handle: &Handle) -> Result<Option<Stored<Claim>>, Error> {
        let record = self.store.get(&keys::claim(handle).key(&Name::ROOT)).await?;
        record.map(|r| stored(records::read_claim(&r), r.revision)).transpose()
    }

    pub(super) async fn find_user(&self, id: UserId) -> Result<Option<Stored<UserRecord>>, Error> {
        let home = Home::of(id);
        let record = self.store.get(&home.key(&home.user())).await?;
        record.map(|r| stored(records::read_user(id, &r), r.revision)).transpose()
    }

    /// The user who has `handle`, if anybody has.
    pub(super) async fn find_by_handle(&self, handle: &Handle) -> Result<Option<Stored<User>>, Error> {
        let Some(claim) = self.find_claim(handle).await? else { return Ok(None) };
        let user = self.find_user(claim.value.user).await?;
        let standing = judge(&claim.value, owner(handle, user.as_ref()));
        Ok(user.filter(|_| standing == Standing::Binding).and_then(Stored::active))
    }

    fn is_recent(&self, claim: &Claim) -> bool {
        self.clock.now() < claim.at.plus(PATIENCE)
    }
}

fn stored<T>(value: Result<T, Error>, revision: Revision) -> Result<Stored<T>, Error> {
    value.map(|value| Stored { value, revision })
}

impl Stored<UserRecord> {
    /// The user, unless this is a tombstone.
    pub(super) fn active(self) -> Option<Stored<User>> {
        match self.value {
            UserRecord::Active(value) => Some(Stored { value, revision: self.revision }),
            UserRecord::Tombstone(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_judged_by_its_owner() {
        let (now, random) = (Timestamp::from_millis(0), Random);
        let (op, other) = (OperationId::new(random), OperationId::new(random));
        let claim = |fence| Claim { user: UserId::new(now, random), fence, op, at: now };
        let active = |fence, holds| Owner::Active { fence, holds };
        for (fence, owner, expected) in [
            (0, Owner::Absent, Standing::Pending),
            (3, Owner::Absent, Standing::Dead),
            (0, Owner::Tombstone, Standing::Dead),
            (0, active(1, Some(op)), Standing::Binding),
            (3, active(4, Some(op)), Standing::Binding),
            (3, active(3, Some(other)), Standing::Pending),
            (3, active(3, None), Standing::Pending),
            (3, active(4, None), Standing::Dead),
            (3, active(4, Some(other)), Standing::Dead),
            (0, active(1, None), Standing::Dead),
        ] {
            assert_eq!(judge(&claim(fence), owner), expected, "fence {fence}, {owner:?}");
        }
    }
}
