//! The keys that sign access tokens: made at the first start, kept in one record of the store, followed by every instance.
//!
//! One record, `{signing}`, holds them all, so that every change of them is one compare-and-set. Which key signs and which
//! are published follows from the record and the time alone, in `ring`.

mod algorithm;
mod error;
mod inspect;
mod jws;
mod keyring;
mod list;
mod record;
mod ring;
mod sealing;
#[cfg(test)]
mod tests;
mod upkeep;

use std::time::Duration;

pub use self::{
    algorithm::{Algorithm, PublicKey},
    error::KeyError,
    keyring::{Keyring, Verified},
    list::{SigningKey, Stage},
    sealing::{InvalidMasterSecret, MasterSecret},
};
pub(super) use self::{inspect::inspect, record::check};

/// What an operator decides about signing keys.
#[derive(Clone, Debug)]
pub struct SigningSettings {
    /// What new keys sign with. Where nothing is said: with what the newest one does, and the first one with `EdDSA`.
    pub algorithm: Option<Algorithm>,
    /// How old a key is when the next one is made.
    pub rotate_every: Duration,
    /// How long an access token lives: a key stays that long after it has signed its last one.
    pub token_lifetime: Duration,
    /// What private keys are sealed with: the first seals, and all of them open. Without one, they lie in plain text.
    pub master_secrets: Vec<MasterSecret>,
}

impl Default for SigningSettings {
    fn default() -> Self {
        Self {
            algorithm: None,
            rotate_every: Duration::from_secs(90 * 24 * 3600),
            token_lifetime: Duration::from_secs(600),
            master_secrets: Vec::new(),
        }
    }
}
