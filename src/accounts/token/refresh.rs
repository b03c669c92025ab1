//! Refresh tokens: two secrets of a session, one that stays and one that changes with every use.
//!
//! As text a token is `lkr_` and the base64url form of user id, session id, family secret (128 bits) and current secret
//! (256 bits). It names where it is kept, so it needs no index, and only digests are stored.
//!
//! The current secret is used once: using it gives the next one. Whoever comes with a former one is late by some
//! seconds (two tabs, a lost answer) or is a thief, or was robbed by one. For the first case the current secret can be
//! had again: each next one is derived from the one before and a salt that the session keeps for that long, so nobody
//! who knows only one of the two has it. The family secret tells both cases from somebody who never had a token and
//! only read a session's id somewhere.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use zeroize::Zeroizing;

use crate::accounts::{
    clock::Timestamp,
    digest::Digest,
    random::Random,
    secret_text::secret_text,
    user::{SessionId, UserId},
};

/// How long a secret that was used gives the one that followed it.
pub(in crate::accounts) const GRACE: Duration = Duration::from_secs(10);

/// As many secrets that were just used are kept, at the most.
const FORMERS: usize = 4;

/// Keeps what is derived here apart from whatever else might be derived of a secret.
const LABEL: &[u8] = b"latchkey refresh token, next secret";

/// When a refresh token gives another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Every time.
    Always,
    /// Not within 10 seconds of the last time: for a client that may take a later answer before an earlier one, and be
    /// left with the former token. A browser does that with cookies.
    Spaced,
}

secret_text! {
    /// A credential that gives new tokens of its session, once.
    RefreshToken
}

/// The parts of a token.
#[derive(Clone)]
pub(in crate::accounts) struct Parts {
    pub(in crate::accounts) user: UserId,
    pub(in crate::accounts) session: SessionId,
    family: Zeroizing<[u8; 16]>,
    secret: Zeroizing<[u8; 32]>,
}

impl RefreshToken {
    const PREFIX: &'static str = "lkr_";

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
    /// The secrets before the current one, the latest first.
    pub(in crate::accounts) formers: Vec<Former>,
}

/// What is kept of a secret that was used.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::accounts) struct Former {
    pub(in crate::accounts) digest: Digest,
    /// What the next secret was derived with.
    pub(in crate::accounts) salt: [u8; 32],
    /// When.
    pub(in crate::accounts) at: Timestamp,
}

/// What a token is to its session.
pub(in crate::accounts) enum Standing {
    /// It is the current one: here is the next one, and what the session is to keep when it is given out.
    Current(RefreshToken, Refresh),
    /// It was used a moment ago, or is not to be used up yet: here is the current one.
    Again(RefreshToken),
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
        let (family, current) = (Digest::of(&parts.family[..]), Digest::of(&parts.secret[..]));
        (parts.token(), Self { family, current, formers: Vec::new() })
    }

    /// Whether a token of these parts is or was one of the session that keeps this.
    pub(in crate::accounts) fn is_of(&self, parts: &Parts) -> bool {
        Digest::of(&parts.family[..]) == self.family
    }

    /// What a token of these parts is to the session that keeps this. `just` says of a moment whether a secret that was
    /// used then was just used.
    pub(in crate::accounts) fn standing(
        &self,
        parts: &Parts,
        now: Timestamp,
        just: impl Fn(Timestamp) -> bool,
        rotation: Rotation,
        random: Random,
    ) -> Standing {
        if !self.is_of(parts) {
            return Standing::Foreign;
        }
        let presented = Digest::of(&parts.secret[..]);
        if presented == self.current {
            let was_just_made = self.formers.first().is_some_and(|former| just(former.at));
            if rotation == Rotation::Spaced && was_just_made {
                return Standing::Again(parts.token());
            }
            let salt = random.bytes();
            let next = parts.next(&salt);
            let earlier = self.formers.iter().filter(|former| just(former.at)).take(FORMERS - 1).cloned();
            let formers = [Former { digest: presented, salt, at: now }].into_iter().chain(earlier).collect();
            let kept = Self { family: self.family, current: Digest::of(&next.secret[..]), formers };
            return Standing::Current(next.token(), kept);
        }
        let place = self.formers.iter().position(|former| former.digest == presented && just(former.at));
        let Some(place) = place else { return Standing::UsedUp };
        // What followed it may have been used as well, so from it to the current one there may be several steps.
        let steps = self.formers.iter().take(place + 1).rev();
        Standing::Again(steps.fold(parts.clone(), |reached, former| reached.next(&former.salt)).token())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_700_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(NOON + seconds * 1000)
    }

    fn first() -> (RefreshToken, Refresh) {
        Refresh::start(UserId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]), Random)
    }

    fn standing(kept: &Refresh, token: &RefreshToken, now: Timestamp) -> Standing {
        kept.standing(&token.parts().unwrap(), now, |at| now < at.plus(GRACE), Rotation::Always, Random)
    }

    fn rotate(kept: &mut Refresh, token: &RefreshToken, now: Timestamp) -> RefreshToken {
        let Standing::Current(next, after) = standing(kept, token, now) else { panic!("it is not the current one") };
        *kept = after;
        next
    }

    #[track_caller]
    fn gives(kept: &Refresh, token: &RefreshToken, now: Timestamp, expected: &RefreshToken) {
        let Standing::Again(given) = standing(kept, token, now) else { panic!("it was not just used") };
        assert_eq!(given.reveal(), expected.reveal());
        let digest = Digest::of(&given.parts().unwrap().secret[..]);
        assert!(digest == kept.current);
    }

    #[test]
    fn a_token_gives_the_next_one_and_for_ten_seconds_the_same_one_again() {
        let (token, mut kept) = first();
        let next = rotate(&mut kept, &token, at(0));
        gives(&kept, &token, at(9), &next);
        assert!(matches!(standing(&kept, &token, at(10)), Standing::UsedUp));
        assert!(matches!(standing(&kept, &next, at(10)), Standing::Current(..)));
    }

    #[test]
    fn a_token_gives_the_current_one_for_ten_seconds_whatever_became_of_the_next() {
        let (first, mut kept) = first();
        let second = rotate(&mut kept, &first, at(0));
        let third = rotate(&mut kept, &second, at(3));
        let fourth = rotate(&mut kept, &third, at(6));
        for token in [&first, &second, &third] {
            gives(&kept, token, at(9), &fourth);
        }
        assert!(matches!(standing(&kept, &first, at(10)), Standing::UsedUp));
        gives(&kept, &second, at(12), &fourth);
        assert!(matches!(standing(&kept, &second, at(13)), Standing::UsedUp));
    }

    #[test]
    fn one_that_was_just_made_is_given_again_where_answers_overtake_each_other() {
        let (first, mut kept) = first();
        let second = rotate(&mut kept, &first, at(0));
        let spaced = |seconds: i64| {
            let just = |moment: Timestamp| at(seconds) < moment.plus(GRACE);
            kept.standing(&second.parts().unwrap(), at(seconds), just, Rotation::Spaced, Random)
        };
        assert!(matches!(spaced(9), Standing::Again(again) if again.reveal() == second.reveal()));
        assert!(matches!(spaced(10), Standing::Current(..)));
    }

    #[test]
    fn only_so_many_are_kept_and_none_that_is_long_used() {
        let (mut token, mut kept) = first();
        for n in 0..10 {
            token = rotate(&mut kept, &token, at(n / 5));
        }
        assert_eq!(kept.formers.len(), FORMERS);
        rotate(&mut kept, &token, at(100));
        assert_eq!(kept.formers.len(), 1);
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

    proptest! {
        #[test]
        fn reading_never_panics_and_a_token_has_one_spelling(text in "(lkr_)?[A-Za-z0-9_=+/-]{100,112}|\\PC{0,60}") {
            let token = RefreshToken::new(&text);
            if let Some(parts) = token.parts() {
                prop_assert!(parts.token().reveal() == text);
            }
        }

        #[test]
        fn a_token_that_was_changed_anywhere_is_good_for_nothing(place in 0_usize..111, other in "[A-Za-z0-9_-]") {
            let (token, kept) = first();
            let mut text = token.reveal().to_owned();
            text.replace_range(place..=place, &other);
            prop_assume!(text != token.reveal());
            // Another user or session is another record; here it is held against the one that it names no more.
            let is_elsewhere = |parts: &Parts| parts.user.as_bytes() != &[1; 16] || parts.session.as_bytes() != &[2; 16];
            if let Some(parts) = RefreshToken::new(&text).parts().filter(|parts| !is_elsewhere(parts)) {
                let standing = kept.standing(&parts, at(0), |_| true, Rotation::Always, Random);
                prop_assert!(matches!(standing, Standing::Foreign | Standing::UsedUp));
            }
        }
    }
}
