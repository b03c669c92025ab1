//! The keys of a store along time: which one signs, which are published, and which have died. Nothing here reads a clock
//! or a store.
//!
//! Of the keys whose time has come, the last one signs. A key is published long before it signs, so that whoever checks
//! tokens has read it by then, and until the last token that it signed has expired: then it is dead, and is dropped.

use std::time::Duration;

use super::{SigningSettings, algorithm::Algorithm};
use crate::accounts::clock::Timestamp;

/// How long a key is published before it signs. Key sets are kept for 5 minutes, and instances read the ring every 30 s.
pub(super) const LEAD: Duration = Duration::from_secs(600);

/// How long a key stays after its last token has expired. The clocks of instances must not differ by more, less the half
/// minute in which an instance signs on with a ring that it has not read again.
pub(super) const MARGIN: Duration = Duration::from_secs(300);

/// One key, whose private part is held as `K`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key<K> {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) created_at: Timestamp,
    pub(super) signs_from: Timestamp,
    /// The longest life of any token that it signs.
    pub(super) token_lifetime: Duration,
    pub(super) private: K,
}

/// All keys, in the order in which they sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ring<K>(Vec<Key<K>>);

impl<K> Ring<K> {
    pub(super) fn new(keys: Vec<Key<K>>) -> Self {
        let mut ring = Self(keys);
        ring.sort();
        ring
    }

    pub(super) fn keys(&self) -> &[Key<K>] {
        &self.0
    }

    /// The keys, to change what their order does not depend on.
    pub(super) fn keys_mut(&mut self) -> &mut [Key<K>] {
        &mut self.0
    }

    /// The key that signs. A clock that is behind the first one's sees that one.
    pub(super) fn signer(&self, now: Timestamp) -> Option<&Key<K>> {
        self.0.iter().rfind(|key| key.signs_from <= now).or(self.0.first())
    }

    /// The keys that are published, and whose tokens are good.
    pub(super) fn published(&self, now: Timestamp) -> impl Iterator<Item = &Key<K>> {
        self.0.iter().enumerate().filter(move |(place, _)| !self.is_dead(*place, now)).map(|(_, key)| key)
    }

    /// When the key in this place dies, if another one follows it.
    pub(super) fn dies_at(&self, place: usize) -> Option<Timestamp> {
        let (key, next) = (self.0.get(place)?, self.0.get(place + 1)?);
        Some(next.signs_from.plus(key.token_lifetime).plus(MARGIN))
    }

    fn is_dead(&self, place: usize, now: Timestamp) -> bool {
        self.dies_at(place).is_some_and(|dies_at| dies_at <= now)
    }

    /// Does what is due, and says whether that was anything. At the start of an instance, a key of another algorithm than
    /// the configured one is followed at once.
    pub(super) fn keep<E>(
        &mut self,
        now: Timestamp,
        settings: &SigningSettings,
        starts: bool,
        make: impl FnOnce(Timestamp, Algorithm) -> Result<Key<K>, E>,
    ) -> Result<bool, E> {
        let algorithm = self.next_algorithm(settings);
        let before = self.0.len();
        let mut place = 0;
        while place < self.0.len() {
            if self.is_dead(place, now) {
                self.0.remove(place);
            } else {
                place += 1;
            }
        }
        let mut changed = self.0.len() < before;
        let signer = self.0.iter().rposition(|key| key.signs_from <= now).unwrap_or(0);
        for key in self.0.iter_mut().skip(signer).filter(|key| key.token_lifetime < settings.token_lifetime) {
            key.token_lifetime = settings.token_lifetime;
            changed = true;
        }
        let is_due = self.0.last().is_none_or(|newest| {
            let is_old = newest.created_at.plus(settings.rotate_every) <= now;
            // Instances that are set to different algorithms and start in turn must not add a key each time.
            let waits = |algorithm| self.0.iter().any(|key| key.algorithm == algorithm && key.signs_from > now);
            let is_wanted = |algorithm| newest.algorithm != algorithm && !waits(algorithm);
            is_old || (starts && settings.algorithm.is_some_and(is_wanted))
        });
        if is_due {
            self.add(make(self.next_from(now), algorithm)?);
        }
        Ok(changed || is_due)
    }

    /// From when a new key may sign: the first one at once, any other when it has been published for long enough.
    pub(super) fn next_from(&self, now: Timestamp) -> Timestamp {
        if self.0.is_empty() { now } else { now.plus(LEAD) }
    }

    /// What a new key signs with.
    pub(super) fn next_algorithm(&self, settings: &SigningSettings) -> Algorithm {
        settings.algorithm.or(self.0.last().map(|newest| newest.algorithm)).unwrap_or_default()
    }

    pub(super) fn add(&mut self, key: Key<K>) {
        self.0.push(key);
        self.sort();
    }

    fn sort(&mut self) {
        self.0.sort_unstable_by(|a, b| (a.signs_from, &a.kid).cmp(&(b.signs_from, &b.kid)));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, convert::Infallible};

    use proptest::prelude::*;

    use super::*;

    const START: i64 = 1_700_000_000_000;

    fn settings() -> SigningSettings {
        SigningSettings { rotate_every: Duration::from_secs(3600), ..SigningSettings::default() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(START + seconds * 1000)
    }

    fn key(kid: &str, created_at: Timestamp, signs_from: Timestamp, settings: &SigningSettings) -> Key<()> {
        let (algorithm, token_lifetime) = (Algorithm::default(), settings.token_lifetime);
        Key { kid: kid.to_owned(), algorithm, created_at, signs_from, token_lifetime, private: () }
    }

    fn kids<'a>(keys: impl Iterator<Item = &'a Key<()>>) -> Vec<&'a str> {
        keys.map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn a_key_is_published_then_signs_then_stays_until_its_last_token_has_expired() {
        let settings = settings();
        let ring = Ring::new(vec![key("b", at(1000), at(1600), &settings), key("a", at(0), at(0), &settings)]);
        for (second, signs, published) in [
            (-9, "a", &["a", "b"] as &[_]), // a clock that is behind
            (0, "a", &["a", "b"]),
            (1599, "a", &["a", "b"]),
            (1600, "b", &["a", "b"]),
            (2499, "b", &["a", "b"]), // 600 s for the last token, and 300 s
            (2500, "b", &["b"]),
            (90_000, "b", &["b"]),
        ] {
            assert_eq!(ring.signer(at(second)).unwrap().kid, signs, "{second}");
            assert_eq!(kids(ring.published(at(second))), published, "{second}");
        }
        assert_eq!((ring.dies_at(0), ring.dies_at(1)), (Some(at(2500)), None));
        assert!(Ring::<()>::new(Vec::new()).signer(at(0)).is_none());
    }

    #[test]
    fn another_algorithm_is_followed_when_an_instance_starts_and_not_later() {
        let mut ring = Ring::new(vec![key("a", at(0), at(0), &settings())]);
        let settings = SigningSettings { algorithm: Some(Algorithm::Es256), ..settings() };
        let mut keep = |starts| {
            ring.keep(at(60), &settings, starts, |from, algorithm| {
                Ok::<_, Infallible>(Key { algorithm, ..key("b", at(60), from, &settings) })
            })
        };
        assert_eq!((keep(false), keep(true), keep(true)), (Ok(false), Ok(true), Ok(false)));
        assert_eq!((ring.keys()[1].signs_from, ring.keys()[1].algorithm), (at(660), Algorithm::Es256));
        assert_eq!(ring.next_algorithm(&SigningSettings::default()), Algorithm::Es256);
    }

    #[test]
    fn instances_of_two_algorithms_that_start_in_turn_add_one_key_each() {
        let mut ring = Ring::new(vec![key("a", at(0), at(0), &settings())]);
        let mut starts = |second: i64, algorithm| {
            let settings = SigningSettings { algorithm: Some(algorithm), ..settings() };
            let make = |from, algorithm| {
                Ok::<_, Infallible>(Key { algorithm, ..key(&second.to_string(), at(second), from, &settings) })
            };
            ring.keep(at(second), &settings, true, make).unwrap()
        };
        let (eddsa, es256) = (Algorithm::EdDsa, Algorithm::Es256);
        let added = [(1, es256), (2, eddsa), (3, es256), (4, eddsa), (5, es256)].map(|(at, name)| starts(at, name));
        assert_eq!(added, [true, true, false, false, false]);
        assert!(!starts(600, es256) && starts(601, es256), "once it signs, the newest is followed again");
        assert!(!starts(1201, es256), "what is wanted is there, and signs");
    }

    #[test]
    fn a_key_outlives_the_longest_token_that_any_instance_signs_with_it() {
        let (short, long) = (settings(), SigningSettings { token_lifetime: Duration::from_secs(1800), ..settings() });
        let mut ring = Ring::new(vec![key("a", at(0), at(0), &short), key("b", at(0), at(600), &short)]);
        let mut keep = |second, settings: &SigningSettings| {
            let made = |_, _| -> Result<Key<()>, Infallible> { panic!("no key is due") };
            (ring.keep(at(second), settings, true, made).unwrap(), ring.dies_at(0).unwrap())
        };
        assert_eq!(keep(1, &short), (false, at(1500)));
        assert_eq!(keep(2, &long), (true, at(2700)));
        assert_eq!(keep(3, &short), (false, at(2700)));
    }

    proptest! {
        /// Instances look in at any time, operators rotate at any time, and a token is signed at every step.
        #[test]
        fn along_any_time_one_key_signs_it_was_published_before_and_stays_for_its_tokens(
            steps in prop::collection::vec((1_i64..4000, any::<bool>(), 0_u8..8), 1..60)
        ) {
            let settings = settings();
            let mut ring = Ring::new(Vec::new());
            let (mut second, mut made) = (0, 0);
            let mut published_since = BTreeMap::new();
            let mut tokens = Vec::new();
            for (step, keeps, rotates) in steps {
                second += step;
                let now = at(second);
                let mut make = |from| {
                    made += 1;
                    Ok::<_, Infallible>(key(&made.to_string(), now, from, &settings))
                };
                if keeps || ring.keys().is_empty() {
                    ring.keep(now, &settings, false, |from, _| make(from)).unwrap();
                }
                if rotates == 0 {
                    let from = ring.next_from(now);
                    ring.add(make(from).unwrap());
                }
                for key in ring.published(now) {
                    published_since.entry(key.kid.clone()).or_insert(second);
                }
                let signer = ring.signer(now).unwrap();
                prop_assert!(ring.published(now).any(|key| key.kid == signer.kid));
                let since = published_since[&signer.kid];
                prop_assert!(signer.kid == "1" || second - since >= 600, "{} signs too early", signer.kid);
                tokens.push((signer.kid.clone(), now.plus(settings.token_lifetime)));
                tokens.retain(|(_, expires_at)| *expires_at > now);
                for (kid, _) in &tokens {
                    prop_assert!(ring.published(now).any(|key| key.kid == *kid), "{kid} is gone too early");
                }
                prop_assert!(!keeps || ring.published(now).count() == ring.keys().len(), "what is dead is dropped");
            }
        }
    }
}
