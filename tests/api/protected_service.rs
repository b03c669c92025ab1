//! `examples/protected_service` beside Latchkey, both as processes: what it lets in, what it refuses, and that it follows
//! new permissions and new keys without a restart.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    redis_server::RedisServer,
    support::{Forger, PASSWORD, Process, run},
};

/// Latchkey on a Redis of its own, and the example, which trusts it.
pub struct Pair {
    redis: RedisServer,
    pub latchkey: Process,
    example: Child,
    pub articles: String,
    pub client: Client,
}

/// What the example answered: the status, the challenge, and the body.
type Answer = (u16, String, Value);

/// The binary of the example: `cargo test` builds it beside this test.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/protected_service");
    let changed = |path: PathBuf| fs::metadata(path).and_then(|file| file.modified());
    let sources = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/protected_service")).unwrap();
    let newest = sources.map(|file| changed(file.unwrap().path()).unwrap()).max().unwrap();
    let is_new = changed(path.clone()).is_ok_and(|built| built >= newest);
    assert!(is_new, "build it first: cargo build --example protected_service (`cargo test` alone does)");
    path
}

impl Pair {
    pub async fn start() -> Self {
        let redis = RedisServer::start();
        let latchkey = Process::start(&[("LATCHKEY_REDIS_URL", &redis.url())]);
        let mut example = Command::new(binary())
            .args(["--issuer", &latchkey.url, "--listen", "127.0.0.1:0"])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(fs::File::create(latchkey.folder.path().join("example.log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(example.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let articles = line.trim().strip_prefix("The articles are at ").expect(&line).to_owned();
        let pair = Self { redis, latchkey, example, articles, client: Client::new() };
        pair.latchkey("/v1/users", &json!({"email": "ada@example.com", "password": PASSWORD})).await;
        pair
    }

    async fn latchkey(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.latchkey.url)).json(body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    pub async fn sign_in(&self) -> Value {
        self.latchkey("/v1/sessions", &json!({"login": "ada@example.com", "password": PASSWORD})).await
    }

    /// Runs `latchkey` on the same store.
    fn operate(&self, command: &str) {
        let output = run(&[("LATCHKEY_REDIS_URL", &self.redis.url())], &command.split_whitespace().collect::<Vec<_>>());
        assert!(output.status.success(), "{output:?}");
    }

    async fn call(&self, method: Method, authorization: Option<&str>) -> Answer {
        let mut request = self.client.request(method, &self.articles).body(r#"{"title": "On engines"}"#);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = request.send().await.unwrap();
        let text = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (status, challenge, media) = (answer.status(), text(header::WWW_AUTHENTICATE), text(header::CONTENT_TYPE));
        let body = answer.json::<Value>().await.unwrap();
        if status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!((&*media, &body["status"]), ("application/problem+json", &json!(status.as_u16())));
        }
        (status.as_u16(), challenge, body)
    }

    /// What reading the articles is answered with.
    pub async fn read(&self, token: &str) -> (u16, String) {
        let (status, challenge, _) = self.call(Method::GET, Some(&format!("Bearer {token}"))).await;
        (status, challenge)
    }

    async fn write(&self, tokens: &Value) -> Answer {
        self.call(Method::POST, Some(&format!("Bearer {}", access(tokens)))).await
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = self.example.kill();
        let _ = self.example.wait();
    }
}

pub fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap()
}

fn good() -> (u16, String) {
    (200, String::new())
}

fn refused() -> (u16, String) {
    (401, r#"Bearer realm="articles", error="invalid_token""#.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_service_lets_in_who_has_a_token_and_lets_write_who_has_the_permission() {
    let pair = Pair::start().await;
    let home = pair.client.get(pair.articles.trim_end_matches("articles")).send().await.unwrap();
    assert_eq!(home.status(), 200);
    for authorization in [None, Some("Basic YTpi"), Some("Bearer")] {
        let (status, challenge, _) = pair.call(Method::GET, authorization).await;
        assert_eq!((status, &*challenge), (401, r#"Bearer realm="articles""#), "no token was sent, so none is wrong");
    }

    let tokens = pair.sign_in().await;
    assert_eq!(pair.read(access(&tokens)).await, good());
    let (status, challenge, _) = pair.write(&tokens).await;
    let lacking = r#"Bearer realm="articles", error="insufficient_scope", scope="articles:write""#;
    assert_eq!((status, &*challenge), (403, lacking));
    pair.operate("users grant ada@example.com --role articles:write --permission articles:writeoff articles");
    let refresh = async |tokens: &Value| {
        pair.latchkey("/v1/sessions/refresh", &json!({"refresh_token": tokens["refresh_token"]})).await
    };
    let tokens = refresh(&tokens).await;
    assert_eq!(pair.write(&tokens).await.0, 403, "a role is no permission, and neither is half a word");
    pair.operate("users grant ada@example.com --permission articles:write");
    assert_eq!(pair.write(&tokens).await.0, 403, "a token says what it said");
    let tokens = refresh(&tokens).await;
    let (status, _, article) = pair.write(&tokens).await;
    assert_eq!((status, &article["title"]), (201, &json!("On engines")));
    let (_, _, articles) = pair.call(Method::GET, Some(&format!("bearer {}", access(&tokens)))).await;
    assert_eq!(articles, json!([article]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_service_refuses_every_token_that_is_not_as_its_issuer_made_it() {
    let pair = Pair::start().await;
    let tokens = pair.sign_in().await;
    let forger = Forger::new(&pair.redis, access(&tokens)).await;
    // What the forger can do, but for the one thing that is wrong with each of the others.
    assert_eq!(pair.read(&forger.token(&json!({}), &json!({}))).await, good());
    for (header, claims) in forger.wrong() {
        let answer = pair.read(&forger.token(&header, &claims)).await;
        assert_eq!(answer, refused(), "{header} {claims}");
    }
    assert_eq!(pair.read(&forger.token(&json!({"kid": null}), &json!({}))).await, refused(), "it names no key");
    for token in forger.strange() {
        assert_eq!(pair.read(&token).await, refused(), "{token}");
    }
    assert_eq!(pair.read(access(&tokens)).await, good());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_service_asks_for_keys_seldom_and_keeps_them_when_nobody_answers() {
    let mut pair = Pair::start().await;
    let tokens = pair.sign_in().await;
    let forger = Forger::new(&pair.redis, access(&tokens)).await;
    assert_eq!(pair.read(access(&tokens)).await, good());
    let started = Instant::now();
    for number in 0..100 {
        let made_up = forger.token(&json!({"kid": format!("k{number}")}), &json!({}));
        assert_eq!(pair.read(&made_up).await, refused());
    }
    let readings = 2 + started.elapsed().as_secs() / 5;
    let log = fs::read_to_string(pair.latchkey.folder.path().join("log")).unwrap();
    let read = log.lines().filter(|line| line.contains(r#""http.route":"/.well-known/jwks.json""#)).count();
    assert!((1..=readings).contains(&(read as u64)), "{read} of at most {readings}");

    pair.latchkey.child.kill().unwrap();
    pair.latchkey.child.wait().unwrap();
    let log = pair.latchkey.folder.path().join("example.log");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !fs::read_to_string(&log).unwrap().contains("the issuer's keys cannot be read") {
        assert!(Instant::now() < deadline, "they are not asked for again");
        assert_eq!(pair.read(&forger.token(&json!({"kid": "unknown"}), &json!({}))).await, refused());
    }
    assert_eq!(pair.read(access(&tokens)).await, good());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_service_that_never_had_keys_says_that_it_can_let_nobody_in_now() {
    let mut pair = Pair::start().await;
    let tokens = pair.sign_in().await;
    pair.latchkey.child.kill().unwrap();
    pair.latchkey.child.wait().unwrap();
    assert_eq!(pair.read(access(&tokens)).await, (503, String::new()));
    assert_eq!(pair.call(Method::GET, None).await.0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_rotation_is_followed_by_the_service_without_a_restart() {
    let pair = Pair::start().await;
    let stolen = pair.sign_in().await;
    assert_eq!(pair.read(access(&stolen)).await, good());
    pair.operate("keys rotate --now");
    let deadline = Instant::now() + Duration::from_secs(60);
    let tokens = loop {
        // The running Latchkey follows by itself within 30 s, and when somebody reads its keys.
        pair.client.get(format!("{}/.well-known/jwks.json", pair.latchkey.url)).send().await.unwrap();
        let tokens = pair.sign_in().await;
        if pair.read(access(&tokens)).await == good() && pair.read(access(&stolen)).await == refused() {
            break tokens;
        }
        assert!(Instant::now() < deadline, "the new key is not followed");
    };
    assert_ne!(kid(&tokens), kid(&stolen));
}

fn kid(tokens: &Value) -> String {
    Forger::read(access(tokens)).0["kid"].as_str().unwrap().to_owned()
}
