//! Services that run while the keys in their store are sealed with another secret, or not at all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    redis_server::command,
    signing::fields,
    support::{PASSWORD, Person, TestApp, line, run},
};

const OLD: &str = "an old secret of more than 32 characters";
const NEW: &str = "a new secret of more than 32 characters";

/// The ids of the keys that a service publishes.
async fn kids(app: &TestApp) -> Vec<Value> {
    let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
    answer.body["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

/// Waits until a service publishes so many keys.
async fn published(app: &TestApp, number: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let kids = kids(app).await;
        if kids.len() == number {
            return kids;
        }
        assert!(Instant::now() < deadline, "{kids:?}");
    }
}

/// A service that can open no key any more, what the command said that made it so, and somebody who had signed in. The
/// first service has the Redis.
pub async fn without_a_key() -> (TestApp, TestApp, String, Person) {
    let first = TestApp::redis().await;
    let app = TestApp::beside(&first, &["--master-secret", OLD]).await;
    let ada = app.person("ada").await;
    app.get("/health/ready").send().await.expect(200);
    let said = line(&first.operator("keys rotate --now").await, 1);
    assert!(said.contains("there is no master secret to open it") && !said.contains("unreadable"), "{said}");
    let url = first.redis.as_ref().unwrap().url();
    let settings = [("LATCHKEY_REDIS_URL", &*url), ("LATCHKEY_MASTER_SECRET", NEW)];
    let said = String::from_utf8(run(&settings, &["keys", "rotate", "--now"]).stdout).unwrap();
    assert!(said.contains("not ready until it is restarted"), "{said}");

    assert_eq!(published(&app, 0).await, [json!(null); 0]);
    (first, app, said, ada)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_stolen_key_is_dropped_also_by_who_cannot_open_the_new_one() {
    let (first, app, said, ada) = without_a_key().await;
    app.me(&ada.token).await.refused(401, "token_invalid");
    app.get("/health/ready").send().await.refused(503, "no_signing_key");
    app.get("/health/live").send().await.expect(200);
    app.sign_in("ada@example.com", PASSWORD).await.refused(503, "no_signing_key");
    app.refresh(&ada.refresh_token).await.refused(503, "no_signing_key");

    let restarted = TestApp::beside(&first, &["--master-secret", NEW]).await;
    let new = published(&restarted, 1).await;
    assert!(said.contains(new[0].as_str().unwrap()), "{said}");
    let answer = restarted.refresh(&ada.refresh_token).await.expect(200);
    restarted.me(answer.body["access_token"].as_str().unwrap()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_key_in_plain_text_that_appears_beside_sealed_ones_is_not_taken() {
    let (first, stranger) = (TestApp::redis().await, TestApp::redis().await);
    let app = TestApp::beside(&first, &["--master-secret", OLD]).await;
    let ours = published(&app, 1).await;
    let forged = fields(stranger.redis.as_ref().unwrap()).await;
    let (eve, client) = (stranger.person("ada").await, first.redis.as_ref().unwrap().client().await);
    for (field, value) in &forged {
        let _: u32 = command(&client, &format!("HSET latchkey:{{signing}} {field} {value}")).await;
    }
    let deadline = Instant::now() + Duration::from_secs(3);
    while Instant::now() < deadline {
        assert_eq!(kids(&app).await, ours); // it looks once a second
        app.me(&eve.token).await.refused(401, "token_invalid");
    }
    let url = first.redis.as_ref().unwrap().url();
    let told = run(&[("LATCHKEY_REDIS_URL", &*url), ("LATCHKEY_MASTER_SECRET", OLD)], &["doctor"]).stdout;
    assert!(String::from_utf8(told).unwrap().contains("plain text beside sealed ones"));
    app.get("/health/ready").send().await.expect(200);
}

/// What is sealed later is no reason to end; to have nothing to sign with is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_full_before_there_is_a_key_ends_the_start() {
    let app = TestApp::redis().await;
    let server = app.redis.as_ref().unwrap();
    let client = server.client().await;
    let _: u32 = command(&client, "DEL latchkey:{signing}").await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    let ended = run(&[("LATCHKEY_REDIS_URL", &server.url())], &[]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.lines().last().is_some_and(|line| line.ends_with("(LATCHKEY_REDIS_URL): the store is full")),
        "{said}"
    );
}
