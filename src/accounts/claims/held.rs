//! What a user holds: what is claimed for them, whether they have it now or may have it back.

use super::Handle;
use crate::accounts::{
    claims::HandleKind,
    clock::Timestamp,
    user::{OperationId, PreviousEmail, User},
};

/// What a change of a user gains and loses: first it is gained, then the change is committed, and then the rest is lost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::accounts) struct Difference {
    /// To be claimed before the commit.
    pub(in crate::accounts) gained: Vec<Handle>,
    /// To be released after it.
    pub(in crate::accounts) lost: Vec<(Handle, OperationId)>,
}

impl Difference {
    /// The difference between a user and what they are to be.
    pub(in crate::accounts) fn between(user: &User, next: &User) -> Self {
        let (old, new) = (user.handles(), next.handles());
        let gained = new.iter().filter(|entry| !old.contains(entry)).map(|(handle, _)| handle.clone()).collect();
        let lost = old.iter().filter(|entry| !new.contains(entry)).cloned().collect();
        Self { gained, lost }
    }
}

impl User {
    /// Everything that is claimed for this user, and by which operation: also the address that they may have back, for as
    /// long as it is in their record.
    pub(in crate::accounts) fn handles(&self) -> Vec<(Handle, OperationId)> {
        let email = (Handle::email(&self.email), self.email_op);
        let previous = self.previous_email.as_ref().map(|previous| (Handle::email(&previous.address), previous.op));
        let username = self.username.as_ref().map(Handle::username).zip(self.username_op);
        [email].into_iter().chain(previous).chain(username).collect()
    }

    /// The operation that gave this user `handle`, if they hold it.
    pub(super) fn holds(&self, handle: &Handle) -> Option<OperationId> {
        self.handles().into_iter().find(|(held, _)| held == handle).map(|(_, op)| op)
    }

    /// Whether this user has `handle` now: what they may only have back signs nobody in.
    pub(super) fn has(&self, handle: &Handle) -> bool {
        match handle.kind {
            HandleKind::Email => self.email.canonical() == handle.canonical,
            HandleKind::Username => {
                self.username.as_ref().is_some_and(|username| username.canonical() == handle.canonical)
            }
        }
    }

    /// Whether `handle` is an address that this user could have had back until now, and whoever wants it may have.
    pub(in crate::accounts) fn had(&self, handle: &Handle, now: Timestamp) -> bool {
        let previous = self.previous_email.as_ref().filter(|previous| !previous.is_good(now));
        previous.is_some_and(|previous| Handle::email(&previous.address) == *handle)
    }
}

impl PreviousEmail {
    /// Whether it can still undo the change.
    pub(in crate::accounts) fn is_good(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
