//! Tokens in links: 256 random bits, and whose they are.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::accounts::{digest::Digest, random::Random, secret_text::secret_text, user::UserId};

secret_text! {
    /// What a link in a mail holds: `lkm_` and the base64url form of user id and secret, 68 characters in all.
    MailToken
}

/// How long a secret is, in bytes.
const SECRET: usize = 32;

impl MailToken {
    const PREFIX: &'static str = "lkm_";

    /// Makes one, and the digest of its secret.
    pub(super) fn make(user: UserId, random: Random) -> (Self, Digest) {
        let secret = Zeroizing::new(random.bytes::<SECRET>());
        let bytes = Zeroizing::new([user.as_bytes().as_slice(), secret.as_slice()].concat());
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        (Self(Zeroizing::new([Self::PREFIX, &encoded].concat())), Digest::of(secret.as_slice()))
    }

    /// Whether it has the form of one, whoever made it.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.parts().is_some()
    }

    /// Whose it is, and the digest of its secret.
    pub(super) fn parts(&self) -> Option<(UserId, Digest)> {
        let encoded = self.0.strip_prefix(Self::PREFIX)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let (user, secret) = bytes.split_first_chunk::<16>()?;
        (secret.len() == SECRET).then(|| (UserId::from_bytes(*user), Digest::of(secret)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_no_other_text_is() {
        let user = UserId::from_bytes(Random.bytes());
        let (token, digest) = MailToken::make(user, Random);
        let text = token.reveal();
        assert_eq!(token.parts(), Some((user, digest)));
        assert_eq!(text.len(), 68);
        for bad in ["", "lkm_", &text[..67], &format!("{text}A"), &text[4..], &text.replacen("lkm_", "lkd_", 1)] {
            assert!(MailToken::new(bad).parts().is_none(), "{bad}");
        }
    }

    #[test]
    fn any_other_character_makes_it_another_token() {
        let (token, _) = MailToken::make(UserId::from_bytes(Random.bytes()), Random);
        let parts = token.parts();
        for at in 0..token.reveal().len() {
            let mut changed = token.reveal().to_owned().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = MailToken::new(&String::from_utf8(changed).unwrap());
            assert_ne!(changed.parts(), parts, "{at}");
        }
    }
}
