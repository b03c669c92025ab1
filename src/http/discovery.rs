//! `/.well-known`: what other services need to check access tokens by themselves.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};

use super::Tags;
use crate::accounts::{Accounts, PublicKey};

/// How long a key set may be kept: shorter than a key is published before it signs.
const CACHE: &str = "public, max-age=300";

/// A set of public keys (RFC 7517).
#[derive(Debug, Object)]
struct KeySet {
    /// The keys: one that signs, and those that will or did.
    keys: Vec<Key>,
}

/// A public key (RFC 7517, 7518 and 8037).
#[derive(Debug, Object)]
#[oai(rename = "PublicKey", skip_serializing_if_is_none)]
struct Key {
    /// Which key it is. It is in the header of each token that it signed.
    kid: String,
    /// `OKP`, or `EC`.
    kty: String,
    /// The curve: `Ed25519`, or `P-256`.
    crv: String,
    /// What it signs with: `EdDSA`, or `ES256`.
    alg: String,
    /// What it is for: `sig`.
    r#use: String,
    /// The point on the curve, or its first coordinate, in base64url.
    x: String,
    /// The second coordinate, with `P-256`.
    y: Option<String>,
}

#[derive(ApiResponse)]
enum KeysFound {
    /// The keys.
    #[oai(status = 200)]
    Ok(
        Json<KeySet>,
        /// How long the answer may be kept.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// The operations of `/.well-known`.
pub(super) struct Discovery;

#[OpenApi(prefix_path = "/.well-known", tag = "Tags::Discovery")]
impl Discovery {
    /// Which keys sign access tokens?
    ///
    /// The public keys (a JWK Set, RFC 7517) that access tokens are checked with. A new key is here 10 minutes before it
    /// signs, and an old one until the last token that it signed has expired. When a token names a key that is not in the
    /// set, read it again.
    #[oai(path = "/jwks.json", method = "get", operation_id = "get_keys")]
    async fn keys(&self, accounts: Data<&Arc<Accounts>>) -> KeysFound {
        let keys = accounts.keyring().published().await.into_iter().map(Key::from).collect();
        KeysFound::Ok(Json(KeySet { keys }), CACHE.to_owned())
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self {
            kid: key.kid,
            kty: key.key_type.to_owned(),
            crv: key.curve.to_owned(),
            alg: key.algorithm.to_string(),
            r#use: "sig".to_owned(),
            x: key.x,
            y: key.y,
        }
    }
}
