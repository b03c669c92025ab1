//! Traces: what a collector is told of a request, from its caller down to the store.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use serde_json::{Value, json};

use crate::{
    redis_server::RedisServer,
    support::{
        PASSWORD, Process,
        collector::{Collector, Span},
        line, run,
    },
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// What a caller says of its trace.
fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

fn client() -> reqwest::Client {
    reqwest::Client::new()
}

/// Ends a service, which sends what is left, and answers its log.
fn end(process: Process) -> String {
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    log
}

fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The spans of a trace, by their ids.
fn of_trace(collector: &Collector, trace: &str) -> BTreeMap<String, Span> {
    collector.spans().into_iter().filter(|span| span.trace == trace).map(|span| (span.id.clone(), span)).collect()
}

/// The names of a span and of all that it is within.
fn path(spans: &BTreeMap<String, Span>, span: &Span) -> String {
    match spans.get(&span.parent) {
        Some(outer) => format!("{} > {}", path(spans, outer), span.name),
        None => span.name.clone(),
    }
}

/// Registers and signs somebody in within a trace of the caller's, and looks at every step of it.
async fn a_request_is_seen_down_to_its_store(settings: &[(&str, &str)], system: &str, read: &str) {
    let collector = Collector::start().await;
    let process = Process::start(&[settings, &[("LATCHKEY_OTLP_ENDPOINT", &collector.url)]].concat());
    let post = async |path: &str, body: Value| {
        let request = client().post(format!("{}/v1/{path}", process.url)).json(&body);
        let answer = request.header("traceparent", parent("01")).header("tracestate", "vendor=value").send().await;
        answer.unwrap()
    };
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    assert_eq!(post("users", body).await.status(), 201);
    let body = json!({"login": "ada@example.com", "password": PASSWORD});
    assert_eq!(post("email-verifications", json!({"email": "ada@example.com"})).await.status(), 202);
    assert_eq!(post("email-verifications?x=hidden", json!({})).await.status(), 400);
    let answer = post("sessions", body).await;
    assert_eq!(answer.status(), 201);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    collector.span(|span| span.name == "send").await;
    let log = end(process);

    let spans = of_trace(&collector, TRACE);
    let first = spans.values().find(|span| span.name == "POST /v1/sessions").unwrap();
    assert_eq!((first.kind, &*first.parent, &*first.state, first.failed), (2, CALLER, "vendor=value", false));
    for (name, value) in [
        ("http.request.method", json!("POST")),
        ("http.route", json!("/v1/sessions")),
        ("http.response.status_code", json!(201)),
        ("url.scheme", json!("http")),
        ("request.id", json!(id)),
    ] {
        assert_eq!(first.attributes[name], value, "{name}");
    }
    for span in spans.values().filter(|span| span.parent != CALLER) {
        let outer = spans.get(&span.parent).unwrap_or_else(|| panic!("{span:?} is within nothing"));
        assert!(outer.begins <= span.begins && span.ends <= outer.ends, "{span:?} is longer than {outer:?}");
        assert_eq!(span.state, "vendor=value");
    }
    let paths = spans.values().map(|span| path(&spans, span)).collect::<Vec<_>>();
    for expected in [read, "commit", "hash > wait for a thread", "hash > compute"] {
        let expected = format!("POST /v1/sessions > sign_in > {expected}");
        assert!(paths.contains(&expected), "{expected} is not among {paths:#?}");
    }
    let attempt = "POST /v1/users > register > commit > attempt".to_owned();
    assert_eq!(paths.contains(&attempt), system == "redis", "{paths:#?}");
    let mut attempts = spans.values().filter(|span| span.name == "attempt");
    assert!(attempts.all(|attempt| attempt.attributes["store.attempt"] == json!(1)), "{spans:#?}");
    for span in spans.values().filter(|span| span.attributes.contains_key("db.system.name")) {
        assert_eq!((&span.attributes["db.system.name"], span.kind), (&json!(system), 3));
        assert_eq!((&span.attributes["store.outcome"], span.failed), (&json!("ok"), false));
        assert_eq!(span.attributes["db.operation.name"], json!(span.name));
        assert!(span.attributes["db.operation.batch.size"].as_i64() > Some(0));
    }

    let all = collector.spans().into_iter().map(|span| (span.id.clone(), span)).collect::<BTreeMap<_, _>>();
    let sent = all.values().find(|span| span.name == "send").unwrap();
    assert_eq!(
        (path(&all, sent), &sent.attributes["mail.kind"]),
        ("deliver > send".to_owned(), &json!("verification"))
    );
    assert_ne!(sent.trace, TRACE, "the request had ended");

    let answered = lines(&log).into_iter().filter(|line| line["message"] == "answered").collect::<Vec<_>>();
    assert!(answered.len() == 4 && answered.iter().all(|line| line["span"]["trace.id"] == TRACE), "{log}");
    assert!(!collector.bodies().concat().contains("hidden"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_seen_down_to_the_embedded_store() {
    a_request_is_seen_down_to_its_store(&[], "redb", "read").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_request_is_seen_down_to_it() {
    let redis = RedisServer::start();
    a_request_is_seen_down_to_its_store(&[("LATCHKEY_REDIS_URL", &redis.url())], "redis", "HGETALL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_gone_is_seen_as_a_failure() {
    let (mut redis, collector) = (RedisServer::start(), Collector::start().await);
    let settings = [("LATCHKEY_REDIS_URL", &*redis.url()), ("LATCHKEY_OTLP_ENDPOINT", &collector.url)];
    let process = Process::start(&settings);
    redis.kill();
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let answer = client().post(format!("{}/v1/users", process.url)).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let failed = collector.span(|span| span.name == "POST /v1/users").await;
    assert!(failed.failed, "{failed:?}");
    for name in ["error.type", "problem.code"] {
        assert_eq!(failed.attributes[name], "store_unavailable");
    }
    let spans = of_trace(&collector, &failed.trace);
    let store = spans.values().filter(|span| span.attributes.get("store.outcome") == Some(&json!("unavailable")));
    assert!(store.clone().count() > 0 && store.clone().all(|span| span.failed), "{spans:#?}");
    process.signal("-TERM");
    process.signal("-TERM");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_believed_about_its_trace_unless_it_is_malformed() {
    let collector = Collector::start().await;
    let process = Process::start(&[("LATCHKEY_OTLP_ENDPOINT", &collector.url)]);
    let ask = async |parents: &[String]| {
        let mut request = client().get(format!("{}/v1/users/me", process.url));
        for parent in parents {
            request = request.header("traceparent", parent);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let unsampled = ask(&[parent("00")]).await;
    let mut malformed = Vec::new();
    for parents in [vec![], vec![parent("0")], vec![parent("01").to_uppercase()], vec![parent("01"), parent("01")]] {
        malformed.push(ask(&parents).await);
    }
    for _ in 0..3 {
        assert_eq!(client().get(format!("{}/health/ready", process.url)).send().await.unwrap().status(), 200);
    }
    let log = end(process);

    let spans = collector.spans();
    let firsts = spans.iter().filter(|span| span.name == "GET /v1/users/me").collect::<Vec<_>>();
    let ids = firsts.iter().map(|span| span.attributes["request.id"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids, malformed, "the first caller records nothing");
    for span in &firsts {
        assert!(span.parent.is_empty() && span.trace != TRACE, "{span:?}");
        assert!(!span.failed, "a 401 is the caller's failure");
        assert_eq!(span.attributes["problem.code"], "authentication_required");
    }
    assert!(spans.iter().all(|span| !span.name.contains("health")));
    let told = lines(&log).into_iter().find(|line| line["span"]["request.id"] == unsampled.as_str()).unwrap();
    assert_eq!(told["span"]["trace.id"], TRACE, "the log says it all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_ratio_of_0_only_callers_that_record_are_seen() {
    let collector = Collector::start().await;
    let settings =
        [("LATCHKEY_OTLP_ENDPOINT", &*collector.url), ("LATCHKEY_TRACE_RATIO", "0"), ("LATCHKEY_LOG", "error")];
    let process = Process::start(&settings);
    let ask = || client().get(format!("{}/v1/users/me", process.url));
    for _ in 0..20 {
        ask().send().await.unwrap();
    }
    ask().header("traceparent", parent("01")).send().await.unwrap();
    let log = end(process);
    let names = collector.spans().into_iter().map(|span| (span.name, span.trace)).collect::<Vec<_>>();
    assert_eq!(names, [("GET /v1/users/me".to_owned(), TRACE.to_owned())], "also when little is logged");
    assert_eq!(log, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_the_log_says_the_trace_of_the_caller() {
    let process = Process::start(&[]);
    let ask = || client().get(format!("{}/v1/users/me", process.url));
    ask().header("traceparent", parent("01")).send().await.unwrap();
    ask().send().await.unwrap();
    let answered = lines(&end(process)).into_iter().filter(|line| line["message"] == "answered");
    let told = answered.map(|line| line["span"]["trace.id"].clone()).collect::<Vec<_>>();
    assert_eq!(told, [json!(TRACE), Value::Null]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_caller_says_in_two_headers_is_one_list() {
    let collector = Collector::start().await;
    let process = Process::start(&[("LATCHKEY_OTLP_ENDPOINT", &collector.url)]);
    let request = client().get(format!("{}/v1/users/me", process.url)).header("traceparent", parent("01"));
    request.header("tracestate", "a=1,b=2").header("tracestate", "c=3").send().await.unwrap();
    end(process);
    let spans = collector.spans();
    assert!(!spans.is_empty() && spans.iter().all(|span| span.state == "a=1,b=2,c=3"), "{spans:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_collects_metrics_is_neither_traced_nor_logged_unless_refused() {
    let collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    fs::write(&file, "a token of 24 characters".replace(' ', "-")).unwrap();
    let settings =
        [("LATCHKEY_OTLP_ENDPOINT", &*collector.url), ("LATCHKEY_METRICS_TOKEN_FILE", file.to_str().unwrap())];
    let process = Process::start(&settings);
    let ask = async |token: &str| {
        let request = client().get(format!("{}/metrics", process.url)).header("traceparent", parent("01"));
        request.bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask("a-token-of-24-characters").await, ask("another").await), (200, 401));
    let log = end(process);
    let answered = lines(&log).into_iter().filter(|line| line["message"] == "answered");
    let statuses = answered.map(|line| line["http.response.status_code"].clone()).collect::<Vec<_>>();
    assert_eq!(statuses, [401]);
    assert!(collector.spans().is_empty(), "{:?}", collector.spans());
}

#[test]
fn a_file_of_headers_that_everybody_can_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headers");
    fs::write(&file, "Authorization: Bearer s3cret\n").unwrap();
    let settings =
        [("LATCHKEY_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("LATCHKEY_OTLP_HEADERS_FILE", file.to_str().unwrap())];
    for (mode, is_told) in [(0o604, true), (0o440, false)] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let log = end(Process::start(&settings));
        let is_warned = |line: &Value| {
            let said = line["message"].as_str().unwrap();
            line["level"] == "WARN" && said.contains("LATCHKEY_OTLP_HEADERS_FILE") && said.contains("can read it")
        };
        assert_eq!(lines(&log).iter().any(is_warned), is_told, "{mode:o}: {log}");
    }
}

#[test]
fn settings_of_traces_that_are_wrong_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headers");
    fs::write(&file, "Authorization: Bearer s3cret\nno header s3cret\n").unwrap();
    let file = file.to_str().unwrap();
    let endpoint = ("LATCHKEY_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    for (settings, told) in [
        (vec![("LATCHKEY_OTLP_ENDPOINT", "127.0.0.1:4318")], "http://127.0.0.1:4318"),
        (vec![("LATCHKEY_OTLP_ENDPOINT", "http://me:s3cret@collector")], "without a user"),
        (vec![("LATCHKEY_TRACE_RATIO", "2")], "a number from 0 to 1"),
        (vec![("LATCHKEY_TRACE_RATIO", "NaN")], "a number from 0 to 1"),
        (vec![("LATCHKEY_OTLP_HEADERS_FILE", file)], "needs LATCHKEY_OTLP_ENDPOINT"),
        (vec![endpoint, ("LATCHKEY_OTLP_CA_FILE", file)], "begins with https"),
    ] {
        let said = line(&run(&settings, &[]), 2);
        assert!(said.contains(told), "{said}");
    }
    let said = run(&[endpoint, ("LATCHKEY_OTLP_HEADERS_FILE", file)], &[]);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(
        said.contains("LATCHKEY_OTLP_HEADERS_FILE") && said.contains("line 2") && !said.contains("s3cret"),
        "{said}"
    );
}
