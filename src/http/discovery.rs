//! `/.well-known`: what other services need to check access tokens by themselves.
#![expect(clippy::unused_async, reason = "the macro of poem-openapi takes async handlers only")]

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, payload::Json};

use super::Tags;
use crate::accounts::{Accounts, Algorithm, PublicKey};

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

/// What this service is, as an authorization server describes itself (RFC 8414). People sign in at `/v1/sessions`,
/// which is no grant of OAuth, so there is neither an authorization endpoint nor a token endpoint.
#[derive(Debug, Object)]
struct Metadata {
    /// The `iss` of access tokens, letter by letter.
    issuer: String,
    /// Where the keys are that access tokens are checked with.
    jwks_uri: String,
    /// Where services ask about tokens (RFC 7662).
    introspection_endpoint: String,
    /// How they authenticate: with an API key as the password of HTTP Basic. As a bearer token it is good as well.
    introspection_endpoint_auth_methods_supported: Vec<String>,
    /// Where tokens are ended (RFC 7009).
    revocation_endpoint: String,
    /// `none`: whoever has a token may end it.
    revocation_endpoint_auth_methods_supported: Vec<String>,
    /// `none`: no answer of an authorization endpoint has anything in it, since there is no such endpoint. RFC 8414
    /// demands a value.
    response_types_supported: Vec<String>,
    /// `public`: `sub` is the user's id, the same for every service. OpenID Connect demands it.
    subject_types_supported: Vec<String>,
    /// What tokens may be signed with. There are no ID tokens, but libraries take this for access tokens too.
    id_token_signing_alg_values_supported: Vec<String>,
}

#[derive(ApiResponse)]
enum MetadataFound {
    /// The metadata.
    #[oai(status = 200)]
    Ok(
        Json<Metadata>,
        /// How long the answer may be kept.
        #[oai(header = "Cache-Control")]
        String,
    ),
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
    /// The public keys (a JWK Set, RFC 7517) that access tokens are checked with. A new key is here 10 minutes before
    /// it signs, and an old one until the last token that it signed has expired. When a token names a key that is not
    /// in the set, read it again.
    #[oai(path = "/jwks.json", method = "get", operation_id = "get_keys")]
    async fn keys(&self, accounts: Data<&Arc<Accounts>>) -> KeysFound {
        let keys = accounts.keyring().published().await.into_iter().map(Key::from).collect();
        KeysFound::Ok(Json(KeySet { keys }), CACHE.to_owned())
    }

    /// Who issues access tokens, and where are the keys?
    ///
    /// The metadata of an authorization server (RFC 8414): whoever knows the issuer alone finds the keys by it. When
    /// the issuer has a path, RFC 8414 puts this path behind the address of the metadata, which the proxy in front must
    /// map to this one.
    #[oai(path = "/oauth-authorization-server", method = "get", operation_id = "get_server_metadata")]
    async fn server(&self, accounts: Data<&Arc<Accounts>>) -> MetadataFound {
        metadata(&accounts)
    }

    /// The same, where OpenID Connect looks for it
    ///
    /// For those who look for the keys as OpenID Connect does. There are no ID tokens.
    #[oai(path = "/openid-configuration", method = "get", operation_id = "get_openid_configuration")]
    async fn openid(&self, accounts: Data<&Arc<Accounts>>) -> MetadataFound {
        metadata(&accounts)
    }
}

fn metadata(accounts: &Accounts) -> MetadataFound {
    let issuer = accounts.settings().tokens.issuer.clone();
    let metadata = Metadata {
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        introspection_endpoint: format!("{issuer}/v1/tokens/introspect"),
        introspection_endpoint_auth_methods_supported: vec!["client_secret_basic".to_owned()],
        revocation_endpoint: format!("{issuer}/v1/tokens/revoke"),
        revocation_endpoint_auth_methods_supported: vec!["none".to_owned()],
        issuer,
        response_types_supported: vec!["none".to_owned()],
        subject_types_supported: vec!["public".to_owned()],
        id_token_signing_alg_values_supported: Algorithm::ALL.map(|algorithm| algorithm.name().to_owned()).to_vec(),
    };
    MetadataFound::Ok(Json(metadata), CACHE.to_owned())
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
