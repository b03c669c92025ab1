//! Marked passwords, tokens, addresses and names go through every operation and every way to fail. Then logs, answers,
//! what commands print, traces, and all that is stored are searched for them.

mod administration;
mod canary;
mod client;
mod cookies;
mod journey;
mod mail;
mod panics;
mod places;
mod raw;

use std::{fs, io::Read, path::Path, process::Child};

use fred::interfaces::HashesInterface;
use latchkey::http::Code;
use poem_openapi::types::ToJSON;
use serde_json::json;

use self::{
    canary::{Canary, Kind},
    journey::Journey,
    places::{own_secrets, stored, wrong},
};
use crate::{
    redis_server::{RedisServer, command, spawn},
    support::{Process, admin::SCOPES, collector::Collector, run},
};

/// What the browser of everybody says of itself.
pub const AGENT: &str = "zqagent7391canary/1.0 (\"quoted\")";

/// What private keys are sealed with, and what goes into hashes: `zqpepper7391canary0123456789abcd`.
const SECRETS: [(&str, &str); 2] = [
    ("LATCHKEY_MASTER_SECRET", "zqmastersecret7391canary01234567"),
    ("LATCHKEY_PEPPERS", "canary:enFwZXBwZXI3MzkxY2FuYXJ5MDEyMzQ1Njc4OWFiY2Q"),
];

/// What a collector shows.
const METRICS_TOKEN: &str = "zqmetricstoken7391canary";

/// Every module, as loud as it can be.
const LOUD: [(&str, &str); 10] = [
    ("LATCHKEY_LOG", "trace"),
    ("LATCHKEY_COOKIES", "true"),
    ("LATCHKEY_ALLOW_WEAK_HASHES", "true"),
    ("LATCHKEY_ARGON2_MEMORY_KIB", "8"),
    ("LATCHKEY_ARGON2_ITERATIONS", "1"),
    ("LATCHKEY_HASH_THREADS", "1"),
    ("LATCHKEY_PASSWORD_ATTEMPTS_PER_ADDRESS", "none"),
    ("LATCHKEY_REGISTRATIONS_PER_ADDRESS", "none"),
    ("LATCHKEY_MAILS_PER_ADDRESS", "none"),
    ("RUST_BACKTRACE", "full"),
];

/// Everything that a folder holds, file by file.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() { files(&path) } else { vec![(path.display().to_string(), fs::read(&path).unwrap())] }
        })
        .collect()
}

/// Which of these canaries are in texts, none of which may have one.
fn found(canaries: &[Canary], texts: &[(String, Vec<u8>)]) -> Vec<String> {
    let pairs = texts.iter().flat_map(|text| canaries.iter().map(move |canary| (text, canary)));
    let found = pairs.filter(|((_, bytes), canary)| canary.is_in(bytes));
    let line = |bytes: &[u8], canary: &Canary| {
        let line = bytes.split(|byte| *byte == b'\n').find(|line| canary.is_in(line)).unwrap_or_default();
        String::from_utf8_lossy(&line[..line.len().min(500)]).into_owned()
    };
    found.map(|((place, bytes), canary)| format!("{} in {place}: {}", canary.name, line(bytes, canary))).collect()
}

fn secrets(canaries: &[Canary]) -> Vec<Canary> {
    canaries.iter().filter(|canary| matches!(canary.kind, Kind::Secret | Kind::Token | Kind::Mailed)).cloned().collect()
}

/// Ends a service, and answers all that it has printed and logged.
fn said(mut process: Process) -> Vec<(String, Vec<u8>)> {
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut out = Vec::new();
    process.out.read_to_end(&mut out).unwrap();
    vec![("its output".to_owned(), out), ("its log".to_owned(), fs::read(process.folder.path().join("log")).unwrap())]
}

fn start(settings: &[(&str, &str)]) -> Process {
    Process::start(&[LOUD.as_slice(), &SECRETS, settings].concat())
}

/// Runs a command on this Redis, and answers what it printed.
fn printed(redis: &RedisServer, arguments: &str) -> (String, Vec<u8>) {
    let url = redis.url();
    let settings = [("LATCHKEY_REDIS_URL", url.as_str()), ("LATCHKEY_LOG", "trace")];
    let output = run(&[SECRETS.as_slice(), &settings].concat(), &arguments.split(' ').collect::<Vec<_>>());
    (arguments.to_owned(), [output.stdout, output.stderr].concat())
}

/// An API key, made by the operator: nobody else is ever shown it.
fn api_key(redis: &RedisServer) -> String {
    let make = format!("api-keys create --name canary --scope tokens:introspect {SCOPES}");
    let (_, output) = printed(redis, &make);
    let text = String::from_utf8(output).unwrap();
    text.split_whitespace().find(|word| word.starts_with("lkk_")).expect(&text).to_owned()
}

async fn every_place_on_redis(format: &str) {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes"]);
    let url = redis.url();
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, METRICS_TOKEN).unwrap();
    let shown_to = ("LATCHKEY_METRICS_TOKEN_FILE", tokens.to_str().unwrap());
    let collector = Collector::start().await;
    let traced = ("LATCHKEY_OTLP_ENDPOINT", collector.url.as_str());
    let process = start(&[("LATCHKEY_REDIS_URL", &url), ("LATCHKEY_LOG_FORMAT", format), shown_to, traced]);
    let mut journey = Journey::new(&process, Some(api_key(&redis)));
    journey.go().await;

    let mut canaries = journey.canaries.clone();
    let address = journey::EMAIL;
    let mut texts = [
        "doctor",
        "doctor --json",
        "check",
        "check --json",
        "keys list",
        "api-keys list --json",
        "outbox list",
        "outbox list --json",
        "outbox retry",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["grant", "revoke"].map(|verb| format!("users {verb} {address} --role canary")))
    .chain(["suspend", "unsuspend"].map(|verb| format!("users {verb} {address}")))
    .chain(["users suspend zqtyped7391canary@example.com".to_owned()])
    .chain(["roles list".to_owned(), format!("users sessions {address}")])
    .map(|arguments| printed(&redis, &arguments))
    .collect::<Vec<_>>();
    // Who somebody is, these are there to show.
    let shown = ["users list", "users list --json", &format!("users show {address}")];
    let shown = shown.map(|arguments| printed(&redis, arguments));
    let pieces = stored(&redis).await;
    assert!(pieces.len() > 50, "{} pieces", pieces.len());
    assert_eq!(wrong(&pieces, &canaries), [""; 0]);
    assert!(pieces.iter().any(|piece| canaries[0].is_in(&piece.bytes)), "what may be there is found");
    assert_eq!(found(&secrets(&canaries), &files(redis.folder())), [""; 0]);
    assert!(!found(&canaries, &files(redis.folder())).is_empty(), "what may be there is found");

    let own = own_secrets(&pieces);
    assert!(own.len() > 2, "{} secrets", own.len());
    canaries.extend(own);
    let client = redis.client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    journey.meet_failures().await;
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    break_records(&redis, &journey).await;
    journey.meet_failures().await;
    texts.extend(["check", "check --json"].map(|arguments| printed(&redis, arguments)));
    // A server that knows a command no more quotes its arguments.
    redis.kill();
    let mut crippled = crippled(&redis).await;
    journey.meet_failures().await;
    crippled.kill().unwrap();
    crippled.wait().unwrap();
    journey.meet_failures().await;

    texts.push(("the metrics".to_owned(), metrics(&journey).await));

    texts.extend(said(process));
    assert!(collector.spans().len() > 50, "{} spans", collector.spans().len());
    texts.extend(collector.bodies().into_iter().map(|body| ("a trace".to_owned(), body.into_bytes())));
    canaries.push(Canary::own("the token for metrics", METRICS_TOKEN));
    assert_eq!(found(&secrets(&canaries), &shown), [""; 0]);
    assert_eq!(found(&canaries, &texts), [""; 0]);
    assert_eq!(journey.client.wrong(&canaries), [""; 0]);
    journey.expect_everything_was_asked();
    let known = Code::ALL.iter().map(|code| code.to_json().unwrap().as_str().unwrap().to_owned());
    // These need a clock that jumps or more people at once, and say nothing but what the catalogue says.
    let elsewhere = ["token_expired", "overloaded", "contended", "request_timeout", "reauthentication_required"];
    // These are of a service with another setting, or that is about to stop or has no key, and say as little.
    let elsewhere = [elsewhere.as_slice(), &["email_not_verified", "draining", "no_signing_key"]].concat();
    // This is of a body that breaks off, which `raw` looks at.
    let elsewhere = [elsewhere.as_slice(), &["malformed_body"]].concat();
    // These need somebody with permissions, or 10,001 lines, and say no more than the catalogue does.
    let elsewhere = [elsewhere.as_slice(), &["own_account", "last_admin", "user_suspended", "too_many_lines"]].concat();
    let codes = journey.client.codes();
    let missing = known.filter(|code| !elsewhere.contains(&code.as_str()) && !codes.contains(code));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "these codes were not provoked");
}

/// The page of metrics, without its numbers: any digits can be among those.
async fn metrics(journey: &Journey) -> Vec<u8> {
    let shown = format!("Bearer {METRICS_TOKEN}");
    let page = journey.client.ask("GET", "/metrics", &[("authorization", &shown)], b"").await.answer.expect(200);
    let lines = page.body.as_str().unwrap().lines().map(|line| line.rsplit_once(' ').unwrap().0);
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

/// The same records on the same port, by a server that has not the commands that records are kept with.
async fn crippled(redis: &RedisServer) -> Child {
    let port = redis.port().to_string();
    let folder = redis.folder().to_str().unwrap();
    let ours = ["--port", &port, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    let renamed = ["--rename-command", "HSET", "HSETTER"];
    let child = spawn("redis-server", ours.into_iter().chain(renamed));
    RedisServer::client_of(redis.port()).await; // it waits for it
    child
}

/// Puts what somebody typed where it cannot be read: into a record, and in place of one.
async fn break_records(redis: &RedisServer, journey: &Journey) {
    let client = redis.client().await;
    for key in command::<Vec<String>>(&client, "KEYS latchkey:{api-keys}:key:*").await {
        let _: () = client.hset(&key, [("scopes", "zqtyped7391canary")]).await.unwrap();
    }
    for (number, id) in journey.people.iter().enumerate() {
        let user: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:user:{id}")).await;
        if number == 0 {
            let _: () = client
                .hset(&user[0], [("created_at", "zqtyped7391canary"), ("grants", "zqtyped7391canary")])
                .await
                .unwrap();
            let index = format!("ZADD {} 99999999999999 zqtyped7391canary", user[0].replace(":user:", ":sessions:"));
            let _: i64 = command(&client, &index).await;
            let sessions: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:session:{id}:*")).await;
            for session in sessions {
                let _: () = client.hset(&session, [("user_agent", "x"), ("epoch", "zqtyped7391canary")]).await.unwrap();
            }
        } else {
            let _: () = command(&client, &format!("SET {} zqtyped7391canary", user[0])).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nothing_leaks_with_logs_in_json() {
    every_place_on_redis("json").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nothing_leaks_with_logs_in_text() {
    every_place_on_redis("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaks_on_the_embedded_store() {
    let process = start(&[]);
    let mut journey = Journey::new(&process, None);
    journey.go().await;
    let canaries = journey.canaries.clone();
    let (letters, data): (Vec<_>, Vec<_>) = files(&process.folder.path().join("latchkey-data"))
        .into_iter()
        .partition(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "eml"));
    assert!(!data.is_empty() && !letters.is_empty());
    assert_eq!(found(&secrets(&canaries), &data), [""; 0]);
    assert!(!found(&canaries, &data).is_empty(), "what may be there is found");
    assert_eq!(found(&canaries, &said(process)), [""; 0]);
    assert_eq!(journey.client.wrong(&canaries), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_leak_would_be_found() {
    let redis = RedisServer::start();
    let canary = Canary::text(Kind::Secret, "zqplanted7391canary");
    let client = redis.client().await;
    for line in [
        "HSET latchkey:{b1}:user:1 email zqplanted7391canary",
        "ZADD latchkey:{b1}:index:created 1 enFwbGFudGVkNzM5MWNhbmFyeQ==",
        "SET latchkey:x 7a71706c616e7465643733393163616e617279",
        "XADD latchkey:y * field zqplanted7391canary",
        "HSET latchkey:ZQPLANTED7391CANARY field value",
    ] {
        let _: fred::types::Value = command(&client, line).await;
    }
    assert_eq!(wrong(&stored(&redis).await, std::slice::from_ref(&canary)).len(), 5);
    let line = json!({"message": "signed in with zqplanted7391canary"}).to_string();
    assert_eq!(found(&[canary], &[("log".to_owned(), line.into_bytes())]).len(), 1);
}
