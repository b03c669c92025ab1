//! An API key as a service sends it: `lkk_`, and the base64url form of its id and 256 random bits.
//!
//! The id finds the record in one read. Of the random bits only the SHA-256 digest is stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::ApiKeyId;
use crate::accounts::{digest::Digest, random::Random, secret_text::secret_text};

secret_text! {
    /// An API key. It is shown once, to the operator who makes it.
    ApiKeyText
}

impl ApiKeyText {
    const PREFIX: &'static str = "lkk_";

    /// Whether a text is meant to be an API key, good or not: no other token begins like one.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(Self::PREFIX)
    }

    /// Makes a key, and what is to be stored of it.
    pub(super) fn generate(id: ApiKeyId, random: Random) -> (Self, Digest) {
        let secret = Zeroizing::new(random.bytes::<32>());
        let bytes = Zeroizing::new([id.as_bytes(), secret.as_slice()].concat());
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(&bytes));
        (Self(Zeroizing::new([Self::PREFIX, &encoded].concat())), Digest::of(secret.as_slice()))
    }

    pub(super) fn parts(&self) -> Option<(ApiKeyId, Digest)> {
        let encoded = self.0.strip_prefix(Self::PREFIX)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        let secret = secret.first_chunk::<32>().filter(|_| secret.len() == 32)?;
        Some((ApiKeyId::from_bytes(*id), Digest::of(secret)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_names_its_record_and_what_is_stored_is_not_in_it() {
        let id = ApiKeyId::from_bytes([7; 16]);
        let (text, digest) = ApiKeyText::generate(id, Random);
        let (found, found_digest) = ApiKeyText::new(text.reveal()).parts().unwrap();
        assert!(found == id && found_digest == digest);
        assert_eq!(text.reveal().len(), 68);
        assert!(!text.reveal().contains(&digest.to_string()));
        assert_eq!(format!("{text:?}"), "ApiKeyText(…)");
    }

    #[test]
    fn what_is_no_key_has_no_parts() {
        let (text, _) = ApiKeyText::generate(ApiKeyId::from_bytes([7; 16]), Random);
        let text = text.reveal();
        for bad in ["", "lkk_", "lkk_AAAA", &text[4..], &text[..64], &format!("{text}AAAA"), "lkk_\u{e4}", "lk_AAAA"] {
            assert!(ApiKeyText::new(bad).parts().is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(lkk_)?[A-Za-z0-9_=+/-]{60,68}|\\PC{0,60}") {
            let _ = ApiKeyText::new(&text).parts();
        }

        #[test]
        fn a_key_that_was_changed_anywhere_is_another_or_none(place in 0_usize..68, other in "[A-Za-z0-9_-]") {
            let (key, digest) = ApiKeyText::generate(ApiKeyId::from_bytes([7; 16]), Random);
            let mut text = key.reveal().to_owned();
            text.replace_range(place..=place, &other);
            prop_assume!(text != key.reveal());
            prop_assert!(ApiKeyText::new(&text).parts() != Some((ApiKeyId::from_bytes([7; 16]), digest)));
        }
    }
}
