//! A client that keeps every answer, and what was asked.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::canary::{Canary, Kind};
use crate::support::{Answer, Contract};

/// In place of an operation: a page that a letter leads to.
pub const PAGE: &str = "page";

/// What came back, and from where.
pub struct Kept {
    pub operation: String,
    pub answer: Answer,
}

/// The client.
pub struct Client {
    pub url: String,
    http: reqwest::Client,
    contract: Contract,
    pub kept: Vec<Kept>,
    /// What came back for what is no request.
    pub unframed: Vec<Vec<u8>>,
}

impl Client {
    pub fn new(url: &str) -> Self {
        let (http, contract) = (reqwest::Client::new(), Contract::default());
        Self { url: url.to_owned(), http, contract, kept: Vec::new(), unframed: Vec::new() }
    }

    /// Sends a request with these headers, and keeps the answer.
    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let kept = self.ask(method, path, headers, body).await;
        let body = kept.answer.body.clone();
        self.kept.push(kept);
        body
    }

    /// Sends a request with these headers, and holds the answer against the document.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Kept {
        let request = self.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.body(body.to_owned()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let text = || Value::from(String::from_utf8_lossy(&bytes));
        let body =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) };
        let answer = Answer { status, headers, body };
        let is_page = path.starts_with("/account/");
        if !is_page {
            self.contract.check(method, path, &answer);
        }
        let other = if is_page { PAGE } else { "none" };
        let operation = self.contract.operation_id(method, path).unwrap_or(other).to_owned();
        Kept { operation, answer }
    }

    /// Reads what somebody may read of themselves, and is refused without their token.
    pub async fn read_own(&mut self, token: &str) {
        for (path, token) in OWN.into_iter().flat_map(|path| [(path, token), (path, "")]) {
            self.json("GET", path, token, &Value::Null).await;
        }
    }

    /// Sends JSON by this token.
    pub async fn json(&mut self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json"), ("user-agent", super::AGENT)];
        headers.extend((!token.is_empty()).then_some(("authorization", bearer.as_str())));
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, path, &headers, &bytes).await
    }

    /// The operations that answered something good, and those that refused something.
    pub fn reached(&self, good: bool) -> BTreeSet<String> {
        let kept = self.kept.iter().filter(|kept| (kept.answer.status < 400) == good);
        kept.map(|kept| kept.operation.clone()).collect()
    }

    /// The codes of the problems that came back.
    pub fn codes(&self) -> BTreeSet<String> {
        self.kept.iter().filter_map(|kept| Some(kept.answer.body["code"].as_str()?.to_owned())).collect()
    }

    /// What is in answers and may not be there.
    pub fn wrong(&self, canaries: &[Canary]) -> Vec<String> {
        let wrong = self.kept.iter().flat_map(|kept| canaries.iter().map(move |canary| (kept, canary)));
        let wrong = wrong.filter(|(kept, canary)| canary.is_in(&text(kept)) && !may_be(canary, kept));
        let wrong =
            wrong.map(|(kept, canary)| format!("{} in a {} of {}", canary.name, kept.answer.status, kept.operation));
        let unframed = self.unframed.iter().filter(|answer| canaries.iter().any(|canary| canary.is_in(answer)));
        wrong.chain(unframed.map(|answer| String::from_utf8_lossy(answer).into_owned())).collect()
    }
}

/// What people read of themselves.
pub const OWN: [&str; 4] = ["/v1/users/me", "/v1/sessions", "/v1/users/me/events", "/v1/users/me/export"];

/// An answer with its headers. Only the names of unknown fields are left out: they are told to whoever sent them.
fn text(kept: &Kept) -> Vec<u8> {
    let mut body = kept.answer.body.clone();
    for error in body.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
        if error["code"] == "unknown" {
            error["field"].take();
        }
    }
    let headers = kept.answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes()));
    let headers = headers.map(|(name, value)| [name.as_bytes(), b": ", value].concat());
    headers.chain([body.to_string().into_bytes()]).collect::<Vec<_>>().join(&b'\n')
}

/// What those who run the service are shown of others.
const OF_OTHERS: [&str; 7] =
    ["create_user", "list_users", "get_user", "patch_user", "patch_user_grants", "suspend_user", "unsuspend_user"];

/// Answers to the person may have what is theirs, and the operations that give tokens give them.
fn may_be(canary: &Canary, kept: &Kept) -> bool {
    if kept.operation == PAGE {
        // What was in a link or a form is in it again, but for the password.
        return matches!(canary.kind, Kind::Token | Kind::Mailed | Kind::Personal);
    }
    let given = matches!(&*kept.operation, "sign_in" | "refresh_session" | "reauthenticate");
    let theirs =
        given || matches!(&*kept.operation, "register" | "get_me" | "patch_me" | "introspect_token" | "export_me");
    kept.answer.status < 400
        && match canary.kind {
            Kind::Token => given,
            Kind::Personal => theirs || OF_OTHERS.contains(&&*kept.operation),
            Kind::Agent => given || matches!(&*kept.operation, "list_sessions" | "list_user_sessions" | "export_me"),
            Kind::Secret | Kind::Mailed | Kind::Typed => false,
        }
}
