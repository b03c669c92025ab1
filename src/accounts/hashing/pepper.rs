//! Peppers: secrets of the operator that go into every new hash, so that who has the records alone cannot guess.
//!
//! A pepper is the secret input of Argon2 (RFC 9106, 3.1: K), which was made for this, and costs nothing. The hash names
//! which one it was made with, in `keyid`, so that peppers can change: a hash with an older one, or none, is made anew at
//! the next sign-in.

use std::fmt;

use argon2::KeyId;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// A pepper and its id.
#[derive(Clone)]
pub struct Pepper {
    id: KeyId,
    secret: Zeroizing<Vec<u8>>,
}

/// The text is no [`Pepper`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a pepper is an id of 1 to 8 characters of A-Z a-z 0-9 _ -, a colon, and 32 random bytes in base64url")]
pub struct InvalidPepper;

impl Pepper {
    /// The length of a pepper, in bytes.
    pub const LENGTH: usize = 32;

    /// Reads `id:base64url`.
    ///
    /// # Errors
    /// [`InvalidPepper`] when it has another form.
    pub fn parse(text: &str) -> Result<Self, InvalidPepper> {
        let (id, secret) = text.trim().split_once(':').ok_or(InvalidPepper)?;
        let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let id = KeyId::new(id.as_bytes()).ok().filter(|_| is_plain).ok_or(InvalidPepper)?;
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        let length = URL_SAFE_NO_PAD.decode_slice(secret.trim_end_matches('='), bytes.as_mut());
        if length != Ok(Self::LENGTH) {
            return Err(InvalidPepper);
        }
        Ok(Self { id, secret: Zeroizing::new(bytes.to_vec()) })
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// The secret of the pepper with this id; without an id there is none, and it is empty.
    pub(super) fn secret<'a>(peppers: &'a [Self], id: &[u8]) -> Option<&'a [u8]> {
        if id.is_empty() {
            return Some(&[]);
        }
        peppers.iter().find(|pepper| pepper.id.as_bytes() == id).map(|pepper| pepper.secret.as_slice())
    }

    /// An id that more than one of these has.
    #[must_use]
    pub fn duplicate(peppers: &[Self]) -> Option<String> {
        let mut ids = peppers.iter().map(|pepper| pepper.id).collect::<Vec<_>>();
        ids.sort_unstable();
        ids.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(String::from_utf8_lossy(one.as_bytes()).into_owned()),
            _ => None,
        })
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({}, …)", String::from_utf8_lossy(self.id.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn a_pepper_is_an_id_and_32_bytes() {
        let peppers = [Pepper::parse(&format!("2026-a:{SECRET}")).unwrap()];
        assert_eq!(Pepper::secret(&peppers, b"2026-a").unwrap(), (0..32).collect::<Vec<u8>>());
        assert_eq!(Pepper::secret(&peppers, b"2026-b"), None);
        assert_eq!(Pepper::secret(&peppers, b""), Some([].as_slice()));
        assert!(Pepper::parse(&format!(" 2026_b:{SECRET}=\n")).is_ok());
    }

    #[test]
    fn anything_else_is_none() {
        let short = SECRET.replace("AAEC", "");
        for (id, secret) in
            [("", SECRET), ("123456789", SECRET), ("a b", SECRET), ("ä", SECRET), ("a", ""), ("a", &short), ("a", "!")]
        {
            assert!(Pepper::parse(&format!("{id}:{secret}")).is_err(), "{id}:{secret}");
        }
        assert!(Pepper::parse(SECRET).is_err());
        assert!(Pepper::parse(&format!("a:{SECRET}AAAA")).is_err());
    }

    #[test]
    fn a_pepper_is_not_shown() {
        let pepper = Pepper::parse(&format!("new:{SECRET}")).unwrap();
        assert_eq!(format!("{pepper:?}"), "Pepper(new, …)");
    }

    #[test]
    fn two_peppers_with_one_id_are_noticed() {
        let peppers = ["a", "b", "a"].map(|id| Pepper::parse(&format!("{id}:{SECRET}")).unwrap());
        assert_eq!(Pepper::duplicate(&peppers).as_deref(), Some("a"));
        assert_eq!(Pepper::duplicate(&peppers[1..]), None);
    }
}
