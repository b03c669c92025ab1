//! Requests with cookies that a page of another site makes a browser send.

use serde_json::{Value, json};

use crate::support::{
    PASSWORD, TestApp,
    browser::{Browser, OPTIONS, set_cookies},
};

#[tokio::test]
async fn only_pages_that_are_known_may_use_cookies() {
    let app = TestApp::with(&OPTIONS).await;
    app.register("ada").await.expect(201);
    let own = app.url.clone();
    let other_port = own.rsplit_once(':').unwrap().0.to_owned() + ":1";
    let attempt = async |origins: &[&str], site: Option<&str>, allowed: bool| {
        let body = json!({"login": "ada@example.com", "password": PASSWORD, "token_delivery": "cookie"});
        for (method, path, body) in [
            ("POST", "/v1/sessions", body),
            ("POST", "/v1/sessions/refresh", json!({})),
            ("PATCH", "/v1/users/me", json!({})),
            ("DELETE", "/v1/sessions?scope=others", json!({})),
            ("GET", "/v1/users/me", Value::Null),
        ] {
            let browser = Browser::signed_in(&app).await;
            let mut request = app.request(method, path).header("cookie", &browser.cookies());
            for origin in origins {
                request = request.header("origin", origin);
            }
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let answer = if method == "GET" { request } else { request.json(&body) }.send().await;
            if allowed || method == "GET" {
                assert!(answer.status < 300, "{method} {path} from {origins:?} {site:?}: {}", answer.body);
            } else {
                assert_eq!(set_cookies(&answer.refused(403, "csrf_rejected")), []);
            }
        }
    };
    attempt(&[&own], None, true).await;
    attempt(&[&own], Some("same-origin"), true).await;
    attempt(&["https://app.example.com"], None, true).await;
    attempt(&["https://app.example.com"], Some("same-site"), true).await;
    attempt(&["https://app.example.com"], Some("cross-site"), false).await;
    attempt(&[&own], Some("cross-site"), false).await;
    attempt(&[&own, &own], None, false).await;
    attempt(&[], None, false).await;
    attempt(&[], Some("same-origin"), false).await;
    for origin in [
        "null",
        "",
        "https://evil.com",
        "https://app.example.com.evil.com",
        "https://evilapp.example.com",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://example.com",
        "https://app.example.com/",
        "https://app.example.com https://evil.com",
        &other_port,
        &own.replace("http:", "https:"),
        &format!("{own}.evil.com"),
    ] {
        attempt(&[origin], None, false).await;
        attempt(&[origin], Some("same-site"), false).await;
    }
    app.stop().await;
}
