//! A user as one line of JSON: how it is read, and how it is written. What is written is read back without loss.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    fault::{FaultKind, LineProblem},
    members::{Members, Wrong, boolean, list, object, parsed, text},
};
use crate::accounts::{
    claims::Handle,
    clock::Timestamp,
    digest::Digest,
    email::EmailAddress,
    grants::{Grants, InvalidGrant, Permission, Role},
    hashing::PasswordHash,
    json::{InvalidJson, read_json},
    locale::{InvalidLocale, Locale},
    profile::{DisplayName, Metadata},
    random::Random,
    suspension::{InvalidSuspensionReason, Suspension, SuspensionReason},
    user::{OperationId, User, UserId},
    username::Username,
};

/// So far ahead may the clock have been of whoever wrote a time.
const AHEAD: Duration = Duration::from_secs(300);

/// The longest text of a password hash, in bytes.
const LONGEST_HASH: usize = 512;

/// A user as a line says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    pub(super) id: Option<UserId>,
    pub(super) email: EmailAddress,
    pub(super) email_verified: bool,
    pub(super) username: Option<Username>,
    pub(super) name: Option<DisplayName>,
    pub(super) locale: Option<Locale>,
    pub(super) metadata: Metadata,
    pub(super) grants: Grants,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) last_sign_in_at: Option<Timestamp>,
    pub(super) suspended: Option<Suspended>,
    pub(super) password_hash: Option<PasswordHash>,
}

/// A suspension as a line says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Suspended {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    reason: Option<SuspensionReason>,
}

impl Form {
    /// Reads a line at the time `now`.
    pub(super) fn read(line: &[u8], now: Timestamp) -> Result<Self, LineProblem> {
        let line = match read_json(line) {
            Ok(Value::Object(line)) => line,
            Ok(_) => return Err(LineProblem::Malformed(1)),
            Err(InvalidJson { repeats: true, column, .. }) => return Err(LineProblem::Repeats(column)),
            Err(InvalidJson { column, .. }) => return Err(LineProblem::Malformed(column)),
        };
        let mut members = Members::new(line, "");
        let past = |value| past(value, now);
        let id = members.take("id", user_id);
        let email = members.take_required("email", |value| said(EmailAddress::parse(&text(value)?)));
        let email_verified = members.take("email_verified", boolean).unwrap_or_default();
        let username = members.take("username", |value| said(Username::parse(&text(value)?)));
        let name = members.take("name", |value| said(DisplayName::parse(&text(value)?)));
        let locale = members.take("locale", parsed(&InvalidLocale.to_string()));
        let metadata = members
            .take("metadata", |value| Metadata::new(object(value)?).map_err(|e| (FaultKind::TooLong, e.to_string())));
        let word = format!("must hold words, and {InvalidGrant}");
        let roles = members.take("roles", list::<Role, _>(&word)).unwrap_or_default();
        let permissions = members.take("permissions", list::<Permission, _>(&word)).unwrap_or_default();
        let grants = Grants::new(roles, permissions);
        if let Err(e) = &grants {
            members.fault("roles", FaultKind::TooLong, e.to_string());
        }
        let created_at = members.take("created_at", past);
        let updated_at = members.take("updated_at", past);
        let last_sign_in_at = members.take("last_sign_in_at", past);
        let suspended = members.take("suspended", object).and_then(|suspended| {
            let mut inner = Members::new(suspended, "suspended");
            let since = inner.take("since", past);
            let until = inner.take("until", parsed("must be a time in RFC 3339"));
            let reason = inner.take("reason", parsed(&InvalidSuspensionReason.to_string()));
            let faults = inner.finish();
            let is_right = faults.is_empty();
            members.faults.extend(faults);
            is_right.then_some(Suspended { since, until, reason })
        });
        let password_hash = members.take("password_hash", password_hash);
        let faults = members.finish();
        match (email, grants) {
            (Some(email), Ok(grants)) if faults.is_empty() => Ok(Self {
                id,
                email,
                email_verified,
                username,
                name,
                locale,
                metadata: metadata.unwrap_or_default(),
                grants,
                created_at,
                updated_at,
                last_sign_in_at,
                suspended,
                password_hash,
            }),
            _ => Err(LineProblem::Fields(faults)),
        }
    }

    /// The user that this makes, who can have no password if the line has none.
    pub(super) fn to_user(&self, now: Timestamp, random: Random, unusable: impl FnOnce() -> PasswordHash) -> User {
        let created_at = self.created_at.unwrap_or(now);
        let id = self.id.unwrap_or_else(|| UserId::new(now, random));
        let op = OperationId::new(random);
        let op_of = |handle: &Handle| self.id.map_or(op, |id| derived(id, handle));
        let suspension = self.suspended.clone().map(|Suspended { since, until, reason }| Suspension {
            since: since.unwrap_or(now),
            until,
            reason,
        });
        User {
            id,
            email: self.email.clone(),
            email_verified: self.email_verified,
            pending_email: None,
            username: self.username.clone(),
            name: self.name.clone(),
            locale: self.locale.clone(),
            metadata: self.metadata.clone(),
            grants: self.grants.clone(),
            created_at,
            updated_at: self.updated_at.unwrap_or(created_at),
            version: 1,
            password_hash: self.password_hash.clone().unwrap_or_else(unusable),
            session_epoch: 0,
            last_sign_in_at: self.last_sign_in_at,
            suspension,
            fence: 1,
            email_op: op_of(&Handle::email(&self.email)),
            username_op: self.username.as_ref().map(|username| op_of(&Handle::username(username))),
            from_roles: BTreeSet::new(),
            admin_op: None,
            previous_email: None,
        }
    }

    /// Whether everything that the line says is so of this user already.
    pub(super) fn is_said_of(&self, user: &User) -> bool {
        fn is<T: PartialEq>(said: Option<&T>, found: Option<&T>) -> bool {
            said.is_none() || said == found
        }
        let is_suspended_so = match (&self.suspended, &user.suspension) {
            (None, None) => true,
            (Some(said), Some(found)) => {
                is(said.since.as_ref(), Some(&found.since))
                    && (&said.until, &said.reason) == (&found.until, &found.reason)
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        (&self.email, self.email_verified, &self.username, &self.name)
            == (&user.email, user.email_verified, &user.username, &user.name)
            && (&self.locale, &self.metadata, &self.grants) == (&user.locale, &user.metadata, &user.grants)
            && is(self.created_at.as_ref(), Some(&user.created_at))
            && is(self.updated_at.as_ref(), Some(&user.updated_at))
            && is(self.last_sign_in_at.as_ref(), user.last_sign_in_at.as_ref())
            && is(self.password_hash.as_ref(), Some(&user.password_hash))
            && is_suspended_so
    }
}

/// Writes a user as a line, with its end.
pub(super) fn write(user: &User) -> String {
    let mut line = Map::new();
    let mut say = |name: &str, value: Option<Value>| value.map(|value| line.insert(name.to_owned(), value));
    let time = |time: Timestamp| json!(time.to_string());
    say("id", Some(json!(user.id.to_string())));
    say("email", Some(json!(user.email.as_str())));
    say("email_verified", Some(json!(user.email_verified)));
    say("username", user.username.as_ref().map(|username| json!(username.as_str())));
    say("name", user.name.as_ref().map(|name| json!(name.as_str())));
    say("locale", user.locale.as_ref().map(|locale| json!(locale.as_str())));
    let metadata = Some(user.metadata.as_object()).filter(|object| !object.is_empty());
    say("metadata", metadata.map(|object| json!(object)));
    let roles = user.grants.roles().iter().map(Role::as_str).collect::<Vec<_>>();
    say("roles", (!roles.is_empty()).then(|| json!(roles)));
    let permissions = user.grants.permissions().iter().map(Permission::as_str).collect::<Vec<_>>();
    say("permissions", (!permissions.is_empty()).then(|| json!(permissions)));
    say("created_at", Some(time(user.created_at)));
    say("updated_at", Some(time(user.updated_at)));
    say("last_sign_in_at", user.last_sign_in_at.map(time));
    let suspended = user.suspension.as_ref().map(|Suspension { since, until, reason }| {
        let mut suspended = Map::from_iter([("since".to_owned(), time(*since))]);
        suspended.extend(until.map(|until| ("until".to_owned(), time(until))));
        suspended.extend(reason.as_ref().map(|reason| ("reason".to_owned(), json!(reason.as_str()))));
        Value::Object(suspended)
    });
    say("suspended", suspended);
    say("password_hash", Some(json!(user.password_hash.as_str())));
    format!("{}\n", Value::Object(line))
}

/// The operation that gives this handle to a user whose id is in the line: the same in every run.
fn derived(id: UserId, handle: &Handle) -> OperationId {
    let digest = Digest::of(format!("import\0{id}\0{:?}\0{}", handle.kind, handle.canonical).as_bytes());
    OperationId::from_bytes(digest.as_bytes().first_chunk().copied().unwrap_or_default())
}

fn said<T, E: ToString>(read: Result<T, E>) -> Result<T, Wrong> {
    read.map_err(|e| (FaultKind::Invalid, e.to_string()))
}

fn user_id(value: Value) -> Result<UserId, Wrong> {
    let id = parsed("must be a UUID with hyphens")(value)?;
    if id == UserId::NIL { Err((FaultKind::Invalid, "must not be the nil UUID".to_owned())) } else { Ok(id) }
}

fn past(value: Value, now: Timestamp) -> Result<Timestamp, Wrong> {
    let must = "must be a time in RFC 3339, from 1970 to now";
    let time = parsed::<Timestamp>(must)(value)?;
    let is_past = time.as_millis() >= 0 && time <= now.plus(AHEAD);
    if is_past { Ok(time) } else { Err((FaultKind::Invalid, must.to_owned())) }
}

fn password_hash(value: Value) -> Result<PasswordHash, Wrong> {
    let text = text(value)?;
    if text.len() > LONGEST_HASH {
        return Err((FaultKind::TooLong, format!("must have at most {LONGEST_HASH} bytes")));
    }
    text.parse().map_err(|_| {
        let must = "must be a hash in one of the forms that are known, which costs no more than one may";
        (FaultKind::Invalid, must.to_owned())
    })
}
