//! What changes the keys in the store: their beginning, their rotation, their end, and their sealing. Each change is one
//! compare-and-set, so that instances that come to the same thought at once agree.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    SigningSettings,
    algorithm::{Algorithm, KeyPair},
    keyring::{Keyring, Look},
    list::{SigningKey, describe},
    record,
    ring::{Key, Ring},
    sealing::StoredKey,
};
use crate::{
    accounts::{clock::Timestamp, error::Error, keys, retry::Retry},
    store::{Batch, CommitError, Expectation, Name},
};

impl Keyring {
    /// Takes the keys of the store into use, makes the first one, and seals what is not sealed with today's secret.
    ///
    /// # Errors
    /// When they cannot be read, opened or made. What else is due may wait.
    pub(in crate::accounts) async fn start(&self) -> Result<(), Error> {
        match self.bring_up_to_date(true).await {
            Err(error) if !self.held().keys().is_empty() => {
                tracing::warn!(%error, "the signing keys could not be changed");
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Follows what other instances did, and does what is due: a new key in its time, and dropping dead ones.
    ///
    /// # Errors
    /// When the ring cannot be read or changed. The keys in memory go on.
    pub async fn keep(&self) -> Result<(), Error> {
        self.bring_up_to_date(false).await
    }

    async fn bring_up_to_date(&self, starts: bool) -> Result<(), Error> {
        let mut last_look = self.last_look.lock().await;
        let ring = self
            .change(|ring, now| {
                let mut next = ring.cloned().unwrap_or_else(|| Ring::new(Vec::new()));
                if ring.is_some() {
                    self.take(&next)?;
                }
                let resealed = starts && self.reseal(&mut next)?;
                let changed = next.keep(now, &self.settings, starts, |from| self.make(now, from))?;
                Ok((resealed || changed).then_some(next))
            })
            .await?;
        self.take(&ring)?;
        *last_look = Some(Look { at: Instant::now(), succeeded: true });
        Ok(())
    }

    /// Makes a new key, and answers it. It signs when it has been published for long enough; or `at_once`, and then all
    /// others are dropped, with the tokens that they signed.
    ///
    /// # Errors
    /// When the keys cannot be read or changed, or when others are sealed and there is no master secret.
    pub async fn rotate(&self, at_once: bool) -> Result<SigningKey, Error> {
        let ring = self
            .change(|ring, now| {
                let mut next = ring.cloned().unwrap_or_else(|| Ring::new(Vec::new()));
                for key in next.keys() {
                    // With a new secret, a stolen key is replaced although the old secret is lost.
                    if !(at_once && key.private.is_sealed() && !self.settings.master_secrets.is_empty()) {
                        key.open(&self.settings.master_secrets)?;
                    }
                }
                if at_once {
                    next = Ring::new(Vec::new());
                }
                next.add(self.make(now, next.next_from(now))?);
                Ok(Some(next))
            })
            .await?;
        let newest = describe(&ring, self.clock.now()).pop();
        newest.ok_or_else(|| Error::Corrupt("no signing key".to_owned()))
    }

    /// Changes the ring as `decide` says, or leaves it, and answers what it is then.
    pub(super) async fn change(
        &self,
        decide: impl Fn(Option<&Ring<StoredKey>>, Timestamp) -> Result<Option<Ring<StoredKey>>, Error>,
    ) -> Result<Ring<StoredKey>, Error> {
        let mut retry = Retry::new(self.random);
        loop {
            let (ring, expectation) = match self.read().await? {
                Some((ring, expectation)) => (Some(ring), expectation),
                None => (None, Expectation::Absent),
            };
            let next = match (decide(ring.as_ref(), self.clock.now())?, ring) {
                (Some(next), _) => next,
                (None, Some(ring)) => return Ok(ring),
                (None, None) => return Err(Error::Corrupt("no signing key".to_owned())),
            };
            let mut batch = Batch::new(keys::signing());
            batch.expect(Name::ROOT, expectation);
            batch.put(Name::ROOT, record::write(&next));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?, // another instance was first
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Makes a key that signs from then on.
    pub(super) fn make(&self, now: Timestamp, signs_from: Timestamp) -> Result<Key<StoredKey>, Error> {
        let SigningSettings { algorithm, token_lifetime, .. } = self.settings;
        let kid = URL_SAFE_NO_PAD.encode(self.random.bytes::<12>());
        let private = self.seal(KeyPair::generate(algorithm)?, &kid, algorithm)?;
        Ok(Key { kid, algorithm, created_at: now, signs_from, token_lifetime, private })
    }

    /// Seals anew what today's secret does not open, and says whether that was anything.
    fn reseal(&self, ring: &mut Ring<StoredKey>) -> Result<bool, Error> {
        let mut changed = false;
        for key in ring.keys_mut() {
            let (document, place) = key.open(&self.settings.master_secrets)?;
            if place != Some(0) && !self.settings.master_secrets.is_empty() {
                key.private = self.seal(document, &key.kid, key.algorithm)?;
                changed = true;
            }
        }
        Ok(changed)
    }

    fn seal(&self, document: Zeroizing<Vec<u8>>, kid: &str, algorithm: Algorithm) -> Result<StoredKey, Error> {
        let secret = self.settings.master_secrets.first();
        let sealed = StoredKey::new(document, kid, algorithm, secret, self.random);
        sealed.ok_or_else(|| Error::Corrupt("a signing key cannot be sealed".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
        time::Duration,
    };

    use super::*;
    use crate::{
        accounts::{MasterSecret, Random, SigningSettings, Stage, clock::Clock},
        store::{Embedded, Store},
    };

    /// A clock that stands until it is moved, in milliseconds.
    struct Standing(AtomicI64);

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    struct Place {
        store: Arc<Store>,
        clock: Arc<Standing>,
    }

    impl Place {
        fn new() -> Self {
            let store = Store::Embedded(Embedded::in_memory().unwrap());
            Self { store: Arc::new(store), clock: Arc::new(Standing(AtomicI64::new(1_700_000_000_000))) }
        }

        fn keyring(&self, secrets: &[&str]) -> Keyring {
            let master_secrets =
                secrets.iter().map(|letter| MasterSecret::parse(&letter.repeat(32)).unwrap()).collect();
            let settings = SigningSettings { master_secrets, ..SigningSettings::default() };
            Keyring::new(Arc::clone(&self.store), self.clock.clone(), Random, settings)
        }

        async fn started(&self, secrets: &[&str]) -> Keyring {
            let keyring = self.keyring(secrets);
            keyring.start().await.unwrap();
            keyring
        }

        fn pass(&self, minutes: u64) {
            let millis = i64::try_from(Duration::from_secs(minutes * 60).as_millis()).unwrap();
            self.clock.0.fetch_add(millis, Ordering::SeqCst);
        }
    }

    async fn stages(keyring: &Keyring) -> Vec<Stage> {
        keyring.list().await.unwrap().iter().map(|key| key.stage).collect()
    }

    #[tokio::test]
    async fn instances_that_start_at_once_agree_on_one_key() {
        let place = Place::new();
        let keyrings = [(); 8].map(|()| place.keyring(&[]));
        for started in futures_util::future::join_all(keyrings.iter().map(Keyring::start)).await {
            started.unwrap();
        }
        let token = keyrings[0].sign(b"{}").unwrap();
        for keyring in &keyrings {
            let verified = keyring.verify(&token).await.unwrap().unwrap();
            assert_eq!((verified.payload.as_slice(), keyring.holds(&verified.kid)), (b"{}".as_slice(), true));
            assert_eq!(stages(keyring).await, [Stage::Signing]);
        }
    }

    #[tokio::test]
    async fn a_rotation_is_followed_and_the_old_key_stays_for_its_tokens() {
        let place = Place::new();
        let (operator, running) = (place.keyring(&[]), place.started(&[]).await);
        let old = running.sign(b"old").unwrap();
        let new = operator.rotate(false).await.unwrap();
        assert_eq!(new.stage, Stage::Waiting);
        running.keep().await.unwrap();
        assert!(running.holds(&new.kid), "it is published before it signs");
        place.pass(10);
        let token = running.sign(b"new").unwrap();
        assert_eq!(running.verify(&token).await.unwrap().unwrap().kid, new.kid);
        assert_eq!(running.verify(&old).await.unwrap().unwrap().payload, b"old");
        assert!(matches!(stages(&operator).await[..], [Stage::Retired(_), Stage::Signing]));
        place.pass(11);
        assert_eq!(running.verify(&old).await.unwrap(), None);
        running.keep().await.unwrap();
        assert_eq!(stages(&operator).await, [Stage::Signing]);
    }

    #[tokio::test]
    async fn a_key_is_followed_by_a_new_one_when_it_is_old() {
        let place = Place::new();
        let keyring = place.started(&[]).await;
        place.pass(90 * 24 * 60 - 1);
        keyring.keep().await.unwrap();
        assert_eq!(stages(&keyring).await, [Stage::Signing]);
        place.pass(1);
        keyring.keep().await.unwrap();
        assert_eq!(stages(&keyring).await, [Stage::Signing, Stage::Waiting]);
    }

    #[tokio::test]
    async fn a_stolen_key_is_dropped_at_once_and_a_token_of_the_new_one_makes_others_look() {
        let place = Place::new();
        let (first, second) = (place.started(&[]).await, place.started(&[]).await);
        let stolen = first.sign(b"{}").unwrap();
        first.rotate(true).await.unwrap();
        first.keep().await.unwrap();
        assert_eq!((stages(&first).await, first.verify(&stolen).await.unwrap()), (vec![Stage::Signing], None));
        let token = first.sign(b"{}").unwrap();
        assert!(second.verify(&stolen).await.unwrap().is_some(), "it has not looked yet");
        *second.last_look.lock().await = None; // a second has passed
        assert!(second.verify(&token).await.unwrap().is_some());
        assert_eq!(second.verify(&stolen).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_flood_of_unknown_keys_reads_the_ring_once_a_second() {
        let place = Place::new();
        let (first, second) = (place.started(&[]).await, place.started(&[]).await);
        first.rotate(true).await.unwrap();
        first.keep().await.unwrap();
        let token = first.sign(b"{}").unwrap();
        let just_now = |succeeded| Some(Look { at: Instant::now() + Duration::from_secs(60), succeeded });
        *second.last_look.lock().await = just_now(true);
        assert_eq!(second.verify(&token).await.unwrap(), None);
        *second.last_look.lock().await = just_now(false);
        assert!(matches!(second.verify(&token).await, Err(Error::StoreUnavailable(_))), "nobody knows");
        *second.last_look.lock().await = None;
        assert!(second.verify(&token).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn private_keys_are_sealed_anew_with_the_first_secret_when_an_instance_starts() {
        let place = Place::new();
        let plain = place.started(&[]).await;
        let token = plain.sign(b"{}").unwrap();
        assert!(!plain.list().await.unwrap()[0].sealed);
        for secrets in [&["a"] as &[_], &["b", "a"], &["b"]] {
            let keyring = place.started(secrets).await;
            assert!(keyring.list().await.unwrap()[0].sealed);
            assert!(keyring.verify(&token).await.unwrap().is_some(), "{secrets:?}");
        }
        for (secrets, why) in [(&[] as &[_], "there is no master secret"), (&["a"], "no master secret opens it")] {
            let refused = place.keyring(secrets).start().await.unwrap_err().to_string();
            assert!(refused.contains(why) && refused.contains("LATCHKEY_MASTER_SECRET_FILE"), "{refused}");
        }
        plain.keep().await.unwrap();
        assert!(plain.verify(&token).await.unwrap().is_some(), "what an instance has opened, it keeps");
    }

    #[tokio::test]
    async fn a_lost_secret_costs_all_tokens_and_never_a_key_in_plain_text() {
        let place = Place::new();
        place.started(&["a"]).await;
        for (secrets, at_once) in [(&[] as &[_], false), (&[], true), (&["b"], false)] {
            assert!(place.keyring(secrets).rotate(at_once).await.is_err(), "{secrets:?} {at_once}");
        }
        assert!(place.keyring(&["b"]).rotate(true).await.unwrap().sealed);
        place.started(&["b"]).await;
    }
}
