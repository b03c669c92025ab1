//! Refresh tokens: two secrets of a session, one that stays and one that changes with every use.
//!
//! As text a token is `lkr_` and the base64url form of user id, session id, family secret (128 bits) and current secret
//! (256 bits). It names where it is kept, so it needs no index, and only digests are stored.
//!
//! The current secret is used once: using it gives the next one. Whoever comes with a former one is late by some seconds
//! (two tabs, a lost answer) or is a thief, or was robbed by one. For the first case the next secret can be had again: it
//! is derived from the former one and a salt that the session keeps, so nobody who knows only one of the two has it.
//! The family secret tells both cases from somebody who never had a token and only read a session's id somewhere.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use zeroize::Zeroizing;

use crate::accounts::{
    clock::Timestamp,
    digest::Digest,
    random::Random,
    user::{SessionId, UserId},
};

/// How long a former secret gives the same next one.
const GRACE: Duration = Duration::from_secs(10);

/// Keeps what is derived here apart from whatever else might be derived of a secret.
const LABEL: &[u8] = b"latchkey refresh token, next secret";

/// A credential that gives new tokens of its session, once.
#[derive(Clone)]
pub struct RefreshToken(Zeroizing<String>);

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// The parts of a token.
pub(in crate::accounts) struct Parts {
    pub(in crate::accounts) user: UserId,
    pub(in crate::accounts) session: SessionId,
    family: Zeroizing<[u8; 16]>,
    secret: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    const PREFIX: &'static str = "lkr_";

    /// Takes a token from a client. Whether it is any good, [`Accounts::refresh`](crate::accounts::Accounts::refresh)
    /// finds out.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The token as the client sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(in crate::accounts) fn parts(&self) -> Option<Parts> {
        let encoded = self.0.strip_prefix(Self::PREFIX)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (family, secret) = rest.split_first_chunk::<16>()?;
        Some(Parts {
            user: UserId::from_bytes(*user),
            session: SessionId::from_bytes(*session),
            family: Zeroizing::new(*family),
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }
}

impl Parts {
    fn token(&self) -> RefreshToken {
        let parts = [self.user.as_bytes(), self.session.as_bytes(), self.family.as_slice(), self.secret.as_slice()];
        let bytes = Zeroizing::new(parts.concat());
        RefreshToken(Zeroizing::new(format!("{}{}", RefreshToken::PREFIX, URL_SAFE_NO_PAD.encode(&bytes))))
    }

    /// The parts of the token that follows this one.
    fn next(&self, salt: &[u8; 32]) -> Self {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_slice()));
        context.update(LABEL);
        context.update(salt);
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(context.sign().as_ref());
        Self { user: self.user, session: self.session, family: self.family.clone(), secret }
    }
}

/// What a session keeps of its refresh tokens.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::accounts) struct Refresh {
    pub(in crate::accounts) family: Digest,
    pub(in crate::accounts) current: Digest,
    pub(in crate::accounts) former: Option<Former>,
}

/// What is kept of the secret before the current one.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::accounts) struct Former {
    pub(in crate::accounts) digest: Digest,
    /// What the current secret was derived with.
    pub(in crate::accounts) salt: [u8; 32],
    /// When.
    pub(in crate::accounts) at: Timestamp,
}

/// What a token is to its session.
pub(in crate::accounts) enum Standing {
    /// It is the current one: here is the next one, and what the session is to keep when it is given out.
    Current(RefreshToken, Refresh),
    /// It was the current one a moment ago: here is the one that followed it.
    JustUsed(RefreshToken),
    /// It was a token of this session, and is used up.
    UsedUp,
    /// It never was one.
    Foreign,
}

impl Refresh {
    /// The first token of a session, and what the session is to keep of it.
    pub(in crate::accounts) fn start(user: UserId, session: SessionId, random: Random) -> (RefreshToken, Self) {
        let (family, secret) = (Zeroizing::new(random.bytes()), Zeroizing::new(random.bytes()));
        let parts = Parts { user, session, family, secret };
        let kept = Self { family: digest(&parts.family[..]), current: digest(&parts.secret[..]), former: None };
        (parts.token(), kept)
    }

    /// What a token of these parts is to the session that keeps this.
    pub(in crate::accounts) fn standing(&self, parts: &Parts, now: Timestamp, random: Random) -> Standing {
        if digest(&parts.family[..]) != self.family {
            return Standing::Foreign;
        }
        let presented = digest(&parts.secret[..]);
        if presented == self.current {
            let salt = random.bytes();
            let next = parts.next(&salt);
            let former = Some(Former { digest: presented, salt, at: now });
            return Standing::Current(
                next.token(),
                Self { family: self.family, current: digest(&next.secret[..]), former },
            );
        }
        match &self.former {
            Some(former) if former.digest == presented && now < former.at.plus(GRACE) => {
                Standing::JustUsed(parts.next(&former.salt).token())
            }
            _ => Standing::UsedUp,
        }
    }
}

fn digest(secret: &[u8]) -> Digest {
    Digest::of(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_700_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(NOON + seconds * 1000)
    }

    fn first() -> (RefreshToken, Refresh) {
        Refresh::start(UserId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]), Random)
    }

    fn standing(kept: &Refresh, token: &RefreshToken, now: Timestamp) -> Standing {
        kept.standing(&token.parts().unwrap(), now, Random)
    }

    #[test]
    fn a_token_gives_the_next_one_and_for_ten_seconds_the_same_one_again() {
        let (token, kept) = first();
        let Standing::Current(next, kept) = standing(&kept, &token, at(0)) else { panic!("it is the current one") };
        let Standing::JustUsed(again) = standing(&kept, &token, at(9)) else { panic!("it was just used") };
        assert_eq!(again.reveal(), next.reveal());
        assert!(matches!(standing(&kept, &token, at(10)), Standing::UsedUp));
        assert!(matches!(standing(&kept, &next, at(10)), Standing::Current(..)));
    }

    #[test]
    fn the_one_before_the_former_is_used_up_at_once() {
        let (token, kept) = first();
        let Standing::Current(second, kept) = standing(&kept, &token, at(0)) else { panic!() };
        let Standing::Current(_, kept) = standing(&kept, &second, at(1)) else { panic!() };
        assert!(matches!(standing(&kept, &token, at(1)), Standing::UsedUp));
        assert!(matches!(standing(&kept, &second, at(1)), Standing::JustUsed(_)));
    }

    #[test]
    fn whoever_knows_only_the_session_is_foreign() {
        let ((_, kept), (other, _)) = (first(), first());
        assert!(matches!(standing(&kept, &other, at(0)), Standing::Foreign));
    }

    #[test]
    fn a_token_is_its_text_and_nothing_stored_is_in_it() {
        let (token, kept) = first();
        assert_eq!(token.parts().unwrap().token().reveal(), token.reveal());
        assert!(
            !token.reveal().contains(&kept.current.to_string()) && !token.reveal().contains(&kept.family.to_string())
        );
        assert_eq!(format!("{token:?}"), "RefreshToken(…)");
        let text = token.reveal();
        for bad in ["", "lkr_", "lkr_AAAA", &text[4..], &text[..text.len() - 4], &format!("{text}AAAA"), "lkr_\u{e4}"] {
            assert!(RefreshToken::new(bad).parts().is_none(), "{bad}");
        }
    }
}
