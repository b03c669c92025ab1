//! Where requests come from: proxies that are named say it, and limits by address go by it.

use std::time::Duration;

use serde_json::json;

use crate::{
    support::{PASSWORD, TestApp},
    throttle::device_token,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_a_limit_of_its_own() {
    let app = behind_proxy(&["--password-attempts-per-address", "3/2h"]).await;
    app.register("ada").await.expect(201);
    let device = device_token(&app.sign_in("ada@example.com", PASSWORD).await.expect(201));
    let sign_in = async |from: &str, login: &str, device: Option<&str>| {
        let body = json!({"login": login, "password": "a wrong one", "device_token": device.unwrap_or("none")});
        app.post("/v1/sessions").header("x-forwarded-for", from).json(&body).send().await
    };
    for number in 0..3 {
        sign_in("198.51.100.7", &format!("nobody{number}"), None).await.refused(401, "invalid_credentials");
    }
    let refused = sign_in("198.51.100.7", "ada@example.com", None).await.refused(429, "too_many_attempts");
    assert_eq!(refused.header("ratelimit-policy"), "\"address\";q=3;w=7200");
    sign_in("198.51.100.8", "ada@example.com", None).await.refused(401, "invalid_credentials");
    for before in ["10.9.9.9", "\"", "x=\"", "\u{e9}"] {
        let from = format!("{before}, 198.51.100.7");
        sign_in(&from, "ada@example.com", None).await.refused(429, "too_many_attempts");
    }
    // A device that signed in before is not kept out by its neighbours.
    sign_in("198.51.100.7", "ada@example.com", Some(&device)).await.refused(401, "invalid_credentials");

    for host in 1..=3 {
        sign_in(&format!("2001:db8:1:2::{host}"), "nobody", None).await.refused(401, "invalid_credentials");
    }
    sign_in("2001:db8:1:2:ffff::1", "nobody", None).await.refused(429, "too_many_attempts");
    sign_in("2001:db8:1:3::1", "nobody", None).await.refused(401, "invalid_credentials");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_are_limited_by_address() {
    let app = behind_proxy(&["--registrations-per-address", "2/2h"]).await;
    let register = async |from: &str, who: &str| {
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD});
        app.post("/v1/users").header("x-forwarded-for", from).json(&body).send().await
    };
    register("198.51.100.7", "ada").await.expect(201);
    register("198.51.100.7", "ada").await.refused(409, "email_taken");
    let refused = register("198.51.100.7", "bob").await.refused(429, "too_many_attempts");
    assert_eq!(refused.header("ratelimit-policy"), "\"registrations\";q=2;w=7200");
    register("198.51.100.8", "bob").await.expect(201);
    app.clock.advance(Duration::from_secs(refused.header("retry-after").parse().unwrap()));
    register("198.51.100.7", "cleo").await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_a_named_proxy_says_where_a_request_comes_from() {
    let app = TestApp::embedded().await;
    let ada = app.person("ada").await;
    let token = session_from(&app, "x-forwarded-for", "198.51.100.7").await;
    assert_eq!(address_of(&app, &token).await, "127.0.0.1");
    app.me(&ada.token).await.expect(200);
    app.stop().await;

    let app = behind_proxy(&[]).await;
    app.register("ada").await.expect(201);
    let token = session_from(&app, "x-forwarded-for", "8.8.8.8, 198.51.100.7").await;
    assert_eq!(address_of(&app, &token).await, "198.51.100.7");
    let token = session_from(&app, "forwarded", "for=198.51.100.7").await;
    assert_eq!(address_of(&app, &token).await, json!(null));
    app.stop().await;

    let app = behind_proxy(&["--proxy-header", "forwarded"]).await;
    app.register("ada").await.expect(201);
    let token = session_from(&app, "forwarded", "for=8.8.8.8, for=\"[2001:db8::1]:99\";proto=https").await;
    assert_eq!(address_of(&app, &token).await, "2001:db8::1");
    app.stop().await;
}

/// A service that believes proxies on this machine.
async fn behind_proxy(arguments: &[&str]) -> TestApp {
    TestApp::with(&[&["--trusted-proxies", "127.0.0.1"], arguments].concat()).await
}

async fn session_from(app: &TestApp, header: &str, value: &str) -> String {
    let body = json!({"login": "ada@example.com", "password": PASSWORD});
    let answer = app.post("/v1/sessions").header(header, value).json(&body).send().await.expect(201);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn address_of(app: &TestApp, token: &str) -> serde_json::Value {
    let listed = app.get("/v1/sessions").bearer(token).send().await.expect(200).body;
    let current = listed["items"].as_array().unwrap().iter().find(|session| session["current"] == true);
    current.unwrap()["ip_address"].clone()
}
