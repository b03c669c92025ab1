//! Requests over connections that are kept alive, each timed from before it is sent to the last byte of its answer.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// The password of everybody.
const PASSWORD: &str = "correct horse battery staple";

/// A client of one service.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

/// An answer, and how long it took.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) fn new(url: String) -> Self {
        // A proxy that the environment names is not what is to be measured.
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), url }
    }

    /// Sends a request, which must be answered with `status`: an error that comes fast must not look like speed.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
        status: u16,
    ) -> Answer {
        let place = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let begun = Instant::now();
        let response = request.send().await.unwrap();
        let found = response.status();
        let bytes = response.bytes().await.unwrap();
        let took = begun.elapsed();
        assert_eq!(found, status, "{place}: {}", String::from_utf8_lossy(&bytes));
        Answer { body: serde_json::from_slice(&bytes).unwrap_or_default(), took }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Duration {
        self.send(Method::GET, path, token, None, 200).await.took
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Duration {
        self.send(Method::DELETE, path, token, None, 204).await.took
    }

    pub(crate) async fn rename(&self, token: &str, name: &str) -> Duration {
        self.send(Method::PATCH, "/v1/users/me", token, Some(json!({"name": name})), 200).await.took
    }

    /// Registers `who`, whose address is made of that name.
    pub(crate) async fn register(&self, who: &str, username: Option<&str>) -> Duration {
        let mut body = registration(who);
        if let Some(username) = username {
            body["username"] = username.into();
        }
        self.send(Method::POST, "/v1/users", "", Some(body), 201).await.took
    }

    /// Signs `who` in, and answers with the token.
    pub(crate) async fn sign_in(&self, who: &str) -> (String, Duration) {
        let answer = self.send(Method::POST, "/v1/sessions", "", Some(credentials(who)), 201).await;
        (answer.body["access_token"].as_str().unwrap().to_owned(), answer.took)
    }

    /// Signs `who` in, and answers with the token, or with when to come again.
    pub(crate) async fn try_to_sign_in(&self, who: &str) -> Result<(String, Duration), Duration> {
        let begun = Instant::now();
        let answer = self.http.post(format!("{}/v1/sessions", self.url)).json(&credentials(who)).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body: Value = answer.json().await.unwrap();
        let took = begun.elapsed();
        match status.as_u16() {
            201 => Ok((body["access_token"].as_str().unwrap().to_owned(), took)),
            503 => Err(Duration::from_secs(headers["retry-after"].to_str().unwrap().parse().unwrap())),
            _ => panic!("POST /v1/sessions: {status}: {body}"),
        }
    }

    /// Signs `who` in, and answers with the access token and the refresh token.
    pub(crate) async fn sign_in_for_tokens(&self, who: &str) -> [String; 2] {
        let answer = self.send(Method::POST, "/v1/sessions", "", Some(credentials(who)), 201).await;
        ["access_token", "refresh_token"].map(|name| answer.body[name].as_str().unwrap().to_owned())
    }

    /// Fails to sign in, at the cost of a hash.
    pub(crate) async fn sign_in_as_nobody(&self) {
        self.send(Method::POST, "/v1/sessions", "", Some(credentials("nobody")), 401).await;
    }
}

/// What `who` signs in with.
pub(crate) fn credentials(who: &str) -> Value {
    json!({"login": email(who), "password": PASSWORD})
}

/// What `who` registers with.
pub(crate) fn registration(who: &str) -> Value {
    json!({"email": email(who), "password": PASSWORD})
}

fn email(who: &str) -> String {
    format!("{who}@example.com")
}
