//! Device tokens: what tells a device that signed in before from a stranger.
//!
//! A stranger who guesses passwords uses up the attempts of an account, and must not keep its owner out with that. So
//! signing in gives a token that says which account the device signed in to; with it, attempts are counted for the
//! device alone (OWASP, Slow Down Online Guessing Attacks with Device Cookies; ASVS 6.1.1). It opens nothing by itself.
//!
//! As text it is `lkd_` and the base64url form of user id, device id and an HMAC-SHA256 of both, under a key that is made
//! when the store is first used. So no list of devices is kept.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use zeroize::Zeroizing;

use super::{error::Error, keys, random::Random, secret_text::secret_text, user::UserId};
use crate::store::{Batch, CommitError, Expectation, Fields, Name, OpenError, Record, Store};

/// The field of the key, in its record.
const FIELD: &str = "hmac_sha256";

secret_text! {
    /// What a device that signed in shows when it signs in again.
    DeviceToken
}

/// Which device. As text it is base64url without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeviceId([u8; 16]);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl DeviceToken {
    const PREFIX: &'static str = "lkd_";
}

/// What device tokens are made and recognised with.
pub(super) struct DeviceKey(hmac::Key);

impl DeviceKey {
    /// Reads the key of a store, and makes one when there is none.
    pub(super) async fn establish(store: &Store, random: Random) -> Result<Self, OpenError> {
        let slot = keys::devices();
        loop {
            let found = store.get(&slot.key(&Name::ROOT)).await.map_err(|e| OpenError(e.to_string()))?;
            if let Some(record) = found {
                return read(&record).map_err(|e| OpenError(e.to_string()));
            }
            let secret = Zeroizing::new(random.bytes::<32>());
            let mut batch = Batch::new(slot.clone());
            batch.expect(Name::ROOT, Expectation::Absent);
            batch.put(Name::ROOT, Fields::from([(FIELD.to_owned(), URL_SAFE_NO_PAD.encode(secret.as_slice()))]));
            match store.commit(batch).await {
                Ok(_) | Err(CommitError::Conflict) => {} // another instance may have been first
                Err(e) => return Err(OpenError(e.to_string())),
            }
        }
    }

    /// A key that recognises nothing, for whoever signs nobody in.
    pub(super) fn unused(random: Random) -> Self {
        Self::of(&random.bytes())
    }

    fn of(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The token of a device that signed in to this account: the one it has, or else a new one.
    pub(super) fn token(&self, user: UserId, known: Option<DeviceId>, random: Random) -> DeviceToken {
        let device = known.unwrap_or_else(|| DeviceId(random.bytes()));
        let ids = [*user.as_bytes(), device.0].concat();
        let bytes = [&ids, hmac::sign(&self.0, &ids).as_ref()].concat();
        DeviceToken(Zeroizing::new(format!("{}{}", DeviceToken::PREFIX, URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The device that has this token, if it signed in to this account before.
    pub(super) fn recognise(&self, token: &DeviceToken, user: UserId) -> Option<DeviceId> {
        let bytes = URL_SAFE_NO_PAD.decode(token.0.strip_prefix(DeviceToken::PREFIX)?).ok()?;
        let (ids, tag) = bytes.split_at_checked(32)?;
        hmac::verify(&self.0, ids, tag).ok()?;
        let (owner, device) = ids.split_first_chunk::<16>()?;
        (UserId::from_bytes(*owner) == user).then_some(DeviceId(device.try_into().ok()?))
    }
}

/// Looks whether a record can be read as the key.
pub(super) fn check(record: &Record) -> Result<(), Error> {
    read(record).map(|_| ())
}

fn read(record: &Record) -> Result<DeviceKey, Error> {
    let secret = record.fields.get(FIELD).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).map(Zeroizing::new);
    let secret = secret.and_then(|bytes| bytes.as_slice().try_into().ok());
    secret
        .map(|secret: [u8; 32]| DeviceKey::of(&secret))
        .ok_or_else(|| Error::Corrupt(format!("the field `{FIELD}` of the key of devices")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserId {
        UserId::from_bytes(Random.bytes())
    }

    #[test]
    fn a_device_is_recognised_by_its_own_account_alone() {
        let (key, other_key) = (DeviceKey::unused(Random), DeviceKey::unused(Random));
        let (ada, bob) = (user(), user());
        let token = key.token(ada, None, Random);
        let device = key.recognise(&token, ada).unwrap();
        assert_eq!(key.token(ada, Some(device), Random).reveal(), token.reveal());
        assert_eq!(key.recognise(&token, bob), None);
        assert_eq!(other_key.recognise(&token, ada), None);
        let another = key.recognise(&key.token(ada, None, Random), ada).unwrap();
        assert_ne!(another.to_string(), device.to_string());
    }

    #[test]
    fn a_token_with_any_other_character_is_not_recognised() {
        let (key, ada) = (DeviceKey::unused(Random), user());
        let token = key.token(ada, None, Random).reveal().to_owned();
        for at in 0..token.len() {
            for other in ['A', 'b', '_', '='] {
                let mut changed = token.clone().into_bytes();
                changed[at] = other as u8;
                let changed = String::from_utf8(changed).unwrap();
                let recognised = key.recognise(&DeviceToken::new(&changed), ada);
                assert_eq!(recognised.is_some(), changed == token, "{changed}");
            }
        }
        for text in ["", "lkd_", &token[..token.len() - 1], &format!("{token}A")] {
            assert_eq!(key.recognise(&DeviceToken::new(text), ada), None, "{text}");
        }
    }
}
