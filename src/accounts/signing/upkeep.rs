//! What changes the keys in the store: their beginning, their rotation, their end, and their sealing. Each change is one
//! compare-and-set, so that instances that come to the same thought at once agree.

use std::sync::atomic::Ordering;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{
    algorithm::{Algorithm, KeyPair},
    error::KeyError,
    keyring::Keyring,
    list::{SigningKey, describe},
    record,
    ring::{Key, Ring},
    sealing::StoredKey,
};
use crate::{
    accounts::{clock::Timestamp, error::Error, keys, retry::Retry},
    store::{self, Batch, CommitError, Expectation, Name},
};

impl Keyring {
    /// Takes the keys of the store into use, makes the first one, and seals what is not sealed with today's secret.
    ///
    /// # Errors
    /// When they cannot be read, opened or made. What else is due may wait.
    pub(in crate::accounts) async fn start(&self) -> Result<(), KeyError> {
        let changed = self.bring_up_to_date(true).await;
        self.is_up_to_date.store(changed.is_ok(), Ordering::Relaxed);
        if let Some(error) = self.follow(true).await?.pop() {
            return Err(error);
        }
        match changed {
            Err(error) if !self.held().keys().is_empty() => {
                tracing::warn!(%error, "the signing keys could not be changed");
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Does what is due, a new key in its time and dropping dead ones, and follows what other instances did.
    ///
    /// # Errors
    /// When the ring cannot be read or changed. The keys in memory go on.
    pub async fn keep(&self) -> Result<(), KeyError> {
        // What the start could not do, such as sealing in a store that was full, is done as soon as it can be.
        let starts = !self.is_up_to_date.load(Ordering::Relaxed);
        let changed = self.bring_up_to_date(starts).await;
        self.is_up_to_date.fetch_or(changed.is_ok(), Ordering::Relaxed);
        for error in self.follow(starts).await? {
            tracing::error!(%error, "a signing key is left out");
        }
        changed
    }

    /// Takes the ring of the store into memory. Requests wait meanwhile, so the lock is held for one reading alone.
    async fn follow(&self, starts: bool) -> Result<Vec<KeyError>, Error> {
        let mut last_look = store::in_time(self.last_look.lock()).await?;
        self.look(&mut last_look, starts).await
    }

    /// Changes the ring in the store, unless keys are in it that this instance cannot open: others know better then.
    async fn bring_up_to_date(&self, starts: bool) -> Result<(), KeyError> {
        let mut unsealed = Vec::new();
        let decide = |ring: Option<&Ring<StoredKey>>, now| {
            let mut next = ring.cloned().unwrap_or_else(|| Ring::new(Vec::new()));
            if next.keys().iter().any(|key| self.open(key, starts).is_err()) {
                return Ok(None);
            }
            unsealed = next.keys().iter().filter(|key| !key.private.is_sealed()).map(|key| key.kid.clone()).collect();
            let resealed = starts && self.reseal(&mut next)?;
            let changed = next.keep(now, &self.settings, starts, |from, algorithm| self.make(now, from, algorithm))?;
            Ok((resealed || changed).then_some(next))
        };
        self.change(decide).await?;
        if starts && !self.settings.master_secrets.is_empty() && !unsealed.is_empty() {
            tracing::warn!(kids = ?unsealed, "signing keys lay in plain text, and are sealed now: somebody may have read them");
        }
        Ok(())
    }

    /// Makes a new key, and answers it. It signs when it has been published for long enough; or `at_once`, and then all
    /// others are dropped, with the tokens that they signed.
    ///
    /// # Errors
    /// When the keys cannot be read or changed, or when others are sealed and there is no master secret.
    pub async fn rotate(&self, at_once: bool) -> Result<SigningKey, KeyError> {
        let ring = self
            .change(|ring, now| {
                let mut next = ring.cloned().unwrap_or_else(|| Ring::new(Vec::new()));
                for key in next.keys() {
                    // With a new secret, a stolen key is replaced although the old secret is lost.
                    if !(at_once && key.private.is_sealed() && !self.settings.master_secrets.is_empty()) {
                        key.open(&self.settings.master_secrets)?;
                    }
                }
                let algorithm = next.next_algorithm(&self.settings);
                if at_once {
                    next = Ring::new(Vec::new());
                }
                next.add(self.make(now, next.next_from(now), algorithm)?);
                Ok(Some(next))
            })
            .await?;
        let newest = describe(&ring, self.clock.now()).pop();
        newest.ok_or(KeyError::Missing)
    }

    /// Changes the ring as `decide` says, or leaves it, and answers what it is then.
    pub(super) async fn change(
        &self,
        mut decide: impl FnMut(Option<&Ring<StoredKey>>, Timestamp) -> Result<Option<Ring<StoredKey>>, KeyError>,
    ) -> Result<Ring<StoredKey>, KeyError> {
        let mut retry = Retry::new(self.random);
        loop {
            let (ring, expectation) = match self.read().await? {
                Some((ring, expectation)) => (Some(ring), expectation),
                None => (None, Expectation::Absent),
            };
            let next = match (decide(ring.as_ref(), self.clock.now())?, ring) {
                (Some(next), _) => next,
                (None, Some(ring)) => return Ok(ring),
                (None, None) => return Err(KeyError::Missing),
            };
            let mut batch = Batch::new(keys::signing());
            batch.expect(Name::ROOT, expectation);
            batch.put(Name::ROOT, record::write(&next));
            match self.store.commit(batch).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict) => retry.pause().await?, // another instance was first
                Err(e) => return Err(Error::from(e).into()),
            }
        }
    }

    /// Makes a key that signs from then on.
    fn make(&self, now: Timestamp, signs_from: Timestamp, algorithm: Algorithm) -> Result<Key<StoredKey>, KeyError> {
        let token_lifetime = self.settings.token_lifetime;
        let kid = URL_SAFE_NO_PAD.encode(self.random.bytes::<12>());
        let private = self.seal(KeyPair::generate(algorithm)?, &kid, algorithm)?;
        Ok(Key { kid, algorithm, created_at: now, signs_from, token_lifetime, private })
    }

    /// Seals anew what today's secret does not open, and says whether that was anything.
    fn reseal(&self, ring: &mut Ring<StoredKey>) -> Result<bool, KeyError> {
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

    fn seal(&self, document: Zeroizing<Vec<u8>>, kid: &str, algorithm: Algorithm) -> Result<StoredKey, KeyError> {
        let secret = self.settings.master_secrets.first();
        let sealed = StoredKey::new(document, kid, algorithm, secret, self.random);
        sealed.ok_or(KeyError::NotMade("it cannot be sealed"))
    }
}
