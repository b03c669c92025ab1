//! The issuer's public keys: found through its metadata, and kept for a while.

use std::{
    collections::HashMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use reqwest::{Client, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::{Mutex, OwnedMutexGuard, RwLock};

use crate::refusal::Refusal;

/// How long keys are kept. The issuer publishes a new key for longer than this before it signs with it.
const LIFETIME: Duration = Duration::from_secs(300);

/// How long it is at the least between two readings: tokens with made-up keys must not become a load on the issuer.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a reading may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A public key, and the one algorithm that it is for.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) public: DecodingKey,
}

/// The keys of one issuer.
pub(crate) struct Keys {
    issuer: String,
    client: Client,
    held: RwLock<Held>,
    /// When they were last asked for. Who holds the lock asks.
    asked: Arc<Mutex<Option<Instant>>>,
}

#[derive(Default)]
struct Held {
    keys: HashMap<String, Key>,
    since: Option<Instant>,
}

/// Of the issuer's metadata (RFC 8414), what is needed here.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Keys {
    pub(crate) fn new(issuer: &str) -> reqwest::Result<Self> {
        // The keys decide who is trusted: they come from where the issuer says, and from nowhere else.
        let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build()?;
        Ok(Self { issuer: issuer.to_owned(), client, held: RwLock::default(), asked: Arc::default() })
    }

    /// The key with this id, if it is one of the issuer's.
    pub(crate) async fn find(self: &Arc<Self>, kid: &str) -> Result<Option<Key>, Refusal> {
        let (known, fresh) = {
            let held = self.held.read().await;
            (held.keys.get(kid).cloned(), held.since.is_some_and(|since| since.elapsed() < LIFETIME))
        };
        match known {
            Some(key) if fresh => return Ok(Some(key)),
            // One of those who come reads them again, and the others go on with what is there.
            Some(_) => {
                if let Ok(asked) = Arc::clone(&self.asked).try_lock_owned() {
                    self.read_again(asked).await;
                }
            }
            // Perhaps it is new.
            None => self.read_again(Arc::clone(&self.asked).lock_owned().await).await,
        }
        let held = self.held.read().await;
        if held.since.is_none() { Err(Refusal::NoKeys) } else { Ok(held.keys.get(kid).cloned()) }
    }

    async fn read_again(self: &Arc<Self>, mut asked: OwnedMutexGuard<Option<Instant>>) {
        if asked.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        *asked = Some(Instant::now());
        let keys = Arc::clone(self);
        // In a task of its own, which goes on when the client hangs up. Otherwise somebody who always does would keep
        // the keys from ever being read.
        let reading = tokio::spawn(async move {
            match keys.read().await {
                Ok(found) => *keys.held.write().await = Held { keys: found, since: Some(Instant::now()) },
                // An issuer that is away for a moment must not lock everybody out: the old keys stay.
                Err(error) => tracing::warn!(error, "the issuer's keys cannot be read"),
            }
            drop(asked);
        });
        let _ = reading.await; // it has said what went wrong
    }

    async fn read(&self) -> Result<HashMap<String, Key>, Box<dyn Error + Send + Sync>> {
        let Metadata { issuer, jwks_uri } =
            self.get(&format!("{}/.well-known/oauth-authorization-server", self.issuer)).await?;
        // The metadata of somebody else would bring somebody else's keys (RFC 8414, 3.3).
        if issuer != self.issuer {
            return Err(format!("{} says that it is {issuer}", self.issuer).into());
        }
        let set: JwkSet = self.get(&jwks_uri).await?;
        let keys = set.keys.iter().filter_map(usable).collect::<HashMap<_, _>>();
        if keys.is_empty() { Err("there is no key that can be used".into()) } else { Ok(keys) }
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> reqwest::Result<T> {
        self.client.get(url).send().await?.error_for_status()?.json().await
    }
}

/// A key of the set by its id, if it is for an algorithm that is allowed here. There is no `none` and nothing with a
/// shared secret: a public key that passes for one is the oldest way to forge a token (RFC 8725, 2.1).
fn usable(jwk: &Jwk) -> Option<(String, Key)> {
    let algorithm = match jwk.common.key_algorithm? {
        KeyAlgorithm::EdDSA => Algorithm::EdDSA,
        KeyAlgorithm::ES256 => Algorithm::ES256,
        _ => return None,
    };
    Some((jwk.common.key_id.clone()?, Key { algorithm, public: DecodingKey::from_jwk(jwk).ok()? }))
}
