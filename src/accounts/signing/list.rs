//! The keys as their operator sees them, without anything secret.

use super::{algorithm::Algorithm, keyring::Keyring, ring::Ring, sealing::StoredKey};
use crate::accounts::{clock::Timestamp, error::Error};

/// One key of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Which key it is.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// What it does now.
    pub stage: Stage,
    /// Whether its private part is sealed.
    pub sealed: bool,
}

/// What a key does at some moment. In every stage it is published, in the last one until its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is published, and does not sign yet.
    Waiting,
    /// It signs.
    Signing,
    /// Another one signs, and tokens of this one are good until then.
    Retired(Timestamp),
}

impl Keyring {
    /// The keys in the store, in the order in which they sign. Private keys are not opened.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn list(&self) -> Result<Vec<SigningKey>, Error> {
        let ring = self.read().await?.map(|(ring, _)| ring);
        Ok(ring.map(|ring| describe(&ring, self.clock.now())).unwrap_or_default())
    }
}

pub(super) fn describe(ring: &Ring<StoredKey>, now: Timestamp) -> Vec<SigningKey> {
    let signer = ring.signer(now).map(|key| &key.kid);
    let keys = ring.keys().iter().enumerate().map(|(place, key)| {
        let stage = match ring.dies_at(place) {
            _ if signer == Some(&key.kid) => Stage::Signing,
            Some(until) if key.signs_from <= now => Stage::Retired(until),
            _ => Stage::Waiting,
        };
        let (kid, sealed) = (key.kid.clone(), key.private.is_sealed());
        SigningKey {
            kid,
            algorithm: key.algorithm,
            created_at: key.created_at,
            signs_from: key.signs_from,
            stage,
            sealed,
        }
    });
    keys.collect()
}
