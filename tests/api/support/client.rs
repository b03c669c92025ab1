//! Requests, and what comes back.

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use super::{PASSWORD, TestApp};

/// A request that is being put together.
pub struct Request<'a> {
    app: &'a TestApp,
    method: Method,
    path: String,
    builder: reqwest::RequestBuilder,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Somebody who is registered and signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub token: String,
    pub refresh_token: String,
}

impl TestApp {
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        let method: Method = method.parse().unwrap();
        let builder = self.client.request(method.clone(), format!("{}{path}", self.url));
        Request { app: self, method, path: path.to_owned(), builder }
    }

    pub fn get(&self, path: &str) -> Request<'_> {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request<'_> {
        self.request("POST", path)
    }

    pub fn patch(&self, path: &str) -> Request<'_> {
        self.request("PATCH", path)
    }

    pub fn delete(&self, path: &str) -> Request<'_> {
        self.request("DELETE", path)
    }

    /// Registers somebody by the first part of their address.
    pub async fn register(&self, who: &str) -> Answer {
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD});
        self.post("/v1/users").json(&body).send().await
    }

    pub async fn sign_in(&self, login: &str, password: &str) -> Answer {
        self.post("/v1/sessions").json(&json!({"login": login, "password": password})).send().await
    }

    /// Registers somebody and signs them in.
    pub async fn person(&self, who: &str) -> Person {
        let user = self.register(who).await.expect(201).body;
        self.signed_in(&user).await
    }

    /// Signs a user in.
    pub async fn signed_in(&self, user: &Value) -> Person {
        let email = user["email"].as_str().unwrap().to_owned();
        let tokens = self.sign_in(&email, PASSWORD).await.expect(201).body;
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (token, refresh_token) = (token("access_token"), token("refresh_token"));
        Person { id: user["id"].as_str().unwrap().to_owned(), email, token, refresh_token }
    }

    /// The token of one more session of somebody.
    pub async fn token(&self, login: &str) -> String {
        let answer = self.sign_in(login, PASSWORD).await.expect(201);
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/sessions/refresh").json(&json!({"refresh_token": token})).send().await
    }

    /// Who a token stands for, or the code of the refusal.
    pub async fn me(&self, token: &str) -> Answer {
        self.get("/v1/users/me").bearer(token).send().await
    }
}

impl Request<'_> {
    pub fn bearer(mut self, token: &str) -> Self {
        self.builder = self.builder.bearer_auth(token);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    pub fn basic(mut self, user: &str, password: &str) -> Self {
        self.builder = self.builder.basic_auth(user, Some(password));
        self
    }

    /// A body of OAuth.
    pub fn form(self, body: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned())
    }

    /// A body as it is, without a content type.
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.body(body);
        self
    }

    /// Sends it, and holds the answer against the document.
    pub async fn send(self) -> Answer {
        let answer = self.app.send(self.builder).await.unwrap();
        self.app.contract.check(self.method.as_str(), &self.path, &answer);
        answer
    }
}

impl TestApp {
    async fn send(&self, builder: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = match bytes.len() {
            0 => Value::Null,
            _ => serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()),
        };
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// This answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// This answer, which must be a problem with this code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        self
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// The wrong fields of a 422, with their codes.
    pub fn wrong_fields(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().unwrap();
        errors.iter().map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
    }
}
