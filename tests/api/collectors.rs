//! Collectors of traces in trouble, and such that nobody else may ask: no request hears of it, and nothing piles up.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::Value;
use tokio_rustls::TlsAcceptor;

use crate::support::{
    Pair, Process,
    collector::{Collector, Mood},
};

/// How long a request may take that waits for nobody, on a noisy machine. One that waits for a collector that hangs takes
/// longer.
const PATIENCE: Duration = Duration::from_secs(4);

/// As many requests are more than wait to be seen.
const MANY: usize = 4_000;

/// Makes so many requests, each of which is one span.
async fn ask(process: &Process, times: usize) {
    let (client, url) = (reqwest::Client::new(), format!("{}/nowhere", process.url));
    for _ in 0..times / 50 {
        let started = Instant::now();
        for answer in join_all((0..50).map(|_| client.get(&url).send())).await {
            assert_eq!(answer.unwrap().status(), 404);
        }
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
}

fn log(process: &Process) -> Vec<Value> {
    let log = fs::read_to_string(process.folder.path().join("log")).unwrap();
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    whole.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The spans of which the log says that they were dropped.
fn dropped(log: &[Value]) -> usize {
    let told = log.iter().filter(|line| line["message"] == "spans of traces were dropped");
    told.map(|line| usize::try_from(line["spans"].as_u64().unwrap()).unwrap()).sum()
}

fn times(log: &[Value], message: &str) -> usize {
    log.iter().filter(|line| line["message"].as_str().unwrap().starts_with(message)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_hangs_is_waited_for_by_nobody_and_each_span_is_sent_or_counted() {
    let collector = Collector::start().await;
    collector.is(Mood::Hang);
    let mut process =
        Process::start(&[("LATCHKEY_OTLP_ENDPOINT", &collector.url), ("LATCHKEY_LOG", "warn,latchkey::traces=info")]);
    ask(&process, MANY).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while dropped(&log(&process)) == 0 {
        assert!(Instant::now() < deadline, "nothing was dropped");
        tokio::task::yield_now().await;
    }
    collector.is(Mood::Well);
    while times(&log(&process), "traces are sent again") == 0 {
        assert!(Instant::now() < deadline, "it was not tried again");
        tokio::task::yield_now().await;
    }
    process.signal("-TERM");
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
    let told = log(&process);
    let sent = collector.spans().len();
    assert_eq!(sent + dropped(&told), MANY, "{told:?}");
    assert!(sent <= 2048 + 512, "{sent} had waited");
    assert_eq!(times(&told, "traces could not be sent"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_away_or_overloaded_is_told_once_and_does_not_hold_up_the_stop() {
    let overloaded = Collector::start().await;
    overloaded.is(Mood::Unavailable);
    for url in ["http://127.0.0.1:1", &overloaded.url] {
        let process = Process::start(&[("LATCHKEY_OTLP_ENDPOINT", url)]);
        ask(&process, 600).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        while times(&log(&process), "traces could not be sent") == 0 {
            assert!(Instant::now() < deadline, "{url} is not missed");
            tokio::task::yield_now().await;
        }
        ask(&process, 100).await;
        process.signal("-TERM");
        let (code, log) = process.end();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(log.matches("\"traces could not be sent").count(), 1, "{log}");
        let told = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>();
        assert_eq!(dropped(&told), 700, "{log}");
        assert!(!log.contains("the last traces"), "it does not wait for what will not be: {log}");
    }
    assert!(overloaded.asked() > 0 && overloaded.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_with_tls_is_told_who_asks_and_the_log_is_not() {
    const TOKEN: &str = "zqotlptoken7391";
    let (folder, pair) = (tempfile::tempdir().unwrap(), Pair::new());
    pair.write(folder.path());
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![pair.certificate.clone()], key).unwrap();
    let collector = Collector::with_tls(TlsAcceptor::from(Arc::new(tls))).await;
    let (ca, headers) = (folder.path().join("chain.pem"), folder.path().join("headers"));
    fs::write(&headers, format!("Authorization: Bearer {TOKEN}\n\nx-tenant: accounts\n")).unwrap();
    let process = Process::start(&[
        ("LATCHKEY_OTLP_ENDPOINT", &collector.url),
        ("LATCHKEY_OTLP_CA_FILE", ca.to_str().unwrap()),
        ("LATCHKEY_OTLP_HEADERS_FILE", headers.to_str().unwrap()),
        ("LATCHKEY_LOG", "trace"),
    ]);
    ask(&process, 50).await;
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(TOKEN), "{log}");
    assert_eq!(collector.spans().len(), 50);
    for headers in collector.headers() {
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(headers["x-tenant"], "accounts");
    }
}
