//! SHA-256 digests: what is kept of a secret, and how long or private text becomes part of a key.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 digest of something. As text it is base64url without padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads the text form.
    #[must_use]
    pub(super) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The digest itself.
    #[must_use]
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first byte, for spreading things evenly.
    #[must_use]
    pub(super) fn first_byte(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

impl PartialEq for Digest {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_one_that_is_known() {
        let text = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let digest = Digest::of(b"");
        assert_eq!((digest.to_string().as_str(), digest.first_byte()), (text, 0xe3));
        assert_eq!(Digest::parse(text), Some(digest));
        assert_ne!(digest, Digest::of(b"a"));
        assert_eq!([&text[1..], "", "?"].map(Digest::parse), [const { None }; 3]);
    }
}
