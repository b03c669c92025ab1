//! Where everything is kept. Changing a key here loses what was stored under the old one.
//!
//! | key                            | holds                                                           |
//! |--------------------------------|-----------------------------------------------------------------|
//! | `{b<k>}:user:<uid>`            | the user, or the tombstone of a deleted one                     |
//! | `{b<k>}:session:<uid>:<sid>`   | a session                                                       |
//! | `{b<k>}:sessions:<uid>`        | index: the person's session ids, by expiry                      |
//! | `{b<k>}:confirmation:<uid>:<p>`| what was mailed to the person and can be confirmed              |
//! | `{b<k>}:index:created`         | index: user ids, by creation time                               |
//! | `{b<k>}:mail:<id>`             | a mail that is to be sent                                       |
//! | `{b<k>}:index:outbox`          | index: ids of those mails, by when to try                       |
//! | `{b<k>}:index:dead-letters`    | index: ids of mails that are not tried again, by when they failed |
//! | `{email:<digest>}`             | the claim on an email address                                   |
//! | `{username:<digest>}`          | the claim on a username                                         |
//! | `{idem:<digest>}`              | an idempotency key                                              |
//! | `{signing}`                    | the keys that sign access tokens                                |
//! | `{api-keys}:key:<id>`          | an API key                                                      |
//! | `{api-keys}:index:created`     | index: API key ids, by creation time                            |
//! | `{devices}`                    | the key that devices are recognised with                        |
//! | `{meta}`                       | what the store was made with                                    |
//!
//! `k` is the user's bucket: all that belongs to a person is in one slot, so that one commit can change it. A mail is in the
//! bucket of the act that asked for it.

mod place;

pub(super) use self::place::Place;
use super::{
    api_keys::ApiKeyId,
    claims::{Handle, HandleKind},
    confirmations::Purpose,
    digest::Digest,
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
fn created() -> Name {
    Name::new("index:created")
}

/// Where a user stands in the index by creation time: index, member.
pub(super) fn created_entry(user: UserId) -> (Key, String) {
    (Home::of(user).key(&created()), user.to_string())
}

/// The entries of the indexes over all users, for one user: index, member, score.
pub(super) fn index_entries(user: &User) -> Vec<(Name, String, i64)> {
    vec![(created(), user.id.to_string(), user.created_at.as_millis())]
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

/// The slot of the keys that sign access tokens.
pub(super) fn signing() -> Slot {
    Slot::new("signing")
}

/// The slot of the key that devices are recognised with.
pub(super) fn devices() -> Slot {
    Slot::new("devices")
}
