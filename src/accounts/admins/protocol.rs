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
        self.is_anybody_admin(&self.listed_admins().await?.0).await
    }

    /// Strikes a user off the list who is about to lose the role, if they are an administrator. Answers whether they were.
    /// It comes before the commit that writes the user as they were read here.
    ///
    /// # Errors
    /// [`Error::LastAdmin`] when nobody else is one; [`Error::Contended`] and the errors of the store.
    pub(in crate::accounts) async fn strike_off(&self, user: &User) -> Result<bool, Error> {
        let mut retry = self.retry();
        loop {
            let (mut listed, revision) = self.listed_admins().await?;
            if !listed.has(user, self.clock.now()) {
                return Ok(false);
            }
            listed.0.remove(&user.id);
            if !self.is_anybody_admin(&listed).await? {
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
                return Err(Error::TooManyAdmins);
            }
            match self.write_admins(&listed, revision).await {
                Ok(()) => return Ok(()),
                Err(Error::Contended) => retry.pause().await?,
                Err(e) => return Err(e),
            }
        }
    }

    /// Takes other operations off the list once this one is in the user: whoever listed them has lost. Where that fails, they
    /// do no harm.
    pub(in crate::accounts) async fn tidy_admin(&self, user: UserId, op: OperationId) {
        let tidied = async {
            let (mut listed, revision) = self.listed_admins().await?;
            match listed.0.get_mut(&user) {
                Some(ops) if ops.len() > 1 && ops.contains(&op) => *ops = vec![op],
                _ => return Ok(()),
            }
            self.write_admins(&listed, revision).await
        };
        if let Err(error) = tidied.await {
            tracing::debug!(user.id = %user, %error, "the list of administrators was not tidied");
        }
    }

    /// Takes a user off the list who was not made. Where that fails, the entry does no harm.
    pub(super) async fn unlist(&self, user: UserId) {
        let unlisted = async {
            let (mut listed, revision) = self.listed_admins().await?;
            if listed.0.remove(&user).is_none() {
                return Ok(());
            }
            self.write_admins(&listed, revision).await
        };
        if let Err(error) = unlisted.await {
            tracing::debug!(user.id = %user, %error, "an entry in the list of administrators was left behind");
        }
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
            tracing::warn!(user.id = %user, %error, "a user has the role admin and is no administrator; grant it to them again");
        }
    }

    async fn is_anybody_admin(&self, listed: &Listed) -> Result<bool, Error> {
        for id in listed.0.keys() {
            if let Some(user) = self.find_user(*id).await?.and_then(Stored::active)
                && listed.has(&user.value, self.clock.now())
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
