//! A browser that has its tokens in cookies. They are set by hand, since no jar sends those that are `Secure` over plain
//! HTTP.

use serde_json::{Value, json};

use super::{Answer, PASSWORD, TestApp};

pub const ACCESS: &str = "__Host-latchkey_access";
pub const REFRESH: &str = "__Host-latchkey_refresh";
pub const DEVICE: &str = "__Host-latchkey_device";
/// The arguments of a service with cookies.
pub const OPTIONS: [&str; 4] = ["--cookies", "true", "--cors-origins", "https://app.example.com"];
const DAY: u64 = 24 * 3600;

/// The tokens of a browser.
pub struct Browser<'a> {
    pub app: &'a TestApp,
    pub access: String,
    pub refresh: String,
    pub session: String,
}

/// What an answer sets cookies to: their name, their value and for how long.
#[track_caller]
pub fn set_cookies(answer: &Answer) -> Vec<(String, String, u64)> {
    let lines = answer.headers.get_all("set-cookie").iter();
    let read = lines.map(|line| {
        let (pair, attributes) = line.to_str().unwrap().split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let age = attributes.strip_prefix("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=").expect(attributes);
        (name.to_owned(), value.to_owned(), age.parse().unwrap())
    });
    read.collect()
}

/// What `set_cookies` finds when both are cleared.
pub fn cleared() -> Vec<(String, String, u64)> {
    [ACCESS, REFRESH].map(|name| (name.to_owned(), String::new(), 0)).into()
}

/// The values of two cookies that are new, and nothing of them in the body.
#[track_caller]
pub fn both_cookies(answer: &Answer) -> (String, String) {
    let cookies = set_cookies(answer);
    let [(first, access, age), (second, refresh, longest), device @ ..] = cookies.as_slice() else {
        panic!("{cookies:?}")
    };
    // What tells a device that signed in comes with signing in alone, and stays for as long as browsers keep a cookie.
    assert!(device.iter().all(|(name, _, age)| (name.as_str(), *age) == (DEVICE, 400 * DAY)), "{device:?}");
    assert_eq!((first.as_str(), second.as_str(), *age), (ACCESS, REFRESH, 600));
    assert!(*longest <= 30 * DAY && *longest > 29 * DAY, "{longest}");
    let body = answer.body.as_object().unwrap();
    assert!(!["access_token", "refresh_token", "device_token"].iter().any(|name| body.contains_key(*name)), "{body:?}");
    assert!(!answer.body.to_string().contains(access) && !answer.body.to_string().contains(refresh));
    (access.clone(), refresh.clone())
}

/// The cookie that tells a device that signed in.
pub fn device(answer: &Answer) -> String {
    let device = set_cookies(answer).into_iter().find(|(name, ..)| name == DEVICE);
    device.unwrap().1
}

pub async fn sign_in(app: &TestApp, origin: &str) -> Answer {
    let body = json!({"login": "ada@example.com", "password": PASSWORD, "token_delivery": "cookie"});
    app.post("/v1/sessions").header("origin", origin).json(&body).send().await
}

impl<'a> Browser<'a> {
    pub async fn signed_in(app: &'a TestApp) -> Self {
        let answer = sign_in(app, &app.url).await.expect(201);
        let (access, refresh) = both_cookies(&answer);
        Self { app, access, refresh, session: answer.body["session"]["id"].as_str().unwrap().to_owned() }
    }

    pub fn cookies(&self) -> String {
        format!("theme=dark; {ACCESS}={}; {REFRESH}={}", self.access, self.refresh)
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = self.app.request(method, path).header("cookie", &self.cookies());
        let request = request.header("origin", &self.app.url).header("sec-fetch-site", "same-origin");
        if body.is_null() { request.send().await } else { request.json(&body).send().await }
    }

    pub async fn refresh(&self) -> Answer {
        self.send("POST", "/v1/sessions/refresh", json!({})).await
    }
}
