//! The keys in the memory of one instance: what it signs and checks tokens with, and how it follows the store.

use std::{
    sync::{Arc, PoisonError, RwLock, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use super::{
    SigningSettings,
    algorithm::{KeyPair, PublicKey},
    error::KeyError,
    jws::{self, Token},
    record,
    ring::{Key, Ring},
    sealing::StoredKey,
};
use crate::{
    accounts::{clock::Clock, error::Error, keys, random::Random},
    store::{self, Expectation, Name, Store, Unavailable},
};

/// How often a token with an unknown key makes the ring be read again, at the most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The signing keys, as this instance knows them.
pub struct Keyring {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: SigningSettings,
    pub(super) random: Random,
    /// Locked for moments only: no await happens while it is.
    held: RwLock<Arc<Ring<Arc<KeyPair>>>>,
    /// Whether what is done at the start was done.
    pub(super) is_up_to_date: AtomicBool,
    /// Held while the ring is read once and taken into memory, so that no older one follows a newer one.
    pub(super) last_look: Mutex<Option<Look>>,
}

/// When somebody was last done with reading the ring, well or not. While the store hangs, an attempt lasts longer than
/// the pause between two.
pub(super) struct Look {
    pub(super) ended: Instant,
    pub(super) succeeded: bool,
}

/// What a token of ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed it.
    pub kid: String,
    /// What was signed.
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// A ring without keys, until it is [started](Self::start).
    pub(in crate::accounts) fn new(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        random: Random,
        settings: SigningSettings,
    ) -> Self {
        let held = RwLock::new(Arc::new(Ring::new(Vec::new())));
        Self {
            store,
            clock,
            settings,
            random,
            held,
            last_look: Mutex::new(None),
            is_up_to_date: AtomicBool::new(false),
        }
    }

    /// Whether there is a key to sign with.
    ///
    /// # Errors
    /// [`Error::NoSigningKey`] when this instance can open none of the keys in the store.
    pub fn check_ready(&self) -> Result<(), Error> {
        self.held().signer(self.clock.now()).map(|_| ()).ok_or(Error::NoSigningKey)
    }

    /// Signs a payload with the key whose time it is: a token in the compact serialization (RFC 7515).
    ///
    /// # Errors
    /// [`Error::NoSigningKey`] when there is no key that can sign.
    pub fn sign(&self, payload: &[u8]) -> Result<String, Error> {
        let held = self.held();
        let signer = held.signer(self.clock.now());
        signer.and_then(|key| jws::sign(key.algorithm, &key.kid, &key.private, payload)).ok_or(Error::NoSigningKey)
    }

    /// The payload of a token that one of our keys signed; none of any other text. Whether the token has expired, the
    /// payload says. A key that is not known may be one that another instance has just made: then the ring is read again,
    /// at most once a second.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`] when the key is not known and the ring cannot be read.
    pub async fn verify(&self, token: &str) -> Result<Option<Verified>, Error> {
        let Some(token) = Token::parse(token) else { return Ok(None) };
        if !self.holds(&token.kid) {
            // Whoever waits here shares the outcome.
            let last_look = store::in_time(self.last_look.lock()).await?;
            self.look_again(last_look).await?;
        }
        let (held, now) = (self.held(), self.clock.now());
        let key = held.published(now).find(|key| key.kid == token.kid);
        let payload = key.and_then(|key| token.open(key.algorithm, &key.private));
        Ok(payload.map(|payload| Verified { kid: token.kid, payload }))
    }

    /// Whether tokens of this key are good.
    #[must_use]
    pub fn holds(&self, kid: &str) -> bool {
        self.held().published(self.clock.now()).any(|key| key.kid == kid)
    }

    /// The keys that other services check tokens with, read again at most once a second. While the store does not answer,
    /// or somebody else waits for it, those that are in memory.
    pub async fn published(&self) -> Vec<PublicKey> {
        if let Ok(last_look) = self.last_look.try_lock()
            && let Err(error) = self.look_again(last_look).await
        {
            tracing::debug!(%error, "the signing keys could not be read again");
        }
        let held = self.held();
        held.published(self.clock.now()).map(|key| key.private.public_key(&key.kid)).collect()
    }

    /// Reads the ring again, unless that was tried a moment ago.
    async fn look_again(&self, mut last_look: MutexGuard<'_, Option<Look>>) -> Result<(), Error> {
        match last_look.as_ref().filter(|look| look.ended.elapsed() < LOOK_EVERY) {
            Some(Look { succeeded: true, .. }) => Ok(()),
            Some(_) => Err(Unavailable("the signing keys could not be read a moment ago".to_owned()).into()),
            None => self.look(&mut last_look, false).await.map(|_| ()),
        }
    }

    /// Reads the ring, and takes it into memory. Answers why keys are left out.
    pub(super) async fn look(&self, last_look: &mut Option<Look>, starts: bool) -> Result<Vec<KeyError>, Error> {
        let mut ends = |succeeded| *last_look = Some(Look { ended: Instant::now(), succeeded });
        ends(false); // unless whoever waits for this stays
        let outcome = self.read().await.map(|found| found.map_or_else(Vec::new, |(ring, _)| self.take(&ring, starts)));
        ends(outcome.is_ok());
        outcome
    }

    /// The ring in the store, and what expects it to be as it was read.
    pub(super) async fn read(&self) -> Result<Option<(Ring<StoredKey>, Expectation)>, Error> {
        let Some(found) = self.store.get(&keys::signing().key(&Name::ROOT)).await? else { return Ok(None) };
        Ok(Some((record::read(&found)?, Expectation::Revision(found.revision))))
    }

    /// Takes a ring into memory. What is no longer in it is dropped, also when keys that are new in it cannot be opened:
    /// these are left out, and the answer says why.
    fn take(&self, ring: &Ring<StoredKey>, starts: bool) -> Vec<KeyError> {
        let (held, mut keys, mut left_out) = (self.held(), Vec::new(), Vec::new());
        for key in ring.keys() {
            let known = held.keys().iter().find(|known| known.kid == key.kid && known.algorithm == key.algorithm);
            let private = known.map(|known| Ok(Arc::clone(&known.private)));
            match private.unwrap_or_else(|| self.open(key, starts).map(Arc::new)) {
                Ok(private) => {
                    let Key { algorithm, created_at, signs_from, token_lifetime, .. } = *key;
                    keys.push(Key { kid: key.kid.clone(), algorithm, created_at, signs_from, token_lifetime, private });
                }
                Err(error) => left_out.push(error),
            }
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Ring::new(keys));
        left_out
    }

    /// A key that is ready to sign. With a master secret, one in plain text counts only when an instance starts, which seals
    /// it: whoever can write to the store could add a key of their own.
    pub(super) fn open(&self, key: &Key<StoredKey>, starts: bool) -> Result<KeyPair, KeyError> {
        if !starts && !key.private.is_sealed() && !self.settings.master_secrets.is_empty() {
            return Err(KeyError::Unsealed(key.kid.clone()));
        }
        let (document, _) = key.open(&self.settings.master_secrets)?;
        KeyPair::from_pkcs8(key.algorithm, &document).ok_or_else(|| KeyError::Malformed(key.kid.clone()))
    }

    pub(super) fn held(&self) -> Arc<Ring<Arc<KeyPair>>> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }
}
