//! The steps of the protocol, on the store.

use super::{Listed, MAX_ADMINS};
use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::{self, Home},
        records,
        user::{OperationId, Stored, User, UserId},
    },
    store::{Batch, CommitError, Expectation, Revision},
};

impl Accounts {
    /// Whether this user is an administrator. The record of them is read only for somebody who has the role.
    pub(in crate::accounts) async fn is_admin(&self, user: &User) -> Result<bool, Error> {
        Ok(user.has_admin_role() && self.listed_admins().await?.0.has(user, self.clock.now()))
    }

    /// Whether anybody is an administrator.
    pub(super) async fn has_admin(&self) -> Result<bool, Error> {
        self.is_anybody(&self.listed_admins().await?.0, |_| true).await
    }

    /// Strikes a user off the list who is about to lose the role, if they are an administrator. Answers whether they were.
    /// It comes before the commit that writes the user as they were read here.
    ///
    /// # Errors
    /// [`Error::LastAdmin`] when nobody else is one who can sign in; [`Error::Contended`] and the errors of the store.
    pub(in crate::accounts) async fn strike_off(&self, user: &User) -> Result<bool, Error> {
        let mut retry = self.retry();
        loop {
            let (mut listed, revision) = self.listed_admins().await?;
            if !listed.has(user, self.clock.now()) {
                return Ok(false);
            }
            listed.0.remove(&user.id);
            if !self.is_anybody(&listed, |other| self.can_sign_in(other)).await? {
                return Err(Error::LastAdmin);
            }
            match self.write_admins(&listed, revision).await {
                Ok(()) => return Ok(true),
                Err(Error::Contended) => retry.pause().await?,
                Err(e) => return Err(e),
            }
        }
    }

    /// Lists a user who is about to get the role and this operation, which no user has had.
    ///
    /// # Errors
    /// [`Error::TooManyAdmins`]; [`Error::Contended`] and the errors of the store.
    pub(in crate::accounts) async fn list_admin(&self, user: UserId, op: OperationId) -> Result<(), Error> {
        let mut retry = self.retry();
        loop {
            let (mut listed, revision) = self.listed_admins().await?;
            let ops = listed.0.entry(user).or_default();
            if ops.contains(&op) {
                return Ok(());
            }
            ops.push(op);
            if listed.0.len() > MAX_ADMINS {
                self.make_room(&mut listed, user).await?;
            }
            match self.write_admins(&listed, revision).await {
                Ok(()) => return Ok(()),
                Err(Error::Contended) => retry.pause().await?,
                Err(e) => return Err(e),
            }
        }
    }

    /// Takes those off the list who are no administrators: what is left of changes that were cut off.
    async fn make_room(&self, listed: &mut Listed, promoted: UserId) -> Result<(), Error> {
        let (mut others, mut is_safe) = (Vec::new(), false);
        for id in listed.0.keys().filter(|id| **id != promoted) {
            let user = self.find_user(*id).await?.and_then(Stored::active);
            match user.filter(|user| listed.has(&user.value, self.clock.now())) {
                Some(admin) => is_safe = is_safe || self.can_sign_in(&admin.value),
                None => others.push(*id),
            }
        }
        listed.0.retain(|id, _| !others.contains(id));
        if is_safe && listed.0.len() <= MAX_ADMINS { Ok(()) } else { Err(Error::TooManyAdmins) }
    }

    /// Takes other operations off the list once this one is in the user: whoever listed them has lost. Where that fails, they
    /// do no harm. If this one is not listed any more, or that cannot be known, the user is promoted again.
    pub(in crate::accounts) async fn tidy_admin(&self, user: UserId, op: OperationId) {
        let listed = self.listed_admins().await;
        let is_listed = |listed: &Listed| listed.0.get(&user).is_some_and(|ops| ops.contains(&op));
        let Some((mut listed, revision)) = listed.ok().filter(|(listed, _)| is_listed(listed)) else {
            return self.list_again(user).await;
        };
        if listed.0.insert(user, vec![op]).is_some_and(|ops| ops.len() > 1) {
            let _: Result<(), Error> = self.write_admins(&listed, revision).await;
        }
    }

    /// Takes an operation off the list that no user has got, nor will. Where that fails, it does no harm.
    pub(super) async fn unlist(&self, user: UserId, op: OperationId) {
        let unlisted = async {
            let (mut listed, revision) = self.listed_admins().await?;
            match listed.0.get_mut(&user) {
                Some(ops) if *ops == [op] => drop(listed.0.remove(&user)),
                Some(ops) if ops.contains(&op) => ops.retain(|listed| *listed != op),
                _ => return Ok(()),
            }
            self.write_admins(&listed, revision).await
        };
        let _: Result<(), Error> = unlisted.await;
    }

    /// Makes somebody an administrator again who was struck off, and whose record was not written then. It does what it can.
    pub(in crate::accounts) async fn list_again(&self, user: UserId) {
        let op = OperationId::new(self.random);
        let restored = async {
            let mut retry = self.retry();
            loop {
                let Some(Stored { value, revision }) = self.find_user(user).await?.and_then(Stored::active) else {
                    return Ok(());
                };
                if !value.has_admin_role() || self.is_admin(&value).await? {
                    return Ok(());
                }
                self.list_admin(user, op).await?;
                let home = Home::of(user);
                let mut batch = Batch::new(home.slot());
                batch.expect(home.user(), Expectation::Revision(revision));
                batch.put(home.user(), records::write_user(&User { admin_op: Some(op), ..value }));
                match self.store.commit(batch).await {
                    Ok(_) => return Ok(()),
                    Err(CommitError::Conflict) => retry.pause().await?,
                    Err(e) => return Err(Error::from(e)),
                }
            }
        };
        if let Err(error) = restored.await {
            tracing::warn!(user.id = %user, %error, "a user has the role admin and may be no administrator; grant it to them again");
        }
    }

    /// Whether they have what a sign-in takes. Whoever is invited has no password yet.
    fn can_sign_in(&self, user: &User) -> bool {
        user.password_hash.is_usable() && (user.email_verified || !self.settings.confirmations.required)
    }

    /// Whether somebody on the list is an administrator, and such a one.
    async fn is_anybody(&self, listed: &Listed, is_such: impl Fn(&User) -> bool + Send) -> Result<bool, Error> {
        for id in listed.0.keys() {
            if let Some(user) = self.find_user(*id).await?.and_then(Stored::active)
                && listed.has(&user.value, self.clock.now())
                && is_such(&user.value)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn listed_admins(&self) -> Result<(Listed, Option<Revision>), Error> {
        let record = self.store.get(&keys::meta().key(&keys::admins())).await?;
        Ok((Listed::read(record.as_ref())?, record.map(|record| record.revision)))
    }

    async fn write_admins(&self, listed: &Listed, expected: Option<Revision>) -> Result<(), Error> {
        let mut batch = Batch::new(keys::meta());
        batch.expect(keys::admins(), expected.map_or(Expectation::Absent, Expectation::Revision));
        batch.put(keys::admins(), listed.write());
        Ok(self.store.commit(batch).await.map(drop)?)
    }
}

#[cfg(test)]
mod tests;
