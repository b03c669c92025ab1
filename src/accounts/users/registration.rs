//! What a registration is: who somebody wants to be, and which account an attempt makes of it.

use std::collections::BTreeSet;

use crate::accounts::{
    claims::{Claim, Handle},
    email::EmailAddress,
    grants::Grants,
    hashing::PasswordHash,
    locale::Locale,
    password::{Chooser, NewPassword},
    profile::{DisplayName, Metadata},
    user::{OperationId, User, UserId},
    username::Username,
};

/// Who somebody wants to be.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Their email address.
    pub email: EmailAddress,
    /// Their password.
    pub password: NewPassword,
    /// Their username, if they want one.
    pub username: Option<Username>,
    /// Their display name, if they give one.
    pub name: Option<DisplayName>,
    /// The language that they read, if they say so.
    pub locale: Option<Locale>,
    /// What the application wants to keep with them.
    pub metadata: Metadata,
}

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its email address.
    pub email: EmailAddress,
    /// Whether that is known to be the person's.
    pub email_verified: bool,
    /// Its username.
    pub username: Option<Username>,
    /// The display name.
    pub name: Option<DisplayName>,
    /// The language that the person reads.
    pub locale: Option<Locale>,
    /// What the application keeps with the user.
    pub metadata: Metadata,
    /// Its roles and permissions.
    pub grants: Grants,
    /// Its password. Without one nobody signs in until they have set it.
    pub password: Option<NewPassword>,
    /// Whether the person is mailed a link to set the password.
    pub invite: bool,
}

/// Which account an attempt makes. With an idempotency key, several attempts may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) user: UserId,
    pub(super) op: OperationId,
    pub(super) shared: bool,
}

impl Registration {
    /// What it makes: an account like any other.
    pub(super) fn account(&self) -> NewAccount {
        NewAccount {
            username: self.username.clone(),
            name: self.name.clone(),
            locale: self.locale.clone(),
            metadata: self.metadata.clone(),
            ..NewAccount::of(self.email.clone())
        }
    }
}

impl NewAccount {
    /// One of which nothing is known but the address.
    #[must_use]
    pub fn of(email: EmailAddress) -> Self {
        Self {
            email,
            email_verified: false,
            username: None,
            name: None,
            locale: None,
            metadata: Metadata::default(),
            grants: Grants::default(),
            password: None,
            invite: false,
        }
    }

    pub(super) fn chooser(&self) -> Chooser<'_> {
        Chooser { email: &self.email, username: self.username.as_ref(), name: self.name.as_ref() }
    }

    /// The address and the username, as they are claimed.
    pub(super) fn handles(&self) -> (Handle, Option<Handle>) {
        (Handle::email(&self.email), self.username.as_ref().map(Handle::username))
    }

    pub(in crate::accounts) fn to_user(&self, claim: &Claim, password_hash: PasswordHash) -> User {
        User {
            id: claim.user,
            email: self.email.clone(),
            email_verified: self.email_verified,
            pending_email: None,
            username: self.username.clone(),
            name: self.name.clone(),
            locale: self.locale.clone(),
            metadata: self.metadata.clone(),
            grants: self.grants.clone(),
            created_at: claim.at,
            updated_at: claim.at,
            version: 1,
            password_hash,
            session_epoch: 0,
            last_sign_in_at: None,
            suspension: None,
            fence: 1,
            from_roles: BTreeSet::new(),
            admin_op: None,
            email_op: claim.op,
            username_op: self.username.as_ref().map(|_| claim.op),
            previous_email: None,
        }
    }
}
