//! Idempotency keys: a registration that is sent again makes no second account.
//!
//! The record of a key fixes which user and which operation it stands for, before anything is claimed. It holds no
//! answer and no secret: the answer is made again from the user. Attempts with one key share the operation, so whichever
//! commits first makes the account, and the others find it made.

use std::time::Duration;

use super::registration::{Attempt, Registration};
use crate::{
    accounts::{
        Accounts,
        digest::Digest,
        error::Error,
        hashing::Verdict,
        keys,
        locale::Locale,
        profile::DisplayName,
        records::{self, IdempotencyRecord},
        user::{Stored, Tombstone, User, UserRecord},
        username::Username,
    },
    store::{Batch, CommitError, Expectation, Name},
};

/// How long a key stands for its account.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A client's own name for a request: 1 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=255).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// What a key turned out to stand for.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment")]
pub(super) enum Recalled {
    /// An account that is there.
    Made(User),
    /// An account that is still to be made.
    ToMake(Attempt),
}

impl Accounts {
    /// Finds out what `key` stands for, and fixes it when the key is new.
    pub(super) async fn recall(&self, key: &IdempotencyKey, registration: &Registration) -> Result<Recalled, Error> {
        let slot = keys::idempotency(&key.0);
        let request = digest(registration);
        let mut retry = self.retry();
        loop {
            let now = self.clock.now();
            let expected = match self.store.get(&slot.key(&Name::ROOT)).await? {
                None => Expectation::Absent,
                Some(found) => {
                    let known = records::read_idempotency(&found)?;
                    let attempt = Attempt { user: known.user, op: known.op, shared: true };
                    if known.expires_at <= now {
                        Expectation::Revision(found.revision)
                    } else if known.request != request {
                        return Err(Error::IdempotencyKeyMismatch);
                    } else {
                        match self.find_user(known.user).await?.map(|user| user.value) {
                            None => return Ok(Recalled::ToMake(attempt)),
                            // Somebody else was given the address, and has perhaps let it go: start afresh.
                            Some(UserRecord::Tombstone(Tombstone::Fenced)) => Expectation::Revision(found.revision),
                            Some(_) => return self.recall_made(attempt, registration).await.map(Recalled::Made),
                        }
                    }
                }
            };
            let attempt = self.new_attempt(true);
            let expires_at = now.plus(LIFE);
            let record = IdempotencyRecord { user: attempt.user, op: attempt.op, request, expires_at };
            let mut batch = Batch::new(slot.clone());
            batch.expect(Name::ROOT, expected);
            batch.put_until(Name::ROOT, records::write_idempotency(&record), expires_at.as_millis());
            match self.store.commit(batch).await {
                Ok(_) => return Ok(Recalled::ToMake(attempt)),
                Err(CommitError::Conflict) => retry.pause().await?,
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The account that a key has made, for whoever knows its password.
    pub(super) async fn recall_made(&self, attempt: Attempt, registration: &Registration) -> Result<User, Error> {
        let user = match self.find_user(attempt.user).await? {
            Some(Stored { value: UserRecord::Active(user), .. }) => user,
            Some(Stored { value: UserRecord::Tombstone(Tombstone::Deleted), .. }) => {
                // As much work as for a user who is there, so that the time does not tell.
                self.hasher.verify(registration.password.to_password(), None).await?;
                return Err(Error::IdempotencyKeyUsed);
            }
            Some(Stored { value: UserRecord::Tombstone(Tombstone::Fenced), .. }) | None => {
                return Err(Error::Contended);
            }
        };
        let password = registration.password.to_password();
        match self.hasher.verify(password, Some(user.password_hash.clone())).await? {
            Verdict::Wrong => Err(Error::IdempotencyKeyUsed),
            Verdict::Right | Verdict::RightButOutdated => Ok(user),
        }
    }
}

/// What makes two requests the same: everything but the password, which is compared with the account's own.
fn digest(registration: &Registration) -> Digest {
    let Registration { email, password: _, username, name, locale, metadata } = registration;
    let mut request = serde_json::json!({
        "email": email.as_str(),
        "username": username.as_ref().map(Username::as_str),
        "name": name.as_ref().map(DisplayName::as_str),
        "locale": locale.as_ref().map(Locale::as_str),
        "metadata": metadata.as_object(),
    });
    request.sort_all_objects();
    Digest::of(request.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_checked_at_their_bounds() {
        for good in ["a", "6f2d-\u{7e}", &"k".repeat(255)] {
            assert!(IdempotencyKey::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\u{7f}", "\u{e4}", &"k".repeat(256)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_so_many_visible_characters(text in "[!-~]{0,260}|\\PC{0,40}|[ -~]{1,40}") {
            let is_one = (1..=255).contains(&text.chars().count()) && text.chars().all(|c| ('!'..='~').contains(&c));
            prop_assert_eq!(IdempotencyKey::parse(&text).is_ok(), is_one);
        }
    }
}
