//! Which place a key is: for whoever meets keys without having looked for them.

use super::{
    Bucket, Home, admins, api_key, api_keys, api_keys_created, dead_letters, deleted, devices, failures_of_nobody,
    mail, meta, outbox, roles, service_events, signing, totals,
};
use crate::{
    accounts::{
        api_keys::ApiKeyId,
        confirmations::Purpose,
        digest::Digest,
        events::{Log, Month},
        outbox::MailId,
        user::SessionId,
    },
    store::{Key, Name, Slot},
};

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum Place {
    User(Home),
    Session(Home, SessionId),
    /// The index of one person's sessions.
    Sessions(Home),
    Confirmation(Home, Purpose),
    Mail(Bucket, MailId),
    /// A bucket's mails that are to be sent.
    Outbox(Bucket),
    /// A bucket's mails that are not tried again.
    DeadLetters(Bucket),
    /// A bucket's part of an index over users.
    Users(Key),
    /// Figures of a bucket that are up to date.
    Totals(Bucket),
    /// Figures of a bucket, of a day.
    Figures(Key),
    /// What happened to a person's account in a month, or a part of it.
    Events(Home, Log, Month),
    /// What happened to roles, or to API keys, in a month.
    ServiceEvents(Slot, Month),
    /// What was tried in a bucket with logins that nobody has.
    FailuresOfNobody(Bucket),
    /// A bucket's deleted users.
    Deleted(Bucket),
    Claim(Slot),
    Idempotency(Key),
    SigningKeys(Key),
    DeviceKey(Key),
    ApiKey(ApiKeyId),
    /// The index of all API keys.
    ApiKeys,
    Meta,
    /// Who is an administrator.
    Admins(Key),
    /// The roles that are defined.
    Roles(Key),
}

impl Place {
    /// Reads a key. None is one that nothing here writes.
    pub(in crate::accounts) fn of(key: &Key) -> Option<Self> {
        let (slot, name) = key.parts();
        let tag = slot.to_string();
        if name == Name::ROOT {
            return match tag.split_once(':') {
                Some(("email" | "username", digest)) => Digest::parse(digest).map(|_| Self::Claim(slot)),
                Some(("idem", digest)) => Digest::parse(digest).map(|_| Self::Idempotency(key.clone())),
                _ if slot == signing() => Some(Self::SigningKeys(key.clone())),
                _ if slot == roles() => Some(Self::Roles(key.clone())),
                _ if slot == devices() => Some(Self::DeviceKey(key.clone())),
                _ => (slot == meta()).then_some(Self::Meta),
            };
        }
        if name == admins() && slot == meta() {
            return Some(Self::Admins(key.clone()));
        }
        if name == failures_of_nobody() {
            return Bucket::parse(&tag).map(Self::FailuresOfNobody);
        }
        if name == totals() {
            return Bucket::parse(&tag).map(Self::Totals);
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
            "confirmation" => {
                let (user, purpose) = rest.split_once(':')?;
                Self::Confirmation(Home::of(user.parse().ok()?), purpose.parse().ok()?)
            }
            "day" => {
                Bucket::parse(&tag)?;
                Self::Figures(key.clone())
            }
            "mail" => Self::Mail(Bucket::parse(&tag)?, rest.parse().ok()?),
            "key" => Self::ApiKey(rest.parse().ok()?),
            "events" if slot == roles() || slot == api_keys() => Self::ServiceEvents(slot, rest.parse().ok()?),
            "index" if slot == api_keys() && rest == "created" => Self::ApiKeys,
            "index" => match (Bucket::parse(&tag)?, rest) {
                (_, "created" | "email" | "username" | "active") => Self::Users(key.clone()),
                (bucket, "outbox") => Self::Outbox(bucket),
                (bucket, "dead-letters") => Self::DeadLetters(bucket),
                (bucket, "deleted") => Self::Deleted(bucket),
                _ => return None,
            },
            _ => {
                let (user, month) = rest.split_once(':')?;
                Self::Events(Home::of(user.parse().ok()?), kind.parse().ok()?, month.parse().ok()?)
            }
        };
        // What lies in a bucket that is not its own is never looked up.
        (place.key() == *key).then_some(place)
    }

    fn key(&self) -> Key {
        match self {
            Self::User(home) => home.key(&home.user()),
            Self::Session(home, session) => home.key(&home.session(*session)),
            Self::Sessions(home) => home.key(&home.sessions()),
            Self::Confirmation(home, purpose) => home.key(&home.confirmation(*purpose)),
            Self::Mail(bucket, id) => bucket.slot().key(&mail(*id)),
            Self::Outbox(bucket) => bucket.slot().key(&outbox()),
            Self::DeadLetters(bucket) => bucket.slot().key(&dead_letters()),
            Self::Events(home, log, month) => home.key(&home.log(*log, *month)),
            Self::ServiceEvents(slot, month) => slot.key(&service_events(*month)),
            Self::FailuresOfNobody(bucket) => bucket.slot().key(&failures_of_nobody()),
            Self::Deleted(bucket) => bucket.slot().key(&deleted()),
            Self::Totals(bucket) => bucket.slot().key(&totals()),
            Self::Users(key)
            | Self::Figures(key)
            | Self::Idempotency(key)
            | Self::SigningKeys(key)
            | Self::Admins(key)
            | Self::Roles(key)
            | Self::DeviceKey(key) => key.clone(),
            Self::Claim(slot) => slot.key(&Name::ROOT),
            Self::ApiKey(id) => api_keys().key(&api_key(*id)),
            Self::ApiKeys => api_keys().key(&api_keys_created()),
            Self::Meta => meta().key(&Name::ROOT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{
        claims::{Handle, HandleKind},
        clock::Timestamp,
        keys::{self, claim, created, idempotency},
        random::Random,
        user::UserId,
    };

    /// Another place would lose what a store has there.
    #[test]
    fn people_are_where_they_have_always_been() {
        for (bytes, slot) in [(&b""[..], "b35"), (b"ada", "b61"), (b"\0\x01", "b52")] {
            assert_eq!(Bucket::of(bytes).slot(), Slot::new(slot), "{bytes:?}");
        }
    }

    /// Another score would leave their entry behind when they go.
    #[test]
    fn people_are_in_the_index_where_they_have_always_been_and_not_all_in_one_place() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let score = |byte| keys::created_score(UserId::from_bytes([byte; 16]), at) - keys::created_from(at);
        assert_eq!((keys::created_from(at), score(1), score(2)), (3_481_600_000_000_000, 1327, 495));
        let scores = (0..=255).map(score).collect::<std::collections::BTreeSet<_>>();
        assert!(scores.len() > 200 && scores.iter().all(|score| (0..2048).contains(score)), "{scores:?}");
        assert_eq!(keys::created_from(Timestamp::from_millis(1_700_000_000_001)) - keys::created_from(at), 2048);
    }

    #[test]
    fn every_key_is_read_back_as_the_place_that_it_is() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (home, session) = (Home::of(UserId::new(now, Random)), SessionId::new(now, Random));
        let id = ApiKeyId::new(now, Random);
        let handle = Handle { kind: HandleKind::Email, canonical: "ada@example.com".to_owned() };
        let index = Slot::new("b63").key(&Name::new("index:created"));
        let day = Slot::new("b0").key(&keys::day(now));
        let key = idempotency("key").key(&Name::ROOT);
        let ring = signing().key(&Name::ROOT);
        let device_key = devices().key(&Name::ROOT);
        let month = Month::of(now);
        let (bucket, letter) = (Bucket(63), MailId::new(now, Random));
        for (key, place) in [
            (home.key(&home.user()), Place::User(home)),
            (home.key(&home.session(session)), Place::Session(home, session)),
            (home.key(&home.sessions()), Place::Sessions(home)),
            (home.key(&home.confirmation(Purpose::Reset)), Place::Confirmation(home, Purpose::Reset)),
            (bucket.slot().key(&mail(letter)), Place::Mail(bucket, letter)),
            (bucket.slot().key(&outbox()), Place::Outbox(bucket)),
            (bucket.slot().key(&dead_letters()), Place::DeadLetters(bucket)),
            (roles().key(&service_events(month)), Place::ServiceEvents(roles(), month)),
            (api_keys().key(&service_events(month)), Place::ServiceEvents(api_keys(), month)),
            (bucket.slot().key(&failures_of_nobody()), Place::FailuresOfNobody(bucket)),
            (bucket.slot().key(&deleted()), Place::Deleted(bucket)),
            (index.clone(), Place::Users(index)),
            (bucket.slot().key(&totals()), Place::Totals(bucket)),
            (day.clone(), Place::Figures(day)),
            (claim(&handle).key(&Name::ROOT), Place::Claim(claim(&handle))),
            (key.clone(), Place::Idempotency(key)),
            (ring.clone(), Place::SigningKeys(ring)),
            (device_key.clone(), Place::DeviceKey(device_key)),
            (api_keys().key(&api_key(id)), Place::ApiKey(id)),
            (api_keys().key(&api_keys_created()), Place::ApiKeys),
            (meta().key(&Name::ROOT), Place::Meta),
            (meta().key(&admins()), Place::Admins(meta().key(&admins()))),
            (roles().key(&Name::ROOT), Place::Roles(roles().key(&Name::ROOT))),
        ] {
            assert_eq!(Place::of(&key), Some(place), "{key}");
        }
        for log in Log::ALL {
            assert_eq!(Place::of(&home.key(&home.log(log, month))), Some(Place::Events(home, log, month)));
        }
        let elsewhere = Slot::new("elsewhere");
        for name in [home.user(), home.session(session), home.sessions(), api_key(id), created(), outbox(), Name::ROOT]
        {
            assert_eq!(Place::of(&elsewhere.key(&name)), None);
        }
        assert_eq!([elsewhere.key(&admins()), meta().key(&outbox())].map(|key| Place::of(&key)), [None, None]);
        for (tag, name) in [("b64", "index:created"), ("b1", "index:name"), ("b1", "user:ada"), ("email:x", "")] {
            assert_eq!(Place::of(&Slot::new(tag).key(&Name::new(name))), None, "{tag} {name}");
        }
    }
}
