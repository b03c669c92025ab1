//! `Idempotency-Key` when registering.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, on_every_store};

async fn register(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.post("/v1/users").header("Idempotency-Key", key).json(body).send().await
}

fn ada() -> Value {
    json!({"email": "ada@example.com", "password": PASSWORD, "username": "ada", "metadata": {"a": 1, "b": 2}})
}

on_every_store! {
    async fn a_request_that_is_sent_again_makes_no_second_account(app: TestApp) {
        let first = register(app, "key-1", &ada()).await.expect(201);
        let again = register(app, "key-1", &ada()).await.expect(201);
        assert_eq!(first.body, again.body);
        assert_eq!((first.header("etag"), first.header("location")), (again.header("etag"), again.header("location")));
        let reordered = json!({"metadata": {"b": 2, "a": 1}, "username": "ada", "password": PASSWORD, "email": "ada@example.com"});
        assert_eq!(register(app, "key-1", &reordered).await.expect(201).body, first.body);
        register(app, "key-2", &ada()).await.refused(409, "email_taken");
    }

    async fn many_at_once_with_one_key_make_one_account(app: TestApp) {
        let body = ada();
        let answers = join_all((0..20).map(|_| register(app, "key", &body))).await;
        let id = answers[0].body["id"].clone();
        for answer in answers {
            assert_eq!(answer.expect(201).body["id"], id);
        }
        app.sign_in("ada", PASSWORD).await.expect(201);
    }

    async fn a_key_is_for_one_request(app: TestApp) {
        register(app, "key", &ada()).await.expect(201);
        let mut other = ada();
        other["name"] = "Ada".into();
        register(app, "key", &other).await.refused(422, "idempotency_key_mismatch");
        let mut password = ada();
        password["password"] = "another password".into();
        register(app, "key", &password).await.refused(409, "idempotency_key_used");
    }

    async fn a_key_is_used_up_when_its_account_has_gone_on(app: TestApp) {
        register(app, "key", &ada()).await.expect(201);
        let token = app.token("ada").await;
        let patch = json!({"password": "a new password", "current_password": PASSWORD});
        app.patch("/v1/users/me").bearer(&token).json(&patch).send().await.expect(200);
        register(app, "key", &ada()).await.refused(409, "idempotency_key_used");
        app.delete("/v1/users/me").bearer(&token).send().await.expect(204);
        register(app, "key", &ada()).await.refused(409, "idempotency_key_used");
        register(app, "key-2", &ada()).await.expect(201);
    }

    async fn a_refused_request_can_be_sent_again_with_its_key(app: TestApp) {
        let bob = json!({"email": "bob@example.com", "password": PASSWORD, "username": "ada"});
        app.post("/v1/users").json(&ada()).send().await.expect(201);
        register(app, "key", &bob).await.refused(409, "username_taken");
        let token = app.token("ada").await;
        app.delete("/v1/users/me").bearer(&token).send().await.expect(204);
        register(app, "key", &bob).await.expect(201);
    }

    async fn a_key_is_forgotten_after_a_day(app: TestApp) {
        register(app, "key", &ada()).await.expect(201);
        app.clock.advance(Duration::from_secs(24 * 3600 + 1));
        register(app, "key", &ada()).await.refused(409, "email_taken");
        let bob = json!({"email": "bob@example.com", "password": PASSWORD});
        register(app, "key-2", &bob).await.expect(201);
    }

    async fn a_key_must_be_one(app: TestApp) {
        for key in ["", "a b", "\u{e9}", &"k".repeat(256)] {
            register(app, key, &ada()).await.refused(400, "invalid_parameter");
        }
        let twice = app.post("/v1/users").header("Idempotency-Key", "a").header("Idempotency-Key", "b");
        twice.json(&ada()).send().await.refused(400, "invalid_parameter");
    }
}
