//! Private keys at rest: sealed with AES-256-GCM under a key that is derived from a master secret by HKDF-SHA256
//! (RFC 5869). Which key it is and what it signs with is sealed along, so that no sealed key passes for another.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use zeroize::Zeroizing;

use super::{algorithm::Algorithm, error::KeyError, ring::Key};
use crate::accounts::random::Random;

/// What the derived key is for, so that one master secret can have several uses.
const PURPOSE: &[u8] = b"latchkey: sealed signing keys, 1";

/// A secret of the operator that private keys are sealed with.
#[derive(Clone)]
pub struct MasterSecret(Zeroizing<String>);

/// The text is no [`MasterSecret`].
#[derive(Debug, thiserror::Error)]
#[error("a master secret needs at least {} characters", MasterSecret::SHORTEST)]
pub struct InvalidMasterSecret;

impl MasterSecret {
    /// How many characters a master secret has at the least.
    pub const SHORTEST: usize = 32;

    /// Takes a secret.
    ///
    /// # Errors
    /// [`InvalidMasterSecret`] when it is too short.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterSecret> {
        let long = text.chars().count() >= Self::SHORTEST;
        if long { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(InvalidMasterSecret) }
    }

    fn key(&self) -> Option<LessSafeKey> {
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(self.0.as_bytes());
        let derived = extracted.expand(&[PURPOSE], &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(derived)))
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterSecret(…)")
    }
}

/// A private key as it is stored. As text it is `plain:` or `sealed:`, and base64url.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum StoredKey {
    Plain(Zeroizing<Vec<u8>>),
    /// The nonce, and what came of it.
    Sealed(Vec<u8>),
}

impl StoredKey {
    /// Seals a private key, if there is a master secret.
    pub(super) fn new(
        key: Zeroizing<Vec<u8>>,
        kid: &str,
        algorithm: Algorithm,
        secret: Option<&MasterSecret>,
        random: Random,
    ) -> Option<Self> {
        let Some(secret) = secret else { return Some(Self::Plain(key)) };
        let nonce = random.bytes::<NONCE_LEN>();
        let mut text = key; // and after that, no longer the key
        let context = Aad::from(context(kid, algorithm));
        let key = secret.key()?;
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), context, &mut text).ok()?;
        Some(Self::Sealed([nonce.as_slice(), &text, tag.as_ref()].concat()))
    }

    fn open(
        &self,
        kid: &str,
        algorithm: Algorithm,
        secrets: &[MasterSecret],
    ) -> Option<(Zeroizing<Vec<u8>>, Option<usize>)> {
        let sealed = match self {
            Self::Plain(key) => return Some((key.clone(), None)),
            Self::Sealed(sealed) => sealed,
        };
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        secrets.iter().enumerate().find_map(|(place, secret)| {
            let mut text = Zeroizing::new(sealed.to_vec());
            let (nonce, context) = (Nonce::assume_unique_for_key(*nonce), Aad::from(context(kid, algorithm)));
            let key = secret.key()?.open_in_place(nonce, context, &mut text).ok()?;
            Some((Zeroizing::new(key.to_vec()), Some(place)))
        })
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Plain(key) => format!("plain:{}", URL_SAFE_NO_PAD.encode(key)),
            Self::Sealed(sealed) => format!("sealed:{}", URL_SAFE_NO_PAD.encode(sealed)),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (form, encoded) = text.split_once(':')?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        match form {
            "plain" => Some(Self::Plain(Zeroizing::new(bytes))),
            "sealed" => Some(Self::Sealed(bytes)),
            _ => None,
        }
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sealed() { "Sealed(…)" } else { "Plain(…)" })
    }
}

impl Key<StoredKey> {
    /// The private key, and the place of the secret that opened it.
    ///
    /// # Errors
    /// [`KeyError::Sealed`] when none of the secrets does.
    pub(super) fn open(&self, secrets: &[MasterSecret]) -> Result<(Zeroizing<Vec<u8>>, Option<usize>), KeyError> {
        let why = if secrets.is_empty() { "there is no master secret to open it" } else { "no master secret opens it" };
        let opened = self.private.open(&self.kid, self.algorithm, secrets);
        opened.ok_or_else(|| KeyError::Sealed { kid: self.kid.clone(), why })
    }
}

fn context(kid: &str, algorithm: Algorithm) -> String {
    format!("{algorithm} {kid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(letter: &str) -> MasterSecret {
        MasterSecret::parse(&letter.repeat(32)).unwrap()
    }

    fn stored(secret: Option<&MasterSecret>) -> StoredKey {
        StoredKey::new(Zeroizing::new(b"the private key".to_vec()), "kid", Algorithm::EdDsa, secret, Random).unwrap()
    }

    fn opened(stored: &StoredKey, secrets: &[MasterSecret]) -> Option<(Vec<u8>, Option<usize>)> {
        let (key, place) = stored.open("kid", Algorithm::EdDsa, secrets)?;
        Some((key.to_vec(), place))
    }

    #[test]
    fn a_sealed_key_is_opened_by_its_secret_alone() {
        let (a, b) = (secret("a"), secret("b"));
        let sealed = stored(Some(&a));
        assert_eq!(opened(&sealed, &[b.clone(), a.clone()]), Some((b"the private key".to_vec(), Some(1))));
        assert_eq!((opened(&sealed, &[b]), opened(&sealed, &[])), (None, None));
        assert!(sealed.is_sealed() && sealed != stored(Some(&a)), "each has a nonce of its own");
    }

    #[test]
    fn a_sealed_key_does_not_pass_for_another() {
        let secrets = [secret("a")];
        let sealed = stored(Some(&secrets[0]));
        assert!(sealed.open("kid2", Algorithm::EdDsa, &secrets).is_none());
        assert!(sealed.open("kid", Algorithm::Es256, &secrets).is_none());
        let StoredKey::Sealed(bytes) = sealed else { panic!("not sealed") };
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(opened(&StoredKey::Sealed(changed), &secrets), None, "{at}");
            assert_eq!(opened(&StoredKey::Sealed(bytes[..at].to_vec()), &secrets), None, "{at}");
        }
    }

    #[test]
    fn a_stored_key_is_text_that_says_whether_it_is_sealed() {
        let (plain, sealed) = (stored(None), stored(Some(&secret("a"))));
        for (key, form) in [(&plain, "plain:"), (&sealed, "sealed:")] {
            assert!(key.to_text().starts_with(form));
            assert!(StoredKey::parse(&key.to_text()).as_ref() == Some(key));
        }
        assert!(["", "plain", "plain:=", "locked:AA"].into_iter().all(|text| StoredKey::parse(text).is_none()));
        assert_eq!(opened(&plain, &[]), Some((b"the private key".to_vec(), None)));
    }

    #[test]
    fn a_master_secret_is_long_and_not_shown() {
        assert!(MasterSecret::parse(&"a".repeat(31)).is_err());
        assert_eq!(format!("{:?} {:?}", secret("a"), stored(None)), "MasterSecret(…) Plain(…)");
    }
}
