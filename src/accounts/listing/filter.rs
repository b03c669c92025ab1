//! Which users a list holds.

use crate::accounts::{
    clock::Timestamp,
    email::fold,
    grants::Role,
    user::{User, UserId},
    username::Username,
};

/// What the users in a list have in common. What is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// What their email address begins with, whatever its case. The domain is meant in ASCII (IDNA).
    pub email_prefix: Option<String>,
    /// What their username begins with, whatever its case.
    pub username_prefix: Option<String>,
    /// When they were made, at the earliest.
    pub created_from: Option<Timestamp>,
    /// When they were made, before this.
    pub created_before: Option<Timestamp>,
    /// What stands somewhere in their display name, whatever its case.
    pub name_contains: Option<String>,
    /// Whether they may sign in.
    pub status: Option<Status>,
    /// A role that they have.
    pub role: Option<Role>,
    /// Whether their address is confirmed.
    pub email_verified: Option<bool>,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// They may.
    Active,
    /// They may not, for now.
    Suspended,
}

impl User {
    /// Whether they may sign in at this moment.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        if self.is_suspended(now) { Status::Suspended } else { Status::Active }
    }
}

impl UserFilter {
    /// The same, in the forms that are compared.
    pub(super) fn canonical(&self) -> Self {
        let canonical = |text: &Option<String>| text.as_deref().map(fold);
        Self {
            email_prefix: canonical(&self.email_prefix),
            username_prefix: canonical(&self.username_prefix),
            name_contains: canonical(&self.name_contains),
            ..self.clone()
        }
    }

    /// Whether this [canonical](Self::canonical) filter lets a user through, but for when they were made.
    pub(super) fn lets_through(&self, user: &User, now: Timestamp) -> bool {
        let is = |prefix: &Option<String>, text: Option<String>| {
            prefix.as_ref().is_none_or(|prefix| text.is_some_and(|text| text.starts_with(prefix)))
        };
        let name = || user.name.as_ref().map(|name| fold(name.as_str()));
        is(&self.email_prefix, Some(user.email.canonical().to_owned()))
            && is(&self.username_prefix, user.username.as_ref().map(Username::canonical))
            && self.name_contains.as_ref().is_none_or(|part| name().is_some_and(|name| name.contains(part)))
            && self.status.is_none_or(|status| user.status(now) == status)
            && self.role.as_ref().is_none_or(|role| user.grants.roles().contains(role))
            && self.email_verified.is_none_or(|verified| user.email_verified == verified)
    }
}

/// Whom a member of an index by text leads to, and when they were made.
pub(super) fn read_member(member: &str) -> Option<(Timestamp, UserId)> {
    let (rest, user) = member.rsplit_once('\0')?;
    let (_, created) = rest.rsplit_once('\0')?;
    Some((Timestamp::from_millis(created.parse().ok()?), user.parse().ok()?))
}
