//! What tokens cost: requests with an access token as fast as sixteen connections can, beside a bare poem and a bare Redis;
//! signatures; and refreshing.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use futures_util::future::join_all;
use latchkey::{
    accounts::{Accounts, HashSettings, Hasher, Random, SystemClock},
    breaches::Breaches,
    cli::Cli,
    store::{Embedded, Store},
};
use poem::{Route, Server, get, handler, listener::TcpListener};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Side,
    samples::Samples,
    table::{Row, Table},
};

/// Connections at the same time, one request at a time on each.
const CONNECTIONS: usize = 16;
const TIME: Duration = Duration::from_secs(4);

/// How often a signature is made or checked.
const SIGNATURES: u32 = 5_000;

/// As much as an access token says.
const CLAIMS: usize = 420;

pub(crate) async fn measure(table: &mut Table, sides: &[Side<'_>; 2], readers: &[String; 2], redis_port: u16) {
    let hello = hello().await;
    let plain = request("GET /", &hello, "", "");
    let (bare, _) = load(&hello, vec![plain; CONNECTIONS]).await;
    let redis = bare_redis(redis_port);
    for (side, token) in sides.iter().zip(readers) {
        let address = side.service.address();
        let me = request("GET /v1/users/me", address, token, "");
        let (rate, samples) = load(address, vec![me; CONNECTIONS]).await;
        let also = format!(
            "{rate:.0}/s; bare poem {bare:.0}/s, x{:.2}; Redis GET alone {redis:.0}/s, x{:.2}",
            rate / bare,
            rate / redis
        );
        table.add(Row::of("GET /v1/users/me, 16 connections", side.name, &samples).also(also));
    }
    for side in sides {
        let (rate, samples) = refreshes(side).await;
        table.add(Row::of("POST /v1/sessions/refresh, 16 sessions", side.name, &samples).also(format!("{rate:.0}/s")));
    }
    for algorithm in ["EdDSA", "ES256"] {
        signatures(table, algorithm).await;
    }
}

/// The least that poem does for a request, in this process, on as many threads as the service has.
async fn hello() -> String {
    #[handler]
    fn hello() -> &'static str {
        "hello"
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let bind = address.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(Server::new(TcpListener::bind(bind)).run(Route::new().at("/", get(hello)))).unwrap();
    });
    while TcpStream::connect(&address).await.is_err() {
        tokio::task::yield_now().await;
    }
    address
}

fn request(line: &str, address: &str, token: &str, body: &str) -> String {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let content = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    format!("{line} HTTP/1.1\r\nHost: {address}\r\n{authorization}{content}\r\n{body}")
}

/// One request after the other on each connection: how many a second, and how long each took.
async fn load(address: &str, requests: Vec<String>) -> (f64, Samples) {
    let begun = Instant::now();
    let connections = requests.into_iter().map(async |request| {
        let mut connection = Connection::open(address).await;
        let mut samples = Samples::default();
        while begun.elapsed() < TIME {
            let sent = Instant::now();
            connection.ask(&request).await;
            samples.push(sent.elapsed());
        }
        samples
    });
    all(begun, connections).await
}

/// Refreshes one session after its own last refresh, on each connection.
async fn refreshes(side: &Side<'_>) -> (f64, Samples) {
    let mut tokens = Vec::new();
    for _ in 0..CONNECTIONS {
        tokens.push(side.client.sign_in_for_refresh("reader").await);
    }
    let begun = Instant::now();
    let connections = tokens.into_iter().map(async |mut token| {
        let mut connection = Connection::open(side.service.address()).await;
        let mut samples = Samples::default();
        while begun.elapsed() < TIME {
            let body = format!(r#"{{"refresh_token":"{token}"}}"#);
            let request = request("POST /v1/sessions/refresh", side.service.address(), "", &body);
            let sent = Instant::now();
            let answer = connection.ask(&request).await;
            samples.push(sent.elapsed());
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            answer["refresh_token"].as_str().unwrap().clone_into(&mut token);
        }
        samples
    });
    all(begun, connections).await
}

#[expect(clippy::cast_precision_loss, reason = "there are some hundred thousand")]
async fn all(begun: Instant, connections: impl Iterator<Item = impl Future<Output = Samples>>) -> (f64, Samples) {
    let mut samples = Samples::default();
    for some in join_all(connections).await {
        samples.extend(some);
    }
    (samples.len() as f64 / begun.elapsed().as_secs_f64(), samples)
}

/// A connection that does no more than it must, so that the client leaves the machine to the service.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(8 * 1024) }
    }

    /// Sends a request, which must succeed, and answers its body.
    async fn ask(&mut self, request: &str) -> String {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the connection ended");
            let text = std::str::from_utf8(&self.buffer).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return body.to_owned();
            }
        }
    }
}

/// What `redis-benchmark` gets out of the server of the service: one GET at a time on each connection.
fn bare_redis(port: u16) -> f64 {
    let output = Command::new("redis-benchmark")
        .args(["-p", &port.to_string(), "-c", &CONNECTIONS.to_string(), "-n", "200000", "-t", "get", "--csv"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("\"GET\"")).unwrap_or_else(|| panic!("{text}"));
    line.split(',').nth(1).unwrap().trim_matches('"').parse().unwrap()
}

/// Makes and checks signatures on one thread, none of which is remembered.
async fn signatures(table: &mut Table, algorithm: &str) {
    let config = Cli::parse_from(["latchkey", "--signing-algorithm", algorithm]).config;
    let hashing = HashSettings { threads: 0, ..config.hashing.settings().unwrap() };
    let hasher = Hasher::start(hashing, Random).unwrap();
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    let settings = config.accounts(config.listen, Vec::new());
    let accounts = Accounts::open(store, hasher, Breaches::default(), Arc::new(SystemClock), settings).await.unwrap();
    let (keyring, payload) = (accounts.keyring(), vec![b'x'; CLAIMS]);
    let token = keyring.sign(&payload).unwrap();
    let (mut made, mut checked) = (Samples::default(), Samples::default());
    for _ in 0..SIGNATURES {
        let begun = Instant::now();
        keyring.sign(&payload).unwrap();
        made.push(begun.elapsed());
        let begun = Instant::now();
        assert!(keyring.verify(&token).await.unwrap().is_some());
        checked.push(begun.elapsed());
    }
    for (what, samples) in [("an access token is signed", made), ("its signature is checked", checked)] {
        let median = samples.median();
        let also = format!("{:.1} us, {:.0}/s on one thread", median.as_secs_f64() * 1e6, 1.0 / median.as_secs_f64());
        table.add(Row::of(what, algorithm, &samples).also(also));
    }
}
