//! What those who run the service do with a user's standing, and the person does not: roles and permissions, and suspending.

use std::{collections::BTreeSet, sync::Arc};

use super::VersionMatch;
use crate::{
    accounts::{
        Accounts,
        admins::Turn,
        authority::{Authority, Origin},
        capability::Capability,
        clock::Timestamp,
        detached,
        error::Error,
        events::{Act, EventKind},
        grants::{Grants, Permission, Role},
        keys::Home,
        login::Login,
        sessions,
        suspension::{Suspension, SuspensionReason},
        user::{Stored, User, UserId},
    },
    store::{Batch, CommitError, Expectation},
};

/// What becomes of a user.
type Change = Box<dyn Fn(&User) -> Result<User, Error> + Send + Sync>;

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
    pub async fn grant(self: &Arc<Self>, by: &Authority, id: UserId, more: &Grants) -> Result<User, Error> {
        by.needs(Capability::WriteRoles)?;
        let (more, gives_admin) = (more.clone(), more.names_admin());
        self.change_grants(by, id, &VersionMatch::Any, gives_admin, move |grants| Ok(grants.with(&more)?)).await
    }

    /// Takes `less` away from a user, and answers the user as they are then.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    pub async fn revoke(self: &Arc<Self>, by: &Authority, id: UserId, less: &Grants) -> Result<User, Error> {
        by.needs(Capability::WriteRoles)?;
        let less = less.clone();
        self.change_grants(by, id, &VersionMatch::Any, false, move |grants| Ok(grants.without(&less))).await
    }

    /// Gives a user these roles and these permissions in place of those they have. None leaves them as they are. Nobody gives
    /// what they may not do themselves, nor changes somebody who may do more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::VersionMismatch`]; [`Error::TooManyGrants`]; [`Error::LastAdmin`] when nobody else
    /// is an administrator who can sign in; [`Error::UserSuspended`] when such a user would get the role `admin`;
    /// [`Error::TooManyAdmins`]; [`Error::PermissionDenied`], [`Error::InsufficientScope`] or [`Error::AdminNeeded`];
    /// [`Error::Contended`] and the errors of the store.
    pub async fn set_grants(
        self: &Arc<Self>,
        by: &Authority,
        id: UserId,
        roles: Option<&BTreeSet<Role>>,
        permissions: Option<&BTreeSet<Permission>>,
        expected: &VersionMatch,
    ) -> Result<User, Error> {
        by.needs(Capability::WriteRoles)?;
        let gives_admin = roles.is_some_and(|roles| roles.iter().any(Role::is_admin));
        let (roles, permissions) = (roles.cloned(), permissions.cloned());
        let next = move |grants: &Grants| {
            let (roles, permissions) =
                (roles.as_ref().unwrap_or(grants.roles()), permissions.as_ref().unwrap_or(grants.permissions()));
            Ok(Grants::new(roles.clone(), permissions.clone())?)
        };
        self.change_grants(by, id, expected, gives_admin, next).await
    }

    /// Ends every session of a user, and lets them begin none until then, or until they are [let in again][1]. An
    /// administrator is none any more.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    ///
    /// [1]: Self::unsuspend_user
    pub async fn suspend_user(
        self: &Arc<Self>,
        by: &Authority,
        id: UserId,
        until: Option<Timestamp>,
        reason: Option<SuspensionReason>,
        expected: &VersionMatch,
    ) -> Result<User, Error> {
        by.needs(Capability::WriteUsers)?;
        let now = self.clock.now();
        let suspend = move |user: &User| {
            let former = user.suspension.as_ref().filter(|_| user.is_suspended(now));
            let since = former.map_or(now, |former| former.since);
            let suspension = Some(Suspension { since, until, reason: reason.clone() });
            let session_epoch = user.session_epoch + u64::from(former.is_none());
            let mut next = User { suspension, session_epoch, ..user.clone() };
            next.grants = next.grants.without(&Grants::admin());
            // What somebody has asked for who should not have the account does not come true later.
            next.pending_email = None;
            if next != *user {
                next.note_change(now);
            }
            Ok(next)
        };
        self.change_user(by, id, expected, false, Box::new(suspend)).await
    }

    /// Lets a user sign in again. The sessions that were ended stay ended.
    ///
    /// # Errors
    /// As [`set_grants`](Self::set_grants).
    pub async fn unsuspend_user(
        self: &Arc<Self>,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
    ) -> Result<User, Error> {
        by.needs(Capability::WriteUsers)?;
        let now = self.clock.now();
        let unsuspend = move |user: &User| {
            let mut next = User { suspension: None, ..user.clone() };
            if next != *user {
                next.note_change(now);
            }
            Ok(next)
        };
        self.change_user(by, id, expected, false, Box::new(unsuspend)).await
    }

    /// People see what they are granted, so other grants make another version.
    async fn change_grants(
        self: &Arc<Self>,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        gives_admin: bool,
        change: impl Fn(&Grants) -> Result<Grants, Error> + Send + Sync + 'static,
    ) -> Result<User, Error> {
        if gives_admin {
            by.needs_admin()?;
        }
        let now = self.clock.now();
        let change = move |user: &User| {
            let mut next = User { grants: change(&user.grants)?, ..user.clone() };
            if next != *user {
                next.note_change(now);
            }
            Ok(next)
        };
        self.change_user(by, id, expected, gives_admin, Box::new(change)).await
    }

    /// Changes a user in one commit, which also takes away the sessions that a raised epoch has ended.
    async fn change_user(
        self: &Arc<Self>,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        gives_admin: bool,
        change: Change,
    ) -> Result<User, Error> {
        let (accounts, by, expected) = (Arc::clone(self), by.clone(), expected.clone());
        detached("change_user", async move {
            let mut turn = Turn::new(accounts.random, gives_admin);
            let outcome = accounts.change_until_it_sticks(&by, id, &expected, change, &mut turn).await;
            accounts.settle_turn(id, &turn, &outcome).await;
            outcome
        })
        .await
    }

    async fn change_until_it_sticks(
        &self,
        by: &Authority,
        id: UserId,
        expected: &VersionMatch,
        change: Change,
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
            let (home, now) = (Home::of(id), self.clock.now());
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(revision));
            if next.session_epoch != user.session_epoch {
                sessions::forget(&mut batch, home, self.ids_to_end(id).await?);
            }
            self.note_changes(&mut batch, &user, &next, by.origin(), now);
            if turn.is_promotion() && user.has_admin_role() {
                self.note_promotion(&mut batch, id, by.origin(), now);
            }
            super::write(&mut batch, Some(&user), &next);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Adds to `batch` that somebody becomes an administrator, where no change of their roles says so.
    pub(super) fn note_promotion(&self, batch: &mut Batch, id: UserId, by: Origin, now: Timestamp) {
        let act = Act::new(EventKind::RolesChanged, by).with("added", vec![Role::ADMIN]);
        self.note_act(batch, Home::of(id), now, act.with("removed", Vec::<&str>::new()));
    }

    /// Checks that nobody gives more than they have, and finds out what the roles of `next` give.
    async fn check_gifts(&self, by: &Authority, user: &User, next: &mut User) -> Result<(), Error> {
        if next.grants == user.grants {
            return Ok(());
        }
        next.from_roles = self.roles_give(next.grants.roles()).await?;
        by.may_give(&(&next.capabilities() - &user.capabilities()))
    }
}
