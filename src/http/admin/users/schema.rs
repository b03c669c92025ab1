//! What goes over the wire about users, for those who run the service.

use std::collections::BTreeSet;

use poem_openapi::{Enum, Object, types::ToJSON};
use serde_json::{Map, Value};

use crate::{
    accounts::{
        self, DisplayName, EmailAddress, Grants, Locale, ManagedPatch, Metadata, NewAccount, NewPassword, Permission,
        Role, SuspensionReason, Timestamp, UserCursor, UserPatch, Username,
    },
    http::{
        body::Form,
        code::FieldCode,
        field::{FieldProblems, Nullable, Optional, Required},
        scalar::{DateTime, OrNull},
        users::User,
    },
};

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename_all = "snake_case", rename = "UserStatus")]
pub(in crate::http) enum Status {
    /// They may.
    Active,
    /// They may not, for now.
    Suspended,
}

impl From<Status> for accounts::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
        }
    }
}

/// A user, as those who run the service see them.
#[derive(Debug, Object)]
pub(in crate::http) struct ManagedUser {
    /// What the person sees too.
    #[oai(flatten)]
    user: User,
    /// The permissions of their own, sorted. `permissions` has those of their roles too.
    own_permissions: Vec<String>,
    /// Whether they may sign in.
    status: Status,
    /// Since when they may not.
    suspended_at: OrNull<DateTime>,
    /// Until when they may not. If they may not, null is until somebody ends it.
    suspended_until: OrNull<DateTime>,
    /// Why they may not, for those who run the service. The person finds it among what they export of their account.
    suspension_reason: OrNull<String>,
    /// When they last signed in.
    last_sign_in_at: OrNull<DateTime>,
}

impl ManagedUser {
    pub(in crate::http) fn new(user: &accounts::User, now: Timestamp) -> Self {
        let suspension = user.suspension.as_ref().filter(|_| user.is_suspended(now));
        let at = |at: &Timestamp| DateTime(at.to_string());
        Self {
            user: User::from(user),
            own_permissions: user.grants.permissions().iter().map(ToString::to_string).collect(),
            status: if suspension.is_some() { Status::Suspended } else { Status::Active },
            suspended_at: OrNull(suspension.map(|suspension| at(&suspension.since))),
            suspended_until: OrNull(suspension.and_then(|suspension| suspension.until.as_ref()).map(at)),
            suspension_reason: OrNull(suspension.and_then(|s| s.reason.as_ref()).map(ToString::to_string)),
            last_sign_in_at: OrNull(user.last_sign_in_at.as_ref().map(at)),
        }
    }
}

/// A page of users.
#[derive(Debug, Object)]
pub(in crate::http) struct ManagedUserList {
    /// The users, in the order that was asked for. Where the list is filtered, there may be fewer than `limit`, and even none,
    /// although it goes on.
    pub(in crate::http) items: Vec<ManagedUser>,
    /// Where the list goes on, for `cursor`. Null is its end.
    pub(in crate::http) next_cursor: OrNull<String>,
}

/// What is to change (a JSON merge patch, RFC 7396): what is absent stays, and null clears. A password is not among it:
/// `request_user_password_reset` has the person asked to choose another one.
#[derive(Debug, Object)]
pub(in crate::http) struct ManagedUserChanges {
    /// The new username, or null for none.
    username: Nullable<Username>,
    /// The new display name, or null for none.
    name: Nullable<DisplayName>,
    /// The new language tag (BCP 47), or null for none.
    locale: Nullable<Locale>,
    /// A merge patch of the metadata, or null for `{}`. The result has at most 4096 bytes.
    metadata: Nullable<Map<String, Value>>,
    /// The new email address. It is theirs at once, and not confirmed unless `email_verified` says so.
    email: Optional<EmailAddress>,
    /// Whether the address is confirmed.
    email_verified: Optional<bool>,
}

impl Form for ManagedUserChanges {
    type Parsed = ManagedPatch;

    fn parse(self, problems: &mut FieldProblems) -> Option<ManagedPatch> {
        let username = problems.take("username", self.username.0);
        let name = problems.take("name", self.name.0);
        let locale = problems.take("locale", self.locale.0);
        let metadata = problems.take("metadata", self.metadata.0);
        let email = problems.take("email", self.email.0);
        let email_verified = problems.take("email_verified", self.email_verified.0);
        let profile =
            UserPatch { username: username?, name: name?, locale: locale?, metadata: metadata?, guarded: None };
        Some(ManagedPatch { profile, email: email?, email_verified: email_verified? })
    }
}

/// Why and until when somebody may not sign in.
#[derive(Debug, Object)]
pub(in crate::http) struct Suspension {
    /// Why, for those who run the service: 1 to 200 characters. The person finds it among what they export of their account.
    reason: Nullable<SuspensionReason>,
    /// Until when. It must be in the future. Without it, until somebody ends it.
    until: Nullable<Timestamp>,
}

impl Form for Suspension {
    type Parsed = (Option<SuspensionReason>, Option<Timestamp>);

    fn parse(self, problems: &mut FieldProblems) -> Option<Self::Parsed> {
        let reason = problems.take("reason", self.reason.0);
        let until = problems.take("until", self.until.0);
        Some((reason?.set(), until?.set()))
    }
}

/// What a user may do from now on. What is absent stays.
#[derive(Debug, Object)]
pub(in crate::http) struct GrantChanges {
    /// The user's roles, at most 32.
    roles: Optional<BTreeSet<Role>>,
    /// The permissions of the user's own, at most 128: those that their roles give are not among them.
    permissions: Optional<BTreeSet<Permission>>,
}

impl Form for GrantChanges {
    type Parsed = (Option<BTreeSet<Role>>, Option<BTreeSet<Permission>>);

    fn parse(self, problems: &mut FieldProblems) -> Option<Self::Parsed> {
        let roles = problems.take("roles", self.roles.0);
        let permissions = problems.take("permissions", self.permissions.0);
        Some((roles?, permissions?))
    }
}

/// A user as JSON, as the API shows them to those who run the service.
pub(in crate::http) fn user_json(user: &accounts::User, now: Timestamp) -> Value {
    ManagedUser::new(user, now).to_json().unwrap_or_default()
}

/// A page of users as JSON, as the API shows it.
pub(in crate::http) fn users_json(users: &[accounts::User], next: Option<UserCursor>, now: Timestamp) -> Value {
    let items = users.iter().map(|user| ManagedUser::new(user, now)).collect();
    let next_cursor = OrNull(next.map(|next| next.to_string()));
    ManagedUserList { items, next_cursor }.to_json().unwrap_or_default()
}

/// An account that is to be made for somebody.
#[derive(Debug, Object)]
pub(in crate::http) struct UserCreation {
    /// The email address. No two users have the same, whatever its case.
    email: Required<EmailAddress>,
    /// Whether the address is known to be the person's.
    email_verified: Optional<bool>,
    /// The username.
    username: Nullable<Username>,
    /// The display name.
    name: Nullable<DisplayName>,
    /// The language that the person reads: a language tag (BCP 47).
    locale: Nullable<Locale>,
    /// A JSON object of at most 4096 bytes for the application's own use.
    metadata: Nullable<Metadata>,
    /// Roles, at most 32. They need `roles:write`.
    roles: Optional<BTreeSet<Role>>,
    /// Permissions, at most 128. They need `roles:write`.
    permissions: Optional<BTreeSet<Permission>>,
    /// A password, for the account of a machine. A person chooses their own, by the link of an invitation or of a password
    /// reset: until then nobody signs in.
    password: Optional<NewPassword>,
    /// Whether the person is mailed a link to set a password. Then there is no `password`.
    invite: Optional<bool>,
}

impl Form for UserCreation {
    type Parsed = NewAccount;

    fn parse(self, problems: &mut FieldProblems) -> Option<NewAccount> {
        let email = problems.take("email", self.email.0);
        let email_verified = problems.take("email_verified", self.email_verified.0);
        let username = problems.take("username", self.username.0);
        let name = problems.take("name", self.name.0);
        let locale = problems.take("locale", self.locale.0);
        let metadata = problems.take("metadata", self.metadata.0);
        let roles = problems.take("roles", self.roles.0);
        let permissions = problems.take("permissions", self.permissions.0);
        let password = match self.password.0.transpose() {
            Some(password) => problems.take_password("password", password).map(Some),
            None => Some(None),
        };
        let invite = problems.take("invite", self.invite.0);
        if let (Some(Some(_)), Some(Some(true))) = (&password, invite) {
            let message = "must not come with a password: whoever is invited chooses their own";
            problems.add("invite", FieldCode::Invalid, message.to_owned());
            return None;
        }
        let grants = match Grants::new(roles?.unwrap_or_default(), permissions?.unwrap_or_default()) {
            Ok(grants) => grants,
            Err(e) => {
                problems.add("permissions", FieldCode::TooLong, e.to_string());
                return None;
            }
        };
        Some(NewAccount {
            email_verified: email_verified?.unwrap_or_default(),
            username: username?.set(),
            name: name?.set(),
            locale: locale?.set(),
            metadata: metadata?.set().unwrap_or_default(),
            grants,
            password: password?,
            invite: invite?.unwrap_or_default(),
            ..NewAccount::of(email?)
        })
    }
}
