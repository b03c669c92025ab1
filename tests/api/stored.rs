//! What is in Redis: for a person to read, and nothing that should not be there.

use std::collections::HashMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use fred::interfaces::{HashesInterface, KeysInterface};
use ring::digest;
use serde_json::json;

use crate::{
    redis_server::command,
    support::{PASSWORD, TestApp},
};

impl TestApp {
    /// The record of a user, as `redis-cli` shows it.
    pub async fn stored_user(&self, id: &str) -> HashMap<String, String> {
        let client = self.redis.as_ref().unwrap().client().await;
        let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:user:{id}")).await;
        client.hgetall(&keys[0]).await.unwrap()
    }

    /// What was mailed to a user for a purpose and can be confirmed.
    async fn stored_confirmation(&self, id: &str, purpose: &str) -> HashMap<String, String> {
        let client = self.redis.as_ref().unwrap().client().await;
        let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:confirmation:{id}:{purpose}")).await;
        client.hgetall(&keys[0]).await.unwrap()
    }

    /// Every key with all that is kept under it, in bytes.
    async fn records(&self) -> Vec<(String, Vec<u8>)> {
        let client = self.redis.as_ref().unwrap().client().await;
        let mut records = Vec::new();
        for key in command::<Vec<String>>(&client, "KEYS *").await {
            let kind: String = client.r#type(&key).await.unwrap();
            let read = match kind.as_str() {
                "hash" => format!("HGETALL {key}"),
                "zset" => format!("ZRANGE {key} 0 -1"),
                "list" => format!("LRANGE {key} 0 -1"),
                "string" => format!("GET {key}"),
                other => panic!("{key} is a {other}"),
            };
            let values: Vec<Bytes> = command(&client, &read).await;
            records.push((key, values.join(&b'\n')));
        }
        records
    }

    /// Looks for a secret in the whole store, in every form that bytes are written in. Only its digest may be there.
    pub async fn expect_only_the_digest_of(&self, secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let forms = |bytes: &[u8]| {
            let texts = [URL_SAFE_NO_PAD.encode(bytes), STANDARD_NO_PAD.encode(bytes), hex(bytes)];
            let upper = hex(bytes).to_uppercase();
            texts.map(String::into_bytes).into_iter().chain([upper.into_bytes(), bytes.to_owned()]).collect::<Vec<_>>()
        };
        let records = self.records().await;
        let find = |forms: &[Vec<u8>]| {
            let has = |bytes: &[u8]| forms.iter().any(|form| contains(bytes, form));
            records.iter().any(|(key, bytes)| has(key.as_bytes()) || has(bytes))
        };
        // Within a longer text the first bytes may share a character with others: three begins tell the rest apart.
        for cut in 0..3 {
            assert!(!find(&forms(&secret[cut..secret.len() - (secret.len() - cut) % 3])), "a secret is in the store");
        }
        assert!(find(&forms(digest::digest(&digest::SHA256, secret).as_ref())), "its digest is not there");
    }

    /// Every key, without the markers of commits, the counters of attempts and the figures of days, which are gone after a
    /// while.
    async fn keys(&self) -> Vec<String> {
        let client = self.redis.as_ref().unwrap().client().await;
        let mut keys: Vec<String> = command(&client, "KEYS *").await;
        keys.retain(|key| !["latchkey:op:", "latchkey:count:"].iter().any(|other| key.starts_with(other)));
        keys.retain(|key| !key.contains("}:day:"));
        keys.sort();
        keys
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_user_is_a_hash_of_readable_fields() {
    let app = TestApp::redis().await;
    let body =
        json!({"email": "Ada@example.com", "password": PASSWORD, "username": "ada", "metadata": {"plan": "pro"}});
    let user = app.post("/v1/users").json(&body).send().await.expect(201).body;
    let stored = app.stored_user(user["id"].as_str().unwrap()).await;
    for (field, value) in [
        ("state", "active"),
        ("email", "Ada@example.com"),
        ("email_verified", "false"),
        ("username", "ada"),
        ("metadata", "{\"plan\":\"pro\"}"),
        ("version", "1"),
        ("created_at", user["created_at"].as_str().unwrap()),
    ] {
        assert_eq!(stored[field], value, "{field}");
    }
    assert!(stored["password_setting"].starts_with("$argon2id$v=19$"));
    let client = app.redis.as_ref().unwrap().client().await;
    let keys: Vec<String> = command(&client, "KEYS latchkey:{b*}:user:*").await;
    let encoding: String = command(&client, &format!("OBJECT ENCODING {}", keys[0])).await;
    assert_eq!(encoding, "listpack", "no value is so long that Redis needs twice the memory");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_no_secret_is_stored() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let secret = &ada.token[46..];
    for (key, bytes) in app.records().await {
        let text = format!("{key} {}", bytes.escape_ascii());
        assert!(!text.contains(PASSWORD) && !text.contains(secret), "{text}");
        if text.contains("example.com") {
            assert!([":user:", ":index:email "].iter().any(|place| text.contains(place)), "an address in {text}");
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_deleting_leaves_a_tombstone_and_the_entry_of_it_and_nothing_else() {
    let app = TestApp::redis().await;
    let before = app.keys().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": "ada"});
    app.post("/v1/users").json(&body).send().await.expect(201);
    for _ in 0..3 {
        app.token("ada").await;
    }
    assert!(app.keys().await.len() >= before.len() + 8);
    let token = app.token("ada").await;
    app.delete("/v1/users/me").bearer(&token).send().await.expect(204);

    let left = app.keys().await.into_iter().filter(|key| !before.contains(key)).collect::<Vec<_>>();
    let [entry, tombstone] = left.as_slice() else { panic!("{left:?}") };
    assert!(entry.ends_with(":index:deleted"), "{entry}");
    let client = app.redis.as_ref().unwrap().client().await;
    let mut fields: Vec<String> = client.hkeys(tombstone).await.unwrap();
    fields.sort();
    assert_eq!(fields, ["at", "rev", "state"]);
    let hours = client.ttl::<i64, _>(tombstone).await.unwrap() / 3600;
    assert_eq!(hours, 24);
    app.stop().await;
}

/// Whoever guesses leaves counters behind, with any login that they make up: they must not fill the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_a_counter_no_longer_than_it_counts() {
    let app = TestApp::redis().await;
    app.sign_in("nobody", PASSWORD).await.refused(401, "invalid_credentials");
    let client = app.redis.as_ref().unwrap().client().await;
    let counters: Vec<String> = command(&client, "KEYS latchkey:count:*").await;
    assert_eq!(counters.len(), 3, "of what runs, and of what was wrong in two hours and in a day: {counters:?}");
    let mut left = Vec::new();
    for counter in counters {
        left.push(command::<i64>(&client, &format!("TTL {counter}")).await);
    }
    left.sort_unstable();
    let spare = 60;
    for (left, counts) in left.into_iter().zip([60, 2 * 60 * 60, 24 * 60 * 60]) {
        assert!((counts..=counts + spare).contains(&left), "{left} s, for {counts} s");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_of_a_letter_there_are_digests_and_of_one_without_a_code_there_is_no_code() {
    let app = TestApp::redis_with(&["--require-verification"]).await;
    let ada = app.verified("ada").await;
    app.letter_of(&ada.email, app.request_reset(&ada.email)).await;
    let stored = app.stored_confirmation(&ada.id, "reset").await;
    for field in ["digest", "code_digest", "code_salt"] {
        assert!(matches!(stored[field].len(), 22 | 43), "{stored:?}");
    }
    let letter = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await;
    app.letter_of(&ada.email, app.confirm(json!({"token": letter.token()}))).await;
    let stored = app.stored_confirmation(&ada.id, "undo").await;
    let fields = stored.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["digest", "email", "expires_at", "mail", "rev"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_has_nothing_of_somebody_who_was_deleted_but_that_they_were() {
    let app = TestApp::redis().await;
    let ada = app.verified("ada").await;
    app.want_email(&ada, "new@example.com").await;
    app.letter("new@example.com").await;
    let before = app.letters(&ada.email).len();
    app.forget_password(&ada.email).await;
    app.letter_after(&ada.email, before).await;
    let of_ada = async || {
        let client = app.redis.as_ref().unwrap().client().await;
        let mut keys = command::<Vec<String>>(&client, &format!("KEYS *{}*", ada.id)).await;
        keys.sort();
        keys
    };
    let kept = of_ada().await;
    let confirmations = kept.iter().filter(|key| key.contains(":confirmation:")).count();
    assert_eq!(confirmations, 2, "{kept:?}");
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    let kept = of_ada().await;
    assert!(matches!(kept.as_slice(), [key] if key.ends_with(&format!(":user:{}", ada.id))), "{kept:?}");
    assert_eq!(app.stored_user(&ada.id).await["state"], "deleted");
    app.stop().await;
}
