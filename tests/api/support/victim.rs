//! A service that is killed at a step of what it is asked to do.

use std::sync::{Arc, Mutex};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::Process;
use crate::proxy::{Fault, Proxy};

/// The smallest cost of a password.
pub const CHEAP: [(&str, &str); 3] =
    [("LATCHKEY_ALLOW_WEAK_HASHES", "true"), ("LATCHKEY_ARGON2_MEMORY_KIB", "8"), ("LATCHKEY_ARGON2_ITERATIONS", "1")];

/// A request, as it can be sent to any service.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub path: &'static str,
    pub token: Option<String>,
    pub key: Option<String>,
    pub body: Option<Value>,
}

impl Call {
    pub async fn send(&self, url: &str) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut request = reqwest::Client::new().request(self.method.clone(), format!("{url}{}", self.path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &self.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
    }
}

/// Starts a service over the Redis at `url`.
pub async fn start(url: &str) -> Process {
    let url = url.to_owned();
    let start = move || Process::start(&[CHEAP.as_slice(), &[("LATCHKEY_REDIS_URL", url.as_str())]].concat());
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// Asks a service of its own, which is killed with SIGKILL at the EXEC of this number, counted from the request on. Answers
/// what it answered, or nothing when it did not come to that.
pub async fn call_and_kill(url: &str, call: &Call, exec: usize, fault: Fault) -> Option<StatusCode> {
    let victim = Arc::new(Mutex::new(None::<Process>));
    let killer = Arc::clone(&victim);
    let kill = move || {
        let mut process = killer.lock().unwrap();
        let child = &mut process.as_mut().unwrap().child;
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let proxy = Proxy::start(url, fault, move |number| number == exec, kill).await;
    let process = start(&proxy.url).await;
    let url = process.url.clone();
    *victim.lock().unwrap() = Some(process);
    let answer = call.send(&url).await;
    assert_eq!(proxy.faults(), usize::from(answer.is_err()), "it is killed or it answers: {answer:?}");
    answer.ok().map(|(status, _)| status)
}
