//! Where everything is kept. Changing a key here loses what was stored under the old one.
//!
//! | key                            | holds                                                           |
//! |--------------------------------|-----------------------------------------------------------------|
//! | `{b<k>}:user:<uid>`            | the user, or the tombstone of a deleted one                     |
//! | `{b<k>}:session:<uid>:<sid>`   | a session                                                       |
//! | `{b<k>}:sessions:<uid>`        | index: the person's session ids, by expiry                      |
//! | `{b<k>}:index:created`         | index: user ids, by creation time                               |
//! | `{email:<digest>}`             | the claim on an email address                                   |
//! | `{username:<digest>}`          | the claim on a username                                         |
//! | `{idem:<digest>}`              | an idempotency key                                              |
//! | `{meta}`                       | what the store was made with                                    |
//!
//! `k` is the user's bucket: all that belongs to a person is in one slot, so that one commit can change it.

use super::{
    claims::{Handle, HandleKind},
    digest::Digest,
    user::{SessionId, User, UserId},
};
use crate::store::{Key, Name, Slot};

/// Into how many slots users are spread. It is fixed for the life of a store, and kept in [`meta`].
pub(super) const BUCKETS: u8 = 64;

/// The slot of one person, and the names in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home(UserId);

impl Home {
    pub(super) fn of(user: UserId) -> Self {
        Self(user)
    }

    pub(super) fn id(self) -> UserId {
        self.0
    }

    pub(super) fn slot(self) -> Slot {
        let bucket = Digest::of(self.0.as_bytes()).first_byte() % BUCKETS;
        Slot::new(format!("b{bucket}"))
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
}

/// The entries of the indexes over all users, for one user: index, member, score.
pub(super) fn index_entries(user: &User) -> Vec<(Name, String, i64)> {
    vec![(Name::new("index:created"), user.id.to_string(), user.created_at.as_millis())]
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

/// The slot of what the store was made with.
pub(super) fn meta() -> Slot {
    Slot::new("meta")
}
