//! Signatures that were checked, so that a token that comes again is only looked up.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use super::access::TokenSubject;
use crate::accounts::digest::Digest;

/// Tokens in one generation. There are two.
const GENERATION: usize = 8192;

/// What is remembered of tokens, by their digest. It is bounded: when a generation is full, the one before it is
/// forgotten, and what is still in use comes over into the new one.
#[derive(Debug, Default)]
pub(in crate::accounts) struct VerifiedTokens(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

#[derive(Debug)]
struct Verified {
    kid: String,
    subject: TokenSubject,
}

impl VerifiedTokens {
    /// Whom the token with this digest names, if it was checked with a key that is still held.
    pub(super) fn get(&self, digest: &Digest, holds: impl FnOnce(&str) -> bool) -> Option<TokenSubject> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = generations.find(digest.as_bytes())?;
        holds(&found.kid).then_some(found.subject)
    }

    /// Remembers a token that was checked with the key `kid`.
    pub(super) fn remember(&self, digest: Digest, kid: String, subject: TokenSubject) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.add(*digest.as_bytes(), Verified { kid, subject });
    }
}

impl Generations {
    fn find(&mut self, digest: &[u8; 32]) -> Option<&Verified> {
        if let Some(found) = self.old.remove(digest) {
            self.add(*digest, found);
        }
        self.young.get(digest)
    }

    fn add(&mut self, digest: [u8; 32], verified: Verified) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::user::{SessionId, UserId};

    fn subject(n: u8) -> TokenSubject {
        let (user, session) = (UserId::from_bytes([n; 16]), SessionId::from_bytes([n; 16]));
        TokenSubject { user, session, expires_at: n.into() }
    }

    #[test]
    fn a_token_counts_while_its_key_is_held() {
        let tokens = VerifiedTokens::default();
        let digest = Digest::of(b"token");
        tokens.remember(digest, "kid".to_owned(), subject(1));
        assert_eq!(tokens.get(&digest, |kid| kid == "kid").unwrap().expires_at, 1);
        assert!(tokens.get(&digest, |_| false).is_none());
        assert!(tokens.get(&Digest::of(b"another"), |_| true).is_none());
    }

    #[test]
    fn what_is_in_use_stays_and_the_rest_is_bounded() {
        let tokens = VerifiedTokens::default();
        let used = Digest::of(b"used");
        tokens.remember(used, String::new(), subject(1));
        for n in 0..5 * GENERATION {
            tokens.remember(Digest::of(&n.to_be_bytes()), String::new(), subject(2));
            if n % 1000 == 0 {
                assert!(tokens.get(&used, |_| true).is_some(), "{n}");
            }
        }
        let generations = tokens.0.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}
