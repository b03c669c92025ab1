//! Where everything is kept. Changing a key here loses what was stored under the old one.
//!
//! | key                            | holds                                                           |
//! |--------------------------------|-----------------------------------------------------------------|
//! | `{b<k>}:user:<uid>`            | the user, or the tombstone of a deleted one                     |
//! | `{b<k>}:session:<uid>:<sid>`   | a session                                                       |
//! | `{b<k>}:sessions:<uid>`        | index: the person's session ids, by expiry                      |
//! | `{b<k>}:confirmation:<uid>:<p>`| what was mailed to the person and can be confirmed              |
//! | `{b<k>}:index:created`         | index: user ids, by creation time                               |
//! | `{b<k>}:index:email`           | index: addresses, each with when its user was made and their id |
//! | `{b<k>}:index:username`        | index: usernames, likewise                                      |
//! | `{b<k>}:index:active`          | index: user ids, by when they last used a session               |
//! | `{b<k>}:mail:<id>`             | a mail that is to be sent                                       |
//! | `{b<k>}:index:outbox`          | index: ids of those mails, by when to try                       |
//! | `{b<k>}:index:dead-letters`    | index: ids of mails that are not tried again, by when they failed |
//! | `{b<k>}:index:deleted`         | index: who was deleted and by whom, by when                     |
//! | `{b<k>}:events:<uid>:<yyyy-mm>`| log: what happened to the account in a month (UTC)              |
//! | `{b<k>}:sign-ins:<uid>:<yyyy-mm>`| log: the beginnings and ends of sessions in a month           |
//! | `{b<k>}:changes:<uid>:<yyyy-mm>`| log: what was done in a month that takes no password           |
//! | `{b<k>}:failures:<uid>:<yyyy-mm>`| log: what was tried on it in a month and failed               |
//! | `{b<k>}:failures:nobody`       | log: what came lately of logins that nobody has, and of decoys  |
//! | `{b<k>}:totals`                | how many of the bucket's users have a confirmed address         |
//! | `{b<k>}:day:<yyyy-mm-dd>`      | how often what happened on a day (UTC)                          |
//! | `{email:<digest>}`             | the claim on an email address                                   |
//! | `{username:<digest>}`          | the claim on a username                                         |
//! | `{idem:<digest>}`              | an idempotency key                                              |
//! | `{signing}`                    | the keys that sign access tokens                                |
//! | `{api-keys}:key:<id>`          | an API key                                                      |
//! | `{api-keys}:index:created`     | index: API key ids, by creation time                            |
//! | `{api-keys}:events:<yyyy-mm>`  | log: which keys were made and revoked in a month (UTC)          |
//! | `{devices}`                    | the key that devices are recognised with                        |
//! | `{meta}`                       | what the store was made with                                    |
//! | `{meta}:admins`                | who is an administrator: a field for each, by user id           |
//! | `{roles}`                      | the roles that are defined: a field for each                    |
//! | `{roles}:events:<yyyy-mm>`     | log: what happened to roles in a month (UTC)                    |
//!
//! `k` is the user's bucket: all that belongs to a person is in one slot, so that one commit can change it. A mail is in the
//! bucket of the act that asked for it.

mod place;

pub(super) use self::place::Place;
use super::{
    api_keys::ApiKeyId,
    claims::{Handle, HandleKind},
    clock::Timestamp,
    confirmations::Purpose,
    digest::Digest,
    events::{Log, Month},
    outbox::MailId,
    user::{SessionId, User, UserId},
};

use crate::store::{Key, Name, Slot};

/// Into how many slots users are spread. It is fixed for the life of a store, and kept in [`meta`].
pub(super) const BUCKETS: u8 = 64;

/// The slot of one person, and the names in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Home(UserId);

impl Home {
    pub(super) fn of(user: UserId) -> Self {
        Self(user)
    }

    pub(super) fn id(self) -> UserId {
        self.0
    }

    pub(super) fn bucket(self) -> Bucket {
        Bucket::of(self.0.as_bytes())
    }

    pub(super) fn slot(self) -> Slot {
        self.bucket().slot()
    }

    /// The whole key of a name, for reading it.
    pub(super) fn key(self, name: &Name) -> Key {
        self.slot().key(name)
    }

    pub(super) fn user(self) -> Name {
        Name::new(format!("user:{}", self.0))
    }

    pub(super) fn session(self, session: SessionId) -> Name {
        Name::new(format!("session:{}:{session}", self.0))
    }

    pub(super) fn sessions(self) -> Name {
        Name::new(format!("sessions:{}", self.0))
    }

    pub(super) fn log(self, log: Log, month: Month) -> Name {
        Name::new(format!("{log}:{}:{month}", self.0))
    }

    pub(super) fn confirmation(self, purpose: Purpose) -> Name {
        Name::new(format!("confirmation:{}:{purpose}", self.0))
    }
}

/// One of the slots that people are spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bucket(u8);

impl Bucket {
    /// The one that these bytes belong to.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Digest::of(bytes).first_byte() % BUCKETS)
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..BUCKETS).map(Self)
    }

    pub(super) fn slot(self) -> Slot {
        Slot::new(format!("b{}", self.0))
    }

    /// The keys of what has this name in each bucket, in the order of the buckets.
    pub(super) fn keys(name: &Name) -> Vec<Key> {
        Self::all().map(|bucket| bucket.slot().key(name)).collect()
    }

    fn parse(tag: &str) -> Option<Self> {
        Self::all().find(|bucket| tag == format!("b{}", bucket.0))
    }
}

/// The name of a mail.
pub(super) fn mail(id: MailId) -> Name {
    Name::new(format!("mail:{id}"))
}

/// The index of a bucket's mails that are to be sent, by when to try.
pub(super) fn outbox() -> Name {
    Name::new("index:outbox")
}

/// The index of a bucket's mails that are not tried again, by when they failed.
pub(super) fn dead_letters() -> Name {
    Name::new("index:dead-letters")
}

/// The index of a bucket's users by creation time.
pub(super) fn created() -> Name {
    Name::new("index:created")
}

/// The index of a bucket's users by address: members are [prefixed](by_text) with it.
pub(super) fn by_email() -> Name {
    Name::new("index:email")
}

/// The index of a bucket's users by username.
pub(super) fn by_username() -> Name {
    Name::new("index:username")
}

/// The index of a bucket's users by when they last used a session.
pub(super) fn active() -> Name {
    Name::new("index:active")
}

/// The index of a bucket's deleted users, by when they were deleted: what is kept of them for good.
pub(super) fn deleted() -> Name {
    Name::new("index:deleted")
}

/// The log of what came in a bucket of logins that nobody has, and of registrations that made nobody.
pub(super) fn failures_of_nobody() -> Name {
    Name::new("failures:nobody")
}

/// The name of a bucket's figures that are up to date.
pub(super) fn totals() -> Name {
    Name::new("totals")
}

/// The field of [`totals`] with the number of users whose address is confirmed.
pub(super) const VERIFIED: &str = "verified";

/// The name of a bucket's figures of a day (UTC).
pub(super) fn day(at: Timestamp) -> Name {
    Name::new(format!("day:{}", at.date()))
}

/// The field of a [`day`] with the number of sign-ins.
pub(super) const SIGN_INS: &str = "sign_ins";
/// The field of a [`day`] with the number of sign-ins that failed, also those with a login that nobody has.
pub(super) const SIGN_IN_FAILURES: &str = "sign_in_failures";
/// The field of a [`day`] with the number of accounts that were made.
pub(super) const REGISTRATIONS: &str = "registrations";

/// A member of an index by text: the text, when the user was made, and who it is.
fn by_text(text: &str, user: &User) -> String {
    format!("{text}\0{:013}\0{}", user.created_at.as_millis(), user.id)
}

/// Where users who were made at the same time stand among each other, in the index by creation time: by some bits of
/// a digest, so that few of them have the same place there, of however many that were made at once.
const SPREAD: i64 = 2048;

/// The first score in the index by creation time of whoever was made at this moment.
pub(super) fn created_from(at: Timestamp) -> i64 {
    at.as_millis() * SPREAD
}

/// The score in the index by creation time.
pub(super) fn created_score(user: UserId, at: Timestamp) -> i64 {
    let [high, low] = Digest::of(user.as_bytes()).as_bytes().last_chunk().copied().unwrap_or_default();
    created_from(at) + i64::from(u16::from_be_bytes([high, low])) % SPREAD
}

/// Where a user stands in the index by creation time: index, member.
pub(super) fn created_entry(user: UserId) -> (Key, String) {
    (Home::of(user).key(&created()), user.to_string())
}

/// The entries of the indexes over all users, for one user: index, member, score.
pub(super) fn index_entries(user: &User) -> Vec<(Name, String, i64)> {
    let created = (created(), user.id.to_string(), created_score(user.id, user.created_at));
    let email = (by_email(), by_text(user.email.canonical(), user), 0);
    let username = user.username.as_ref().map(|username| (by_username(), by_text(&username.canonical(), user), 0));
    [created, email].into_iter().chain(username).collect()
}

/// The slot of a claim. The digest keeps the key short, and an email address out of it.
pub(super) fn claim(handle: &Handle) -> Slot {
    let kind = match handle.kind {
        HandleKind::Email => "email",
        HandleKind::Username => "username",
    };
    Slot::new(format!("{kind}:{}", Digest::of(handle.canonical.as_bytes())))
}

/// The slot of an idempotency key.
pub(super) fn idempotency(key: &str) -> Slot {
    Slot::new(format!("idem:{}", Digest::of(key.as_bytes())))
}

/// The slot of all API keys.
pub(super) fn api_keys() -> Slot {
    Slot::new("api-keys")
}

/// The name of an API key.
pub(super) fn api_key(id: ApiKeyId) -> Name {
    Name::new(format!("key:{id}"))
}

/// The index of all API keys by creation time.
pub(super) fn api_keys_created() -> Name {
    Name::new("index:created")
}

/// The slot of what the store was made with.
pub(super) fn meta() -> Slot {
    Slot::new("meta")
}

/// The record of who has the role `admin` that is built in: one field for each of them.
pub(super) fn admins() -> Name {
    Name::new("admins")
}

/// The slot of the roles that are defined.
pub(super) fn roles() -> Slot {
    Slot::new("roles")
}

/// The log of what happened in a month in the slot of [`roles`], or of [`api_keys`].
pub(super) fn service_events(month: Month) -> Name {
    Name::new(format!("events:{month}"))
}

/// The slot of the keys that sign access tokens.
pub(super) fn signing() -> Slot {
    Slot::new("signing")
}

/// The slot of the key that devices are recognised with.
pub(super) fn devices() -> Slot {
    Slot::new("devices")
}
