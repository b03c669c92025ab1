//! What those who run the service do with a user's standing, and the person does not: roles and permissions, and suspending.

use std::collections::BTreeSet;

use super::VersionMatch;
use crate::{
    accounts::{
        Accounts,
        admins::Turn,
        authority::Authority,
        capability::Capability,
        clock::Timestamp,
        error::Error,
        grants::{Grants, Permission, Role},
        keys::Home,
        login::Login,
        sessions,
        suspension::{Suspension, SuspensionReason},
        user::{Stored, User, UserId},
    },
    store::{Batch, CommitError, Expectation},
};

impl Accounts {
    /// Whose login this is: an email address, a username or a user id.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], and the errors of the store.
    pub async fn user_of_login(&self, login: &str) -> Result<UserId, Error> {
        let found = self.find_login(&Login::read(login)).await?;
        found.map(|user| user.value.id).ok_or(Error::UserNotFound)
    }

    /// Gives a user `more`, and answers the user as they are then. What they have already, they keep.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    pub async fn grant(&self, by: &Authority, id: UserId, more: &Grants) -> Result<User, Error> {
        by.needs(Capability::WriteRoles)?;
        self.change_grants(by, id, &VersionMatch::Any, |grants| Ok(grants.with(more)?)).await
    }

    /// Takes `less` away from a user, and answers the user as they are then.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    pub async fn revoke(&self, by: &Authority, id: UserId, less: &Grants) -> Result<User, Error> {
        by.needs(Capability::WriteRoles)?;
        self.change_grants(by, id, &VersionMatch::Any, |grants| Ok(grants.without(less))).await
    }

    /// Gives a user these roles and these permissions in place of those they have. None leaves them as they are. Nobody gives
    /// what they may not do themselves, nor changes somebody who may do more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::VersionMismatch`]; [`Error::TooManyGrants`]; [`Error::LastAdmin`] when nobody else
    /// is an administrator; [`Error::TooManyAdmins`]; [`Error::PermissionDenied`] or [`Error::InsufficientScope`];
    /// [`Error::Contended`] and the errors of the store.
    pub async fn set_grants(
        &self,
        by: &Authority,
        id: UserId,
        roles: Option<&BTreeSet<Role>>,
        permissions: Option<&BTreeSet<Permission>>,
        expected: &VersionMatch,
    ) -> Result<User, Error> {
        by.needs(Capability::WriteRoles)?;
        let next = |grants: &Grants| {
            let (roles, permissions) = (roles.unwrap_or(grants.roles()), permissions.unwrap_or(grants.permissions()));
            Ok(Grants::new(roles.clone(), permissions.clone())?)
        };
        self.change_grants(by, id, expected, next).await
    }

    /// Ends every session of a user, and lets them begin none until then, or until they are [let in again][1]. An
    /// administrator is none any more.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    ///
    /// [1]: Self::unsuspend_user
    pub async fn suspend_user(
        &self,
        by: &Authority,
        id: UserId,
        until: Option<Timestamp>,
        reason: Option<SuspensionReason>,
        expected: &VersionMatch,
    ) -> Result<User, Error> {
        by.needs(Capability::WriteUsers)?;
        let now = self.clock.now();
        let suspend = |user: &User| {
            let former = user.suspension.as_ref().filter(|_| user.is_suspended(now));
            let since = former.map_or(now, |former| former.since);
            let suspension = Some(Suspension { since, until, reason: reason.clone() });
            let session_epoch = user.session_epoch + u64::from(former.is_none());
            let mut next = User { session_epoch, suspension, ..user.clone() };
            next.grants = next.grants.without(&Grants::admin());
            // What somebody has asked for who should not have the account does not come true later.
            if next.pending_email.take().is_some() || next.grants != user.grants {
                next.note_change(now);
            }
            Ok(next)
        };
        self.change_user(by, id, expected, suspend).await
    }

    /// Lets a user sign in again. The sessions that were ended stay ended.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    pub async fn unsuspend_user(&self, by: &Authority, id: UserId, expected: &VersionMatch) -> Result<User, Error> {
        by.needs(Capability::WriteUsers)?;
        self.change_user(by, id, expected, |user| Ok(User { suspension: None, ..user.clone() })).await
    }

    /// People see what they are granted, so other grants make another version.
    async fn change_grants(
        &self,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        change: impl Fn(&Grants) -> Result<Grants, Error>,
    ) -> Result<User, Error> {
        let change = |user: &User| {
            let mut next = User { grants: change(&user.grants)?, ..user.clone() };
            if next != *user {
                next.note_change(self.clock.now());
            }
            Ok(next)
        };
        self.change_user(by, id, expected, change).await
    }

    /// Changes a user in one commit, which also takes away the sessions that a raised epoch has ended.
    async fn change_user(
        &self,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        change: impl Fn(&User) -> Result<User, Error>,
    ) -> Result<User, Error> {
        let mut turn = Turn::new(self.random);
        let outcome = self.change_until_it_sticks(by, id, expected, change, &mut turn).await;
        self.settle_turn(id, &turn, &outcome).await;
        outcome
    }

    async fn change_until_it_sticks(
        &self,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        change: impl Fn(&User) -> Result<User, Error>,
        turn: &mut Turn,
    ) -> Result<User, Error> {
        let mut retry = self.retry();
        loop {
            let Stored { value: user, revision } = self.find_active(id).await?;
            by.may_act_on(&user)?;
            expected.check(&user)?;
            let mut next = change(&user)?;
            self.check_gifts(by, &user, &mut next).await?;
            self.take_turn(&user, Some(&mut next), turn).await?;
            if next == user {
                return Ok(user);
            }
            let home = Home::of(id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(revision));
            if next.session_epoch != user.session_epoch {
                sessions::forget(&mut batch, home, self.session_ids(id).await?);
            }
            self.note_changes(&mut batch, &user, &next, by.origin(), self.clock.now());
            super::write(&mut batch, Some(&user), &next);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Checks that nobody gives more than they have, and finds out what the roles of `next` give.
    pub(in crate::accounts) async fn check_gifts(
        &self,
        by: &Authority,
        user: &User,
        next: &mut User,
    ) -> Result<(), Error> {
        if next.grants == user.grants {
            return Ok(());
        }
        next.from_roles = self.roles_give(next.grants.roles()).await?;
        by.may_give(&(&next.capabilities() - &user.capabilities()))
    }
}
