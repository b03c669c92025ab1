//! `/v1/tokens`: introspection and revocation.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, on_every_store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_good_token_is_described_as_the_store_is_now() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("").await;
    let ada = app.person("ada").await;
    let told = app.introspect(&key, &ada.token).await.expect(200);
    assert_eq!(told.header("cache-control"), "no-store");
    let told = told.body;
    assert_eq!((&told["active"], &told["sub"], &told["token_type"]), (&json!(true), &json!(ada.id), &json!("Bearer")));
    assert_eq!((&told["username"], &told["email_verified"]), (&json!(ada.email), &json!(false)));
    assert_eq!((&told["roles"], &told["permissions"]), (&json!([]), &json!([])));
    assert_eq!(told["sid"], app.session_of(&ada).await);
    let payload = URL_SAFE_NO_PAD.decode(ada.token.split('.').nth(1).unwrap()).unwrap();
    let said: Value = serde_json::from_slice(&payload).unwrap();
    for claim in ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "client_id"] {
        assert!(said[claim] == told[claim] && !told[claim].is_null(), "{claim}: {told}");
    }
    let mut fields = told.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    fields.sort_unstable();
    let expected =
        "active aud auth_time client_id email_verified exp iat iss jti permissions roles sid sub token_type username";
    assert_eq!(fields.join(" "), expected);

    app.operator("users grant ada@example.com --role admin --permission b a").await;
    let patch = json!({"username": "ada"});
    app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
    let told = app.introspect(&key, &ada.token).await.expect(200).body;
    assert_eq!(
        (&told["roles"], &told["permissions"], &told["username"]),
        (&json!(["admin"]), &json!(["a", "b"]), &json!("ada"))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_of_any_other_token_nothing_is_said() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("").await;
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    app.delete("/v1/sessions/current").bearer(&ada.token).send().await.expect(204);
    app.delete("/v1/users/me").bearer(&bob.token).send().await.expect(204);
    let other = app.token(&eve.email).await;
    let patch = json!({"password": "another password", "current_password": PASSWORD});
    app.patch("/v1/users/me").bearer(&eve.token).json(&patch).send().await.expect(200);
    let cut = &eve.token[..eve.token.len() - 4];
    let forged = ada.token.replacen("eyJ", "eyK", 1);
    for token in [&*ada.token, &bob.token, &other, &key, &eve.refresh_token, cut, &forged, "", "x", "%00%ff", "a.b.c"] {
        assert_eq!(app.introspect(&key, token).await.expect(200).body, json!({"active": false}), "{token}");
    }
    app.post("/v1/tokens/revoke").form(&format!("token={key}")).send().await.expect(200);
    assert_eq!(app.introspect(&key, &eve.token).await.body["active"], true, "an API key is not revoked there");
    app.clock.advance(Duration::from_secs(600));
    app.me(&eve.token).await.refused(401, "token_expired");
    assert_eq!(app.introspect(&key, &eve.token).await.expect(200).body, json!({"active": false}));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_form_is_read_as_the_rfc_says() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("").await;
    let ada = app.person("ada").await;
    let ask = async |form: &str| app.post("/v1/tokens/introspect").bearer(&key).form(form).send().await;
    let encoded = ada.token.replace('.', "%2E");
    for form in
        [format!("token={encoded}&token_type_hint=x&other=1"), format!("a&=&token={}&token_type_hint", ada.token)]
    {
        assert_eq!(ask(&form).await.expect(200).body["active"], true, "{form}");
    }
    for (form, why) in [
        ("", "The field `token` is required."),
        ("token_type_hint=access_token", "The field `token` is required."),
        ("token=a&token=b", "The field `token` must be given once."),
    ] {
        let refused = ask(form).await.refused(400, "malformed_form").body;
        assert_eq!((&refused["error"], &refused["detail"]), (&json!("invalid_request"), &json!(why)));
    }
    let as_json = app.post("/v1/tokens/introspect").bearer(&key).json(&json!({"token": ada.token}));
    let refused = as_json.send().await.refused(415, "unsupported_media_type");
    assert!(refused.body["detail"].as_str().unwrap().contains("application/x-www-form-urlencoded"));
    ask(&"x".repeat(64 * 1024 + 1)).await.refused(413, "body_too_large");
    app.stop().await;
}

on_every_store! {
    async fn whoever_has_a_token_may_end_its_session(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.token(&ada.email).await;
        let revoke = async |token: &str| app.post("/v1/tokens/revoke").form(&format!("token={token}")).send().await;
        for _ in 0..2 {
            assert_eq!(revoke(&other).await.expect(200).body, Value::Null);
        }
        app.me(&other).await.refused(401, "token_invalid");
        app.me(&ada.token).await.expect(200);
        let bob = app.person("bob").await;
        let mut foreign = URL_SAFE_NO_PAD.decode(&ada.refresh_token[4..]).unwrap();
        foreign[40] ^= 1; // in the secret that all tokens of a session share
        let foreign = format!("lkr_{}", URL_SAFE_NO_PAD.encode(foreign));
        for nothing in ["", "x", "lkr_", &ada.token[..80], &ada.refresh_token[..80], &foreign] {
            revoke(nothing).await.expect(200);
        }
        app.me(&ada.token).await.expect(200);
        let next = app.refresh(&ada.refresh_token).await.expect(200).body;
        app.clock.advance(Duration::from_secs(60));
        for (token, person) in [(&ada.refresh_token, &ada), (&bob.refresh_token, &bob)] {
            app.me(&person.token).await.expect(200);
            revoke(token).await.expect(200);
            app.me(&person.token).await.refused(401, "token_invalid");
        }
        app.refresh(next["refresh_token"].as_str().unwrap()).await.refused(401, "refresh_token_invalid");
        let carl = app.person("carl").await;
        app.clock.advance(Duration::from_secs(600));
        revoke(&carl.token).await.expect(200);
        app.refresh(&carl.refresh_token).await.expect(200); // what has expired ends nothing
        app.post("/v1/tokens/revoke").form("").send().await.refused(400, "malformed_form");
    }
}
