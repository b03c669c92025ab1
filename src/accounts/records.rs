//! How things are written into records, and read back. Fields are text that a person can read.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    api_keys::{ApiKey, ApiKeyId},
    claims::Claim,
    clock::Timestamp,
    digest::Digest,
    email::EmailAddress,
    error::Error,
    grants::{self, Grants},
    locale::Locale,
    profile::{DisplayName, Metadata},
    suspension::Suspension,
    token::{Former, Refresh},
    user::{Device, OperationId, PreviousEmail, Session, SessionId, Tombstone, User, UserId, UserRecord},
    username::Username,
};
use crate::store::{Fields, Record};

/// An idempotency key: which account it makes, and out of what.
#[derive(Debug)]
pub(super) struct IdempotencyRecord {
    pub(super) user: UserId,
    pub(super) op: OperationId,
    pub(super) request: Digest,
    pub(super) expires_at: Timestamp,
}

/// Builds the fields of a record.
#[derive(Default)]
pub(super) struct Writer(pub(super) Fields);

impl Writer {
    pub(super) fn field(mut self, name: &str, value: impl Display) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    pub(super) fn optional(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }
}

/// Takes the fields of a record apart.
pub(super) struct Reader<'a>(pub(super) &'a Record);

impl Reader<'_> {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.fields.get(name).map(String::as_str)
    }

    pub(super) fn optional<T>(&self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| Error::Corrupt(format!("the field `{name}`")))
    }

    pub(super) fn required<T>(&self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        self.optional(name, parse)?.ok_or_else(|| Error::Corrupt(format!("no field `{name}`")))
    }
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Redis keeps a hash in half the memory while no value of it is longer than 64 bytes, and a PHC string is longer. So the
/// password hash is in two fields: what is before its last `$`, and what comes of it.
pub(super) fn write_user(user: &User) -> Fields {
    let (setting, hash) = user.password_hash.as_str().rsplit_once('$').unwrap_or_default();
    let (previous, suspension) = (user.previous_email.as_ref(), user.suspension.as_ref());
    Writer::default()
        .field("state", "active")
        .field("email", user.email.as_str())
        .field("email_verified", user.email_verified)
        .field("email_op", user.email_op)
        .optional("pending_email", user.pending_email.as_ref().map(EmailAddress::as_str))
        .optional("previous_email", previous.map(|previous| previous.address.as_str()))
        .optional("previous_email_op", previous.map(|previous| previous.op))
        .optional("previous_email_until", previous.map(|previous| previous.until))
        .optional("username", user.username.as_ref())
        .optional("username_op", user.username_op)
        .optional("name", user.name.as_ref().map(DisplayName::as_str))
        .optional("locale", user.locale.as_ref())
        .field("metadata", &user.metadata)
        .optional("roles", Some(grants::spaced(user.grants.roles())).filter(|roles| !roles.is_empty()))
        .optional("permissions", Some(grants::spaced(user.grants.permissions())).filter(|all| !all.is_empty()))
        .optional("admin_op", user.admin_op)
        .field("password_setting", setting)
        .field("password_hash", hash)
        .field("version", user.version)
        .field("session_epoch", user.session_epoch)
        .field("fence", user.fence)
        .field("created_at", user.created_at)
        .field("updated_at", user.updated_at)
        .optional("last_sign_in_at", user.last_sign_in_at)
        .optional("suspended_at", suspension.map(|suspension| suspension.since))
        .optional("suspended_until", suspension.and_then(|suspension| suspension.until))
        .optional("suspension_reason", suspension.and_then(|suspension| suspension.reason.as_ref()))
        .0
}

pub(super) fn read_user(id: UserId, record: &Record) -> Result<UserRecord, Error> {
    let r = Reader(record);
    match r.text("state") {
        Some("active") => {}
        Some("deleted") => return Ok(UserRecord::Tombstone(Tombstone::Deleted)),
        Some("fenced") => return Ok(UserRecord::Tombstone(Tombstone::Fenced)),
        _ => return Err(Error::Corrupt(format!("the state of user {id}"))),
    }
    let roles = r.optional("roles", grants::parse_spaced)?.unwrap_or_default();
    let permissions = r.optional("permissions", grants::parse_spaced)?.unwrap_or_default();
    let address = |text: &str| EmailAddress::parse(text).ok();
    let previous_email = match r.optional("previous_email", address)? {
        Some(address) => Some(PreviousEmail {
            address,
            op: r.required("previous_email_op", OperationId::parse)?,
            until: r.required("previous_email_until", parsed)?,
        }),
        None => None,
    };
    let suspension = match r.optional("suspended_at", parsed)? {
        Some(since) => Some(Suspension {
            since,
            until: r.optional("suspended_until", parsed)?,
            reason: r.optional("suspension_reason", parsed)?,
        }),
        None => None,
    };
    Ok(UserRecord::Active(User {
        id,
        email: r.required("email", address)?,
        email_verified: r.required("email_verified", parsed)?,
        pending_email: r.optional("pending_email", address)?,
        username: r.optional("username", |text| Username::parse(text).ok())?,
        name: r.optional("name", |text| DisplayName::parse(text).ok())?,
        locale: r.optional("locale", parsed::<Locale>)?,
        metadata: r.required("metadata", Metadata::stored)?,
        grants: Grants::new(roles, permissions).map_err(|e| Error::Corrupt(e.to_string()))?,
        created_at: r.required("created_at", parsed)?,
        updated_at: r.required("updated_at", parsed)?,
        version: r.required("version", parsed)?,
        password_hash: r
            .required("password_hash", |hash| format!("{}${hash}", r.text("password_setting")?).parse().ok())?,
        session_epoch: r.required("session_epoch", parsed)?,
        last_sign_in_at: r.optional("last_sign_in_at", parsed)?,
        suspension,
        fence: r.required("fence", parsed)?,
        from_roles: BTreeSet::new(),
        admin_op: r.optional("admin_op", OperationId::parse)?,
        email_op: r.required("email_op", OperationId::parse)?,
        username_op: r.optional("username_op", OperationId::parse)?,
        previous_email,
    }))
}

pub(super) fn write_tombstone(tombstone: Tombstone, now: Timestamp) -> Fields {
    let state = match tombstone {
        Tombstone::Deleted => "deleted",
        Tombstone::Fenced => "fenced",
    };
    Writer::default().field("state", state).field("at", now).0
}

pub(super) fn write_session(session: &Session) -> Fields {
    let mut writer = Writer::default()
        .field("family_digest", session.refresh.family)
        .field("refresh_digest", session.refresh.current);
    for (former, n) in session.refresh.formers.iter().zip(1..) {
        writer = writer
            .field(&format!("former_digest_{n}"), former.digest)
            .field(&format!("former_salt_{n}"), URL_SAFE_NO_PAD.encode(former.salt))
            .field(&format!("former_at_{n}"), former.at);
    }
    writer
        .field("epoch", session.epoch)
        .field("created_at", session.created_at)
        .field("last_used_at", session.last_used_at)
        .field("expires_at", session.expires_at)
        .field("authenticated_at", session.authenticated_at)
        .optional("user_agent", session.device.user_agent.as_ref())
        .optional("address", session.device.address)
        .0
}

pub(super) fn read_session(id: SessionId, record: &Record) -> Result<Session, Error> {
    let r = Reader(record);
    Ok(Session {
        id,
        refresh: read_refresh(&r)?,
        epoch: r.required("epoch", parsed)?,
        created_at: r.required("created_at", parsed)?,
        last_used_at: r.required("last_used_at", parsed)?,
        expires_at: r.required("expires_at", parsed)?,
        authenticated_at: r.required("authenticated_at", parsed)?,
        device: Device { user_agent: r.text("user_agent").map(str::to_owned), address: r.optional("address", parsed)? },
    })
}

fn read_refresh(r: &Reader<'_>) -> Result<Refresh, Error> {
    let salt = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
    let mut formers = Vec::new();
    for n in 1.. {
        let Some(digest) = r.optional(&format!("former_digest_{n}"), Digest::parse)? else { break };
        let salt = r.required(&format!("former_salt_{n}"), salt)?;
        formers.push(Former { digest, salt, at: r.required(&format!("former_at_{n}"), parsed)? });
    }
    Ok(Refresh {
        family: r.required("family_digest", Digest::parse)?,
        current: r.required("refresh_digest", Digest::parse)?,
        formers,
    })
}

pub(super) fn write_claim(claim: &Claim) -> Fields {
    Writer::default()
        .field("user", claim.user)
        .field("fence", claim.fence)
        .field("op", claim.op)
        .field("at", claim.at)
        .0
}

pub(super) fn read_claim(record: &Record) -> Result<Claim, Error> {
    let r = Reader(record);
    Ok(Claim {
        user: r.required("user", parsed)?,
        fence: r.required("fence", parsed)?,
        op: r.required("op", OperationId::parse)?,
        at: r.required("at", parsed)?,
    })
}

pub(super) fn write_idempotency(record: &IdempotencyRecord) -> Fields {
    Writer::default()
        .field("user", record.user)
        .field("op", record.op)
        .field("request", record.request)
        .field("expires_at", record.expires_at)
        .0
}

pub(super) fn read_idempotency(record: &Record) -> Result<IdempotencyRecord, Error> {
    let r = Reader(record);
    Ok(IdempotencyRecord {
        user: r.required("user", parsed)?,
        op: r.required("op", OperationId::parse)?,
        request: r.required("request", Digest::parse)?,
        expires_at: r.required("expires_at", parsed)?,
    })
}

pub(super) fn write_api_key(key: &ApiKey) -> Fields {
    Writer::default()
        .field("digest", key.digest)
        .field("name", &key.name)
        .field("scopes", grants::spaced(&key.scopes))
        .field("created_at", key.created_at)
        .optional("expires_at", key.expires_at)
        .0
}

pub(super) fn read_api_key(id: ApiKeyId, record: &Record) -> Result<ApiKey, Error> {
    let r = Reader(record);
    Ok(ApiKey {
        id,
        digest: r.required("digest", Digest::parse)?,
        name: r.required("name", parsed)?,
        // One that a later version knows is good for nothing here.
        scopes: r.required("scopes", |text| Some(text.split(' ').filter_map(parsed).collect()))?,
        created_at: r.required("created_at", parsed)?,
        expires_at: r.optional("expires_at", parsed)?,
    })
}

pub(super) fn write_meta(buckets: u8, schema: u32) -> Fields {
    Writer::default().field("buckets", buckets).field("schema", schema).0
}

pub(super) fn read_meta(record: &Record) -> Result<(u8, u32), Error> {
    let r = Reader(record);
    Ok((r.required("buckets", parsed)?, r.required("schema", parsed)?))
}

#[cfg(test)]
mod tests;
