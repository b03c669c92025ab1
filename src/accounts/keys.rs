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
//! | `{signing}`                    | the keys that sign access tokens                                |
//! | `{api-keys}:key:<id>`          | an API key                                                      |
//! | `{api-keys}:index:created`     | index: API key ids, by creation time                            |
//! | `{devices}`                    | the key that devices are recognised with                        |
//! | `{meta}`                       | what the store was made with                                    |
//!
//! `k` is the user's bucket: all that belongs to a person is in one slot, so that one commit can change it.

use super::{
    api_keys::ApiKeyId,
    claims::{Handle, HandleKind},
    digest::Digest,
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

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    User(Home),
    Session(Home, SessionId),
    /// The index of one person's sessions.
    Sessions(Home),
    /// A bucket's part of an index over all users.
    Users(Key),
    Claim(Slot),
    Idempotency(Key),
    SigningKeys(Key),
    DeviceKey(Key),
    ApiKey(ApiKeyId),
    /// The index of all API keys.
    ApiKeys,
    Meta,
}

impl Place {
    /// Reads a key. None is one that nothing here writes.
    pub(super) fn of(key: &Key) -> Option<Self> {
        let (slot, name) = key.parts();
        let tag = slot.to_string();
        if name == Name::ROOT {
            return match tag.split_once(':') {
                Some(("email" | "username", digest)) => Digest::parse(digest).map(|_| Self::Claim(slot)),
                Some(("idem", digest)) => Digest::parse(digest).map(|_| Self::Idempotency(key.clone())),
                _ if slot == signing() => Some(Self::SigningKeys(key.clone())),
                _ if slot == devices() => Some(Self::DeviceKey(key.clone())),
                _ => (slot == meta()).then_some(Self::Meta),
            };
        }
        let (kind, rest) = name.as_str().split_once(':')?;
        let home = || rest.parse().ok().map(Home::of);
        let place = match kind {
            "user" => Self::User(home()?),
            "sessions" => Self::Sessions(home()?),
            "session" => {
                let (user, session) = rest.split_once(':')?;
                Self::Session(Home::of(user.parse().ok()?), session.parse().ok()?)
            }
            "key" => Self::ApiKey(rest.parse().ok()?),
            "index" if slot == api_keys() && rest == "created" => Self::ApiKeys,
            "index" if is_bucket(&tag) && rest == "created" => Self::Users(key.clone()),
            _ => return None,
        };
        // What lies in a bucket that is not its own is never looked up.
        (place.key() == *key).then_some(place)
    }

    fn key(&self) -> Key {
        match self {
            Self::User(home) => home.key(&home.user()),
            Self::Session(home, session) => home.key(&home.session(*session)),
            Self::Sessions(home) => home.key(&home.sessions()),
            Self::Users(key) | Self::Idempotency(key) | Self::SigningKeys(key) | Self::DeviceKey(key) => key.clone(),
            Self::Claim(slot) => slot.key(&Name::ROOT),
            Self::ApiKey(id) => api_keys().key(&api_key(*id)),
            Self::ApiKeys => api_keys().key(&api_keys_created()),
            Self::Meta => meta().key(&Name::ROOT),
        }
    }
}

fn is_bucket(tag: &str) -> bool {
    (0..BUCKETS).any(|bucket| tag == format!("b{bucket}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{clock::Timestamp, random::Random};

    #[test]
    fn every_key_is_read_back_as_the_place_that_it_is() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (home, session) = (Home::of(UserId::new(now, Random)), SessionId::new(now, Random));
        let id = ApiKeyId::new(now, Random);
        let handle = Handle { kind: HandleKind::Email, canonical: "ada@example.com".to_owned() };
        let index = Slot::new("b63").key(&Name::new("index:created"));
        let key = idempotency("key").key(&Name::ROOT);
        let ring = signing().key(&Name::ROOT);
        let device_key = devices().key(&Name::ROOT);
        for (key, place) in [
            (home.key(&home.user()), Place::User(home)),
            (home.key(&home.session(session)), Place::Session(home, session)),
            (home.key(&home.sessions()), Place::Sessions(home)),
            (index.clone(), Place::Users(index)),
            (claim(&handle).key(&Name::ROOT), Place::Claim(claim(&handle))),
            (key.clone(), Place::Idempotency(key)),
            (ring.clone(), Place::SigningKeys(ring)),
            (device_key.clone(), Place::DeviceKey(device_key)),
            (api_keys().key(&api_key(id)), Place::ApiKey(id)),
            (api_keys().key(&api_keys_created()), Place::ApiKeys),
            (meta().key(&Name::ROOT), Place::Meta),
        ] {
            assert_eq!(Place::of(&key), Some(place), "{key}");
        }
        let elsewhere = Slot::new("elsewhere");
        for name in [home.user(), home.session(session), home.sessions(), api_key(id), created(), Name::ROOT] {
            assert_eq!(Place::of(&elsewhere.key(&name)), None);
        }
        for (tag, name) in [("b64", "index:created"), ("b1", "index:name"), ("b1", "user:ada"), ("email:x", "")] {
            assert_eq!(Place::of(&Slot::new(tag).key(&Name::new(name))), None, "{tag} {name}");
        }
    }
}
