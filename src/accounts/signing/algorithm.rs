//! The algorithms that access tokens are signed with, and key pairs of theirs.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        UnparsedPublicKey,
    },
};
use zeroize::Zeroizing;

use super::error::KeyError;

/// An algorithm for signatures. There are no others: what a token names is looked up here (RFC 8725, 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    #[default]
    EdDsa,
    /// ECDSA with P-256 and SHA-256 (RFC 7518, 3.4).
    Es256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::EdDsa, Self::Es256];

    /// Its name in a token and in a key set.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(())
    }
}

/// A public key as other services read it (RFC 7517), without what says that it is for signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Which key it is.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// `OKP` or `EC`.
    pub key_type: &'static str,
    /// The curve: `Ed25519` or `P-256`.
    pub curve: &'static str,
    /// The point, or its first coordinate, in base64url.
    pub x: String,
    /// The second coordinate, on P-256.
    pub y: Option<String>,
}

/// A private key with its public one, ready to sign.
pub(super) enum KeyPair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl KeyPair {
    /// Makes a new private key, in the form of PKCS#8. `ring` takes the randomness of the operating system and no other.
    pub(super) fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let random = SystemRandom::new();
        let document = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        };
        let document = document.map_err(|_| KeyError::NotMade("the operating system has no randomness"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads a private key. Its public part must fit.
    pub(super) fn from_pkcs8(algorithm: Algorithm, document: &[u8]) -> Option<Self> {
        Some(match algorithm {
            Algorithm::EdDsa => Self::EdDsa(Ed25519KeyPair::from_pkcs8(document).ok()?),
            Algorithm::Es256 => {
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                Self::Es256(EcdsaKeyPair::from_pkcs8(signing, document, &SystemRandom::new()).ok()?)
            }
        })
    }

    /// A signature of 64 bytes, unless the operating system has no randomness for one.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::EdDsa(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::Es256(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = match self {
            Self::EdDsa(_) => {
                UnparsedPublicKey::new(&ED25519 as &dyn ring::signature::VerificationAlgorithm, self.public())
            }
            Self::Es256(_) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED as _, self.public()),
        };
        public.verify(message, signature).is_ok()
    }

    /// What may be published of it.
    pub(super) fn public_key(&self, kid: &str) -> PublicKey {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let kid = kid.to_owned();
        match self {
            Self::EdDsa(_) => {
                let x = text(self.public());
                PublicKey { kid, algorithm: Algorithm::EdDsa, key_type: "OKP", curve: "Ed25519", x, y: None }
            }
            Self::Es256(_) => {
                // An uncompressed point: 4, and two coordinates of 32 bytes.
                let (x, y) = self.public().get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
                let (x, y) = (text(x), Some(text(y)));
                PublicKey { kid, algorithm: Algorithm::Es256, key_type: "EC", curve: "P-256", x, y }
            }
        }
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::EdDsa(pair) => pair.public_key().as_ref(),
            Self::Es256(pair) => pair.public_key().as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, A.1: the private key, as PKCS#8 with its public key.
    fn rfc_8037() -> KeyPair {
        let d = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let begin = [0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let document = [begin.as_slice(), &d, &[0x81, 0x21, 0], &x].concat();
        KeyPair::from_pkcs8(Algorithm::EdDsa, &document).unwrap()
    }

    #[test]
    fn the_signature_of_rfc_8037_is_made_and_verified() {
        let pair = rfc_8037();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(URL_SAFE_NO_PAD.encode(pair.sign(message).unwrap()), signature);
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(pair.verify(message, &signature));
        assert!(!pair.verify(b"another message", &signature));
        let public = pair.public_key("a");
        assert_eq!((public.key_type, public.curve, public.y.is_none()), ("OKP", "Ed25519", true));
        assert_eq!(public.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }

    #[test]
    fn a_signature_has_64_bytes_and_is_good_for_its_key_alone() {
        for algorithm in Algorithm::ALL {
            let make = || KeyPair::from_pkcs8(algorithm, &KeyPair::generate(algorithm).unwrap()).unwrap();
            let (ours, other) = (make(), make());
            let signature = ours.sign(b"message").unwrap();
            assert_eq!(signature.len(), 64);
            assert!(ours.verify(b"message", &signature) && !other.verify(b"message", &signature), "{algorithm}");
            assert!(!ours.verify(b"message", &signature[..63]) && !ours.verify(b"message", b""), "{algorithm}");
        }
    }

    #[test]
    fn a_point_on_p_256_has_two_coordinates_of_32_bytes() {
        let pair = KeyPair::from_pkcs8(Algorithm::Es256, &KeyPair::generate(Algorithm::Es256).unwrap()).unwrap();
        let public = pair.public_key("a");
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let point = [vec![4], coordinate(&public.x), coordinate(public.y.as_deref().unwrap())].concat();
        assert_eq!((point.as_slice(), public.x.len()), (pair.public(), 43));
    }

    #[test]
    fn a_private_key_is_read_as_what_it_is_alone() {
        let document = KeyPair::generate(Algorithm::EdDsa).unwrap();
        assert!(KeyPair::from_pkcs8(Algorithm::Es256, &document).is_none());
        assert!(KeyPair::from_pkcs8(Algorithm::EdDsa, &document[1..]).is_none());
    }
}
