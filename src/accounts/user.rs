//! What an account is: a user and their sessions.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{
    capability::{Capability, capabilities},
    clock::Timestamp,
    digest::Digest,
    email::EmailAddress,
    grants::{Grants, Permission},
    hashing::PasswordHash,
    locale::Locale,
    profile::{DisplayName, Metadata},
    random::Random,
    suspension::Suspension,
    token::Refresh,
    user_agent,
    username::Username,
};
use crate::store::Revision;

/// Names a type of `UUIDv7` (RFC 9562): sortable by the time it was made, and not guessable.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            pub(in crate::accounts) fn new(now: Timestamp, random: Random) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random.bytes()).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Reads the form with hyphens, and no other: 32 digits alone could be a username.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<uuid::fmt::Hyphenated>().map(|id| Self(id.into_uuid()))
            }
        }
    };
}
pub(super) use id;

/// The id that an entry of an index is, as this service writes it: in small letters.
pub(super) fn id_of_entry<T: FromStr>(entry: &str) -> Option<T> {
    if entry.bytes().any(|byte| byte.is_ascii_uppercase()) { None } else { entry.parse().ok() }
}

/// Makes an id part of a token.
macro_rules! id_bytes {
    ($name:ident) => {
        impl $name {
            pub(in crate::accounts) fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            pub(in crate::accounts) fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }
    };
}
pub(super) use id_bytes;

id! {
    /// Which user. An id is random and never used again.
    UserId
}

id! {
    /// Which session.
    SessionId
}

id_bytes!(UserId);
id_bytes!(SessionId);

impl UserId {
    /// The id of nobody.
    pub(super) const NIL: Self = Self(Uuid::nil());

    /// The id that is looked up for a text that leads to nobody, so that as much is done as for somebody. It is nobody's.
    pub(super) fn of_nobody(text: &str) -> Self {
        Digest::of(text.as_bytes()).as_bytes().first_chunk().map_or(Self::NIL, |id| Self::from_bytes(*id))
    }
}

/// Which attempt to make or change a user; see [`claims`](super::claims).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OperationId([u8; 16]);

impl OperationId {
    pub(super) fn new(random: Random) -> Self {
        Self(random.bytes())
    }

    /// Reads the text form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// As text it is base64url without padding: there are four of it for each user, and memory is dear.
impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// A person's account.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Which user.
    pub id: UserId,
    /// The email address, unique among users.
    pub email: EmailAddress,
    /// Whether the person has shown that the address is theirs.
    pub email_verified: bool,
    /// The address that the person wants instead, once they have shown that it is theirs.
    pub pending_email: Option<EmailAddress>,
    /// The username, if they have one; unique among users.
    pub username: Option<Username>,
    /// The display name, if they gave one.
    pub name: Option<DisplayName>,
    /// The language that the person reads, if they said so.
    pub locale: Option<Locale>,
    /// Whatever the application keeps with the user.
    pub metadata: Metadata,
    /// What an operator lets them do.
    pub grants: Grants,
    /// That they may not sign in, if an operator said so.
    pub suspension: Option<Suspension>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When what is above last changed.
    pub updated_at: Timestamp,
    /// How often what is above has changed, counting its making: what an `ETag` shows, and `If-Match` compares.
    pub version: u64,
    pub(super) password_hash: PasswordHash,
    /// Raised to end every session that was made before.
    pub(super) session_epoch: u64,
    /// When they last signed in, if they have.
    pub last_sign_in_at: Option<Timestamp>,
    /// See [`claims`](super::claims): raised whenever what this user holds changes, or a claim of theirs is refused
    /// for good.
    pub(super) fence: u64,
    /// What their roles give them: read with the user, and not a part of their record.
    pub(super) from_roles: BTreeSet<Permission>,
    /// With the role `admin`: which attempt gave it to them; see [`admins`](super::admins).
    pub(super) admin_op: Option<OperationId>,
    pub(super) email_op: OperationId,
    pub(super) username_op: Option<OperationId>,
    /// The address before the last change, which can still undo it.
    pub(super) previous_email: Option<PreviousEmail>,
}

impl User {
    /// All that they may do, sorted: by permissions of their own and by their roles.
    #[must_use]
    pub fn permissions(&self) -> BTreeSet<&Permission> {
        let mut all = BTreeSet::new();
        all.extend(self.grants.permissions());
        all.extend(&self.from_roles);
        all
    }

    /// What they may do at Latchkey itself. Whoever has the role `admin` is taken for an administrator here, though it may be
    /// that they are none.
    #[must_use]
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        if self.grants.names_admin() {
            return Capability::ALL.into();
        }
        capabilities(self.permissions())
    }
}

/// An address that the person had, and can have back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PreviousEmail {
    pub(super) address: EmailAddress,
    /// The operation that gave it to them. Its claim stays binding.
    pub(super) op: OperationId,
    pub(super) until: Timestamp,
}

/// What is stored under a user's key.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every one of them is a user")]
pub(super) enum UserRecord {
    Active(User),
    Tombstone(Tombstone),
}

/// Why an id will never be a user again. A tombstone is kept longer than any attempt to make the user can last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tombstone {
    /// The account was deleted.
    Deleted,
    /// The account was never made: its claim was given to somebody else first.
    Fenced,
}

/// A sign-in that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Which session.
    pub id: SessionId,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When the session ends by itself, if it is not used until then.
    pub expires_at: Timestamp,
    /// When the password was last given in this session.
    pub authenticated_at: Timestamp,
    /// What the person signed in with and from where.
    pub device: Device,
    pub(super) refresh: Refresh,
    pub(super) epoch: u64,
}

/// What a sign-in came from, as far as the request tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The address of the client.
    pub address: Option<IpAddr>,
}

/// A value and the revision of the record it was read from.
#[derive(Clone, Debug)]
pub(super) struct Stored<T> {
    pub(super) value: T,
    pub(super) revision: Revision,
}

impl Device {
    /// What the person signed in with, as people call it, such as `Firefox 145 on Linux`.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        user_agent::readable(self.user_agent.as_deref()?)
    }
}

impl Stored<UserRecord> {
    /// The user, unless this is a tombstone.
    pub(super) fn active(self) -> Option<Stored<User>> {
        match self.value {
            UserRecord::Active(value) => Some(Stored { value, revision: self.revision }),
            UserRecord::Tombstone(_) => None,
        }
    }
}
