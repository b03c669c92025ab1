//! Somebody who has the private key of a service and signs what they like with it: so that of each token that is refused,
//! one thing alone is wrong.

use std::{collections::BTreeMap, time::UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::redis_server::{RedisServer, command};

pub struct Forger {
    key: Ed25519KeyPair,
    header: Value,
    claims: Value,
    original: String,
}

impl Forger {
    /// Takes the key that signed `token` out of the Redis of the service.
    pub async fn new(redis: &RedisServer, token: &str) -> Self {
        let (header, claims) = Self::read(token);
        let fields: BTreeMap<String, String> = command(&redis.client().await, "HGETALL latchkey:{signing}").await;
        let private = &fields[&format!("{}.private_key", header["kid"].as_str().unwrap())];
        let private = URL_SAFE_NO_PAD.decode(private.strip_prefix("plain:").unwrap()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(&private).unwrap();
        Self { key, header, claims, original: token.to_owned() }
    }

    /// The header and the claims of a token.
    pub fn read(token: &str) -> (Value, Value) {
        let part = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let parts = token.split('.').map(str::to_owned).collect::<Vec<_>>();
        (part(&parts[0]), part(&parts[1]))
    }

    /// The token, with these members of the header and these claims in place of its own, and a signature that fits. What is
    /// null is left out.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = self.signed(header, claims);
        format!("{signed}.{}", encoded(self.key.sign(signed.as_bytes()).as_ref()))
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let (mut all, mut said) = (self.header.clone(), self.claims.clone());
        for (target, changes) in [(&mut all, header), (&mut said, claims)] {
            target.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            target.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        }
        format!("{}.{}", encoded(all.to_string()), encoded(said.to_string()))
    }

    /// Members of the header and claims, each with one thing that no service may take.
    pub fn wrong(&self) -> Vec<(Value, Value)> {
        let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let headers = [
            json!({"typ": "JWT"}),
            json!({"typ": null}),
            json!({"alg": "ES256"}),
            json!({"alg": "HS256"}),
            json!({"alg": "none"}),
            json!({"alg": null}),
            json!({"kid": "another"}),
            json!({"crit": ["urn:example:bound"], "urn:example:bound": true}),
        ];
        let claims = [
            json!({"exp": now - 60}),
            json!({"exp": null}),
            json!({"exp": "tomorrow"}),
            json!({"iss": "https://accounts.example.com"}),
            json!({"iss": format!("{}/", self.claims["iss"].as_str().unwrap())}),
            json!({"iss": null}),
            json!({"aud": "https://other.example.com"}),
            json!({"aud": ["https://other.example.com"]}),
            json!({"aud": []}),
            json!({"aud": null}),
            json!({"sub": null}),
        ];
        let headers = headers.into_iter().map(|header| (header, json!({})));
        headers.chain(claims.into_iter().map(|claims| (json!({}), claims))).collect()
    }

    /// Tokens that the key did not sign, and what is no token.
    pub fn strange(&self) -> Vec<String> {
        let other = Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref());
        let other = other.unwrap();
        let by_other = |header: Value| {
            let signed = self.signed(&header, &json!({}));
            format!("{signed}.{}", encoded(other.sign(signed.as_bytes()).as_ref()))
        };
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(other.public_key().as_ref()), "alg": "EdDSA"});
        let unsigned = self.signed(&json!({"alg": "none"}), &json!({}));
        // The public key as if it were a secret that both sides share.
        let shared = self.signed(&json!({"alg": "HS256"}), &json!({}));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.key.public_key().as_ref()), shared.as_bytes());
        let (signed, signature) = self.original.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let admin = self.signed(&json!({}), &json!({"permissions": ["articles:write"]}));
        vec![
            by_other(json!({})),
            by_other(json!({"jku": "https://evil.example.com/jwks.json"})),
            by_other(json!({"x5u": "https://evil.example.com/certificate"})),
            by_other(json!({"jwk": jwk, "kid": null})),
            by_other(json!({"jwk": jwk})),
            format!("{unsigned}."),
            format!("{unsigned}.{signature}"),
            format!("{shared}.{}", encoded(tag.as_ref())),
            format!("{admin}.{signature}"),
            format!("{signed}."),
            signed.to_owned(),
            format!("{header}.{header}.{header}"),
            format!("{}.x", self.original),
            "garbage".to_owned(),
            "a.b.c".to_owned(),
            "..".to_owned(),
        ]
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
