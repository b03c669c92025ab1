//! What other services check access tokens with: the metadata, the key set, and a signature that they check themselves.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Value, json};

use crate::support::{TestApp, on_every_store};

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Checks a token as another service does, that knows the issuer alone. Answers the header.
async fn check(issuer: &str, token: &str) -> Value {
    let get = async |url: &str| reqwest::get(url).await.unwrap().json::<Value>().await.unwrap();
    let metadata = get(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(metadata["issuer"], issuer);
    let keys = get(metadata["jwks_uri"].as_str().unwrap()).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let header = serde_json::from_slice::<Value>(&decoded(header)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&decoded(payload)).unwrap()["iss"], issuer);
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!((&key["alg"], &key["use"]), (&header["alg"], &json!("sig")));
    let coordinate = |name: &str| decoded(key[name].as_str().unwrap());
    let key = if key["crv"] == "Ed25519" {
        UnparsedPublicKey::new(&ED25519 as &dyn VerificationAlgorithm, coordinate("x"))
    } else {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], coordinate("x"), coordinate("y")].concat())
    };
    key.verify(signed.as_bytes(), &decoded(signature)).unwrap();
    header
}

on_every_store! {
    async fn the_issuer_leads_to_the_key_that_checks_a_token(app: TestApp) {
        let ada = app.person("ada").await;
        let header = check(&app.url, &ada.token).await;
        assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
    }

    async fn the_metadata_is_the_same_at_both_places(app: TestApp) {
        let server = app.get("/.well-known/oauth-authorization-server").send().await.expect(200);
        let openid = app.get("/.well-known/openid-configuration").send().await.expect(200);
        assert_eq!(server.body, openid.body);
        assert_eq!(server.header("cache-control"), "public, max-age=300");
        let members = server.body.as_object().unwrap();
        assert!(members.values().all(|value| *value != json!([])), "RFC 8414, 3.2: {members:?}");
        assert_eq!(members["response_types_supported"], json!(["none"]));
        for (name, path) in [
            ("jwks_uri", "/.well-known/jwks.json"),
            ("introspection_endpoint", "/v1/tokens/introspect"),
            ("revocation_endpoint", "/v1/tokens/revoke"),
        ] {
            assert_eq!(server.body[name], format!("{}{path}", app.url));
        }
    }
}

#[tokio::test]
async fn redis_with_another_algorithm_tokens_are_signed_by_it_once_its_key_was_published_for_long_enough() {
    let app = TestApp::redis().await;
    app.register("ada").await.expect(201);
    let other = TestApp::beside(&app, &["--signing-algorithm", "ES256"]).await;
    let before = other.token("ada@example.com").await;
    assert_eq!(check(&other.url, &before).await["alg"], "EdDSA");
    app.clock.advance(Duration::from_secs(500));
    let before = other.token("ada@example.com").await;
    assert_eq!(check(&other.url, &before).await["alg"], "EdDSA");
    app.clock.advance(Duration::from_secs(200));
    let after = other.token("ada@example.com").await;
    assert_eq!(check(&other.url, &after).await["alg"], "ES256");
    other.me(&after).await.expect(200);
    // And what the old key signed is good until it expires.
    check(&other.url, &before).await;
    other.me(&before).await.expect(200);
}
