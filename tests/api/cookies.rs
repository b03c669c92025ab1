//! Tokens in cookies.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    PASSWORD, TestApp,
    browser::{ACCESS, Browser, OPTIONS, REFRESH, both_cookies, cleared, set_cookies, sign_in},
};

#[tokio::test]
async fn a_browser_lives_by_its_cookies() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let mut browser = Browser::signed_in(&app).await;
    let me = browser.send("GET", "/v1/users/me", Value::Null).await.expect(200);
    assert_eq!(set_cookies(&me), []);
    browser.send("PATCH", "/v1/users/me", json!({"name": "Ada"})).await.expect(200);

    app.clock.advance(Duration::from_secs(601));
    browser.send("GET", "/v1/users/me", Value::Null).await.refused(401, "token_expired");
    let refreshed = browser.refresh().await.expect(200);
    let former = std::mem::take(&mut browser.refresh);
    (browser.access, browser.refresh) = both_cookies(&refreshed);
    assert_ne!(browser.refresh, former);
    browser.send("DELETE", "/v1/users/me", Value::Null).await.refused(403, "reauthentication_required");

    let path = "/v1/sessions/current/reauthenticate";
    let again = browser.send("POST", path, json!({"current_password": PASSWORD})).await.expect(200);
    assert!(again.body.get("access_token").is_none());
    let [(name, access, age)] = set_cookies(&again).try_into().unwrap();
    assert_eq!((name.as_str(), age), (ACCESS, 600));
    assert_ne!(access, browser.access);
    browser.access = access;
    let gone = browser.send("DELETE", "/v1/users/me", Value::Null).await.expect(204);
    assert_eq!(set_cookies(&gone), cleared());
    browser.send("GET", "/v1/users/me", Value::Null).await.refused(401, "token_invalid");
    app.stop().await;
}

#[tokio::test]
async fn signing_out_clears_the_cookies() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let other = app.sign_in("ada@example.com", PASSWORD).await.expect(201);
    assert_eq!(set_cookies(&other), []);
    let browser = Browser::signed_in(&app).await;
    let other = format!("/v1/sessions/{}", other.body["session"]["id"].as_str().unwrap());
    for path in [other.as_str(), "/v1/sessions?scope=others"] {
        assert_eq!(set_cookies(&browser.send("DELETE", path, Value::Null).await.expect(204)), [], "{path}");
    }
    let itself = format!("/v1/sessions/{}", browser.session);
    assert_eq!(set_cookies(&browser.send("DELETE", &itself, Value::Null).await.expect(204)), cleared());
    for path in ["/v1/sessions?scope=all", "/v1/sessions/current"] {
        let browser = Browser::signed_in(&app).await;
        assert_eq!(set_cookies(&browser.send("DELETE", path, Value::Null).await.expect(204)), cleared(), "{path}");
        browser.send("GET", "/v1/users/me", Value::Null).await.refused(401, "token_invalid");
    }

    let bearer = app.token("ada@example.com").await;
    let answer = app.delete("/v1/sessions/current").bearer(&bearer).send().await.expect(204);
    assert_eq!(set_cookies(&answer), []);
    app.stop().await;
}

/// It may be the answer to a request of before a new sign-in, whose cookies it must not take away.
#[tokio::test]
async fn a_refresh_that_is_refused_leaves_the_cookies_alone() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let browser = Browser::signed_in(&app).await;
    browser.refresh().await.expect(200);
    app.clock.advance(Duration::from_secs(11));
    for code in ["refresh_token_reused", "refresh_token_invalid"] {
        assert_eq!(set_cookies(&browser.refresh().await.refused(401, code)), []);
    }
    let nothing = app.post("/v1/sessions/refresh").json(&json!({})).send().await;
    assert_eq!(set_cookies(&nothing.refused(401, "refresh_token_invalid")), []);
    app.stop().await;
}

/// Many tabs refresh at once, and a browser keeps the answer that comes last, which need not be the latest.
#[tokio::test]
async fn answers_that_overtake_each_other_sign_nobody_out() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let mut browser = Browser::signed_in(&app).await;
    for _ in 0..3 {
        let first = browser.refresh().await.expect(200);
        let tabs = [browser.refresh().await, browser.refresh().await];
        (browser.access, browser.refresh) = both_cookies(&first);
        let second = browser.refresh().await.expect(200);
        for answer in tabs.into_iter().chain([second]) {
            assert_eq!(
                both_cookies(&answer.expect(200)).1,
                browser.refresh,
                "a token that is new stays for 10 seconds"
            );
        }
        app.clock.advance(Duration::from_secs(11));
    }
    browser.send("GET", "/v1/users/me", Value::Null).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_needs_no_access_token_that_is_good() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let browser = Browser::signed_in(&app).await;
    let only_refresh = || {
        let request = app.delete("/v1/sessions/current").header("origin", &app.url);
        request.header("cookie", &format!("{REFRESH}={}", browser.refresh))
    };
    app.clock.advance(Duration::from_secs(601));
    app.delete("/v1/sessions/current").header("cookie", &browser.cookies()).send().await.refused(403, "csrf_rejected");
    for _ in 0..2 {
        assert_eq!(set_cookies(&only_refresh().send().await.expect(204)), cleared(), "also when it is over");
    }
    browser.refresh().await.refused(401, "refresh_token_invalid");
    app.delete("/v1/sessions/current").send().await.refused(401, "authentication_required");
    app.stop().await;
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_forgets() {
    let app = TestApp::with(&OPTIONS).await;
    let phone = app.person("ada").await;
    let former = Browser::signed_in(&app).await;
    let body = json!({"login": "ada@example.com", "password": PASSWORD, "token_delivery": "cookie"});
    let request = app.post("/v1/sessions").header("origin", &app.url).header("cookie", &former.cookies());
    let (access, _) = both_cookies(&request.json(&body).send().await.expect(201));
    former.send("GET", "/v1/users/me", Value::Null).await.refused(401, "token_invalid");
    app.me(&phone.token).await.expect(200);
    app.get("/v1/users/me").header("cookie", &format!("{ACCESS}={access}")).send().await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_refresh_token_in_the_body_is_answered_in_the_body() {
    let app = TestApp::with(&OPTIONS).await;
    let ada = app.person("ada").await;
    let browser = Browser::signed_in(&app).await;
    let body = json!({"refresh_token": ada.refresh_token});
    let request = app.post("/v1/sessions/refresh").header("cookie", &browser.cookies());
    let answer = request.json(&body).send().await.expect(200);
    assert_eq!(set_cookies(&answer), []);
    assert_ne!(answer.body["session"]["id"], browser.refresh().await.expect(200).body["session"]["id"]);
    app.me(answer.body["access_token"].as_str().unwrap()).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_header_goes_before_the_cookies() {
    let app = TestApp::with(&OPTIONS).await;
    let bob = app.person("bob").await;
    app.register("ada").await.expect(201);
    let ada = Browser::signed_in(&app).await;
    let request = |authorization: &str| {
        let request = app.patch("/v1/users/me").header("cookie", &ada.cookies()).json(&json!({"name": "x"}));
        request.header("authorization", authorization)
    };
    // Nobody looks where it comes from, since no browser adds this header by itself.
    let bearer = format!("Bearer {}", bob.token);
    let changed = request(&bearer).header("origin", "https://evil.com").send().await.expect(200);
    assert_eq!(changed.body["email"], "bob@example.com");
    request("Bearer nonsense").send().await.refused(401, "token_invalid");
    request("Basic YWRhOmFkYQ==").send().await.refused(401, "authentication_required");
    let signed_out = app.delete("/v1/sessions/current").header("cookie", &ada.cookies()).bearer(&bob.token);
    assert_eq!(set_cookies(&signed_out.send().await.expect(204)), []);
    ada.send("GET", "/v1/users/me", Value::Null).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn without_the_setting_cookies_are_nothing() {
    let app = TestApp::embedded().await;
    let ada = app.person("ada").await;
    let refused = sign_in(&app, &app.url).await.refused(422, "validation_failed");
    assert_eq!(refused.wrong_fields(), [("token_delivery", "invalid")]);
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("LATCHKEY_COOKIES"), "{}", refused.body);
    let browser = Browser { app: &app, access: ada.token, refresh: ada.refresh_token, session: String::new() };
    browser.send("GET", "/v1/users/me", Value::Null).await.refused(401, "authentication_required");
    browser.send("DELETE", "/v1/sessions/current", Value::Null).await.refused(401, "authentication_required");
    let refused = browser.refresh().await.refused(422, "validation_failed");
    assert_eq!(refused.wrong_fields(), [("refresh_token", "required")]);
    app.stop().await;
}

#[tokio::test]
async fn without_a_wish_for_cookies_nothing_is_different() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    for delivery in [json!({}), json!({"token_delivery": "body"})] {
        let mut body = json!({"login": "ada@example.com", "password": PASSWORD});
        body.as_object_mut().unwrap().extend(delivery.as_object().unwrap().clone());
        let answer = app.post("/v1/sessions").header("origin", "https://evil.com").json(&body).send().await.expect(201);
        assert_eq!(set_cookies(&answer), []);
        let token = answer.body["access_token"].as_str().unwrap();
        let again = app.post("/v1/sessions/current/reauthenticate").bearer(token);
        let again = again.json(&json!({"current_password": PASSWORD})).send().await.expect(200);
        assert!(again.body["access_token"].is_string() && set_cookies(&again).is_empty());
        app.delete("/v1/sessions/current").bearer(token).send().await.expect(204);
    }
    for (wrong, code) in [(json!("cookies"), "invalid"), (json!(true), "wrong_type"), (Value::Null, "not_nullable")] {
        let body = json!({"login": "ada@example.com", "password": PASSWORD, "token_delivery": wrong});
        let answer = app.post("/v1/sessions").json(&body).send().await.refused(422, "validation_failed");
        assert_eq!(answer.wrong_fields(), [("token_delivery", code)]);
    }
    app.stop().await;
}

#[tokio::test]
async fn cookies_that_are_wrong_are_no_token() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let Browser { access, refresh, .. } = Browser::signed_in(&app).await;
    for (cookie, code) in [
        (format!("{ACCESS}={access}; {ACCESS}={access}"), "token_invalid"),
        (format!("{ACCESS}=; {REFRESH}={refresh}"), "token_invalid"),
        (format!("{ACCESS}={refresh}"), "token_invalid"),
        (format!("{ACCESS}=\"{access}\""), "token_invalid"),
        (ACCESS.to_owned(), "authentication_required"),
        (format!("{}={access}", ACCESS.to_lowercase()), "authentication_required"),
        (";;=;= ; =".to_owned(), "authentication_required"),
    ] {
        app.get("/v1/users/me").header("cookie", &cookie).send().await.refused(401, code);
    }
    for cookie in [format!("{REFRESH}={refresh}; {REFRESH}=x"), format!("{REFRESH}={access}"), format!("{REFRESH}=")] {
        let request = app.post("/v1/sessions/refresh").header("cookie", &cookie).header("origin", &app.url);
        request.json(&json!({})).send().await.refused(401, "refresh_token_invalid");
    }
    let one_of_many = app.get("/v1/users/me").header("cookie", "a=b").header("cookie", &format!("{ACCESS}={access}"));
    one_of_many.send().await.expect(200);
    app.stop().await;
}
