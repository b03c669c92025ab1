//! PBKDF2 (RFC 8018) with HMAC of SHA-1, SHA-256 or SHA-512, in three forms:
//!
//! - PHC: `$pbkdf2-sha256$i=600000,l=32$<salt>$<hash>`
//! - passlib: `$pbkdf2-sha256$600000$<salt>$<hash>`, and `$pbkdf2$…` with SHA-1; its base64 has `.` in place of `+`
//! - Django: `pbkdf2_sha256$600000$<salt as it is>$<hash>`

use std::{num::NonZeroU32, str::FromStr};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ring::pbkdf2::{self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};

use super::{Bounds, Unreadable, number};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A hash of PBKDF2.
pub(in crate::accounts::hashing) struct Pbkdf2 {
    algorithm: Algorithm,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl FromStr for Pbkdf2 {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parts = text.split('$').collect::<Vec<_>>();
        let read = match *parts.as_slice() {
            ["", name, cost, salt, hash] => Self::phc(name, cost, salt, hash),
            [name, rounds, salt, hash] => Self::django(name, rounds, salt, hash),
            _ => None,
        };
        let is_sane = |read: &Self| (1..=64).contains(&read.salt.len()) && (16..=64).contains(&read.hash.len());
        read.filter(is_sane).ok_or(Unreadable)
    }
}

impl Pbkdf2 {
    fn phc(name: &str, cost: &str, salt: &str, hash: &str) -> Option<Self> {
        let algorithm = match name {
            "pbkdf2" | "pbkdf2-sha1" => PBKDF2_HMAC_SHA1,
            "pbkdf2-sha256" => PBKDF2_HMAC_SHA256,
            "pbkdf2-sha512" => PBKDF2_HMAC_SHA512,
            _ => return None,
        };
        let (salt, hash) = (decode(salt)?, decode(hash)?);
        let rounds = match cost.strip_prefix("i=") {
            None => cost,
            Some(cost) => match cost.split_once(",l=") {
                Some((rounds, length)) if number(length)? == u32::try_from(hash.len()).ok()? => rounds,
                Some(_) => return None,
                None => cost,
            },
        };
        Some(Self { algorithm, rounds: NonZeroU32::new(number(rounds)?)?, salt, hash })
    }

    fn django(name: &str, rounds: &str, salt: &str, hash: &str) -> Option<Self> {
        let algorithm = match name {
            "pbkdf2_sha1" => PBKDF2_HMAC_SHA1,
            "pbkdf2_sha256" => PBKDF2_HMAC_SHA256,
            "pbkdf2_sha512" => PBKDF2_HMAC_SHA512,
            _ => return None,
        };
        let (salt, hash) = (salt.as_bytes().to_vec(), decode(hash)?);
        Some(Self { algorithm, rounds: NonZeroU32::new(number(rounds)?)?, salt, hash })
    }

    /// Each block of the hash, which is as long as the digest, takes all rounds (RFC 8018, 5.2).
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        let digest = match self.algorithm {
            of if of == PBKDF2_HMAC_SHA1 => 20,
            of if of == PBKDF2_HMAC_SHA256 => 32,
            _ => 64_usize,
        };
        let blocks = u64::try_from(self.hash.len().div_ceil(digest)).unwrap_or(u64::MAX);
        blocks.saturating_mul(self.rounds.get().into()) <= bounds.pbkdf2_rounds
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let Self { algorithm, rounds, salt, hash } = self;
        pbkdf2::verify(*algorithm, *rounds, salt, password, hash).is_ok() // in constant time
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('.', "+")).ok()
}
