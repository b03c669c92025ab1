//! Passwords that others have lost are refused, and nobody is kept out when it cannot be known.

use std::{
    fs,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use crate::support::{
    Answer, PASSWORD, Process, TestApp, line,
    range_service::{Mood, RangeService, sha1},
    run,
};

/// A password that is hard to guess, and lost nevertheless.
const LOST: &str = "gumdrop walnut 47 paperclip";

async fn register(app: &TestApp, who: &str, password: &str) -> Answer {
    let body = json!({"email": format!("{who}@example.com"), "password": password});
    app.post("/v1/users").json(&body).send().await
}

#[track_caller]
fn expect_breached(answer: Answer) {
    let answer = answer.refused(422, "validation_failed");
    assert_eq!(answer.wrong_fields(), [("password", "breached")]);
    assert!(!answer.body.to_string().contains(LOST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_a_service_knows_is_refused_and_the_service_learns_five_digits() {
    let service = RangeService::start(&[LOST, "caf\u{e9} au lait with crumbs"], None).await;
    let app = TestApp::with(&["--breach-api-url", &service.url()]).await;
    expect_breached(register(&app, "ada", LOST).await);
    expect_breached(register(&app, "ada", "cafe\u{301} au lait with crumbs").await);
    register(&app, "ada", PASSWORD).await.expect(201);
    let asked = service.asked();
    let asks = |password: &str| format!("GET /range/{} HTTP/1.1", &sha1(password)[..5]);
    for (request, password) in asked.iter().zip([LOST, "caf\u{e9} au lait with crumbs", PASSWORD]) {
        assert_eq!(request.lines().next().unwrap(), asks(password));
        let headers = request.to_lowercase();
        assert!(headers.contains("add-padding: true\r\n") && headers.contains("user-agent: latchkey/"), "{request}");
        assert!(headers.contains(&format!("host: {}\r\n", service.address)), "{request}");
        assert!(!request.contains(&sha1(password)[5..]), "{request}");
    }
    assert_eq!((asked.len(), service.connections()), (3, 1), "one connection is used again");

    let token = app.token("ada@example.com").await;
    let body = json!({"password": LOST, "current_password": PASSWORD});
    expect_breached(app.patch("/v1/users/me").bearer(&token).json(&body).send().await);
    assert_eq!(service.asked().len(), 4, "nobody is asked about a sign-in or a current password");
    register(&app, "bob", "password").await.refused(422, "validation_failed");
    assert_eq!(service.asked().len(), 4, "a password that is refused anyway is not asked about");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_in_trouble_keeps_nobody_out_and_nobody_waiting() {
    let service = RangeService::start(&[LOST], None).await;
    let app = TestApp::with(&["--breach-api-url", &service.url()]).await;
    let moods =
        [Mood::PaddingOnly, Mood::Hang, Mood::Unavailable, Mood::Garbage, Mood::Endless, Mood::Drip, Mood::Close];
    for (n, mood) in moods.into_iter().enumerate() {
        service.set(mood);
        let started = Instant::now();
        assert_eq!(register(&app, &format!("p{n}"), LOST).await.status, 201, "{mood:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{mood:?} took {:?}", started.elapsed());
        service.set(Mood::Well);
        expect_breached(register(&app, "ada", LOST).await);
    }
    drop(service);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_slow_service_takes_nothing_of_the_time_that_the_store_has() {
    let service = RangeService::start(&[LOST], None).await;
    service.set(Mood::Hang);
    let app = TestApp::redis().await;
    let patient = ["--breach-api-url", &service.url(), "--breach-api-timeout", "3s"].map(str::to_owned);
    let patient = TestApp::beside(&app, &patient.each_ref().map(String::as_str)).await;
    register(&patient, "ada", LOST).await.expect(201);
    patient.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_asked_over_tls_and_must_be_who_it_says() {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("ca.pem");
    fs::write(&authorities, certified.cert.pem()).unwrap();
    let chain = vec![CertificateDer::from(certified.cert.der().to_vec())];
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let tls = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let service = RangeService::start(&[LOST], Some(tls)).await;
    let url = service.url().replace("http:", "https:");

    let trusting = ["--breach-api-url", &url, "--breach-api-ca-file", authorities.to_str().unwrap()];
    let app = TestApp::with(&trusting).await;
    expect_breached(register(&app, "ada", LOST).await);
    app.stop().await;
    let app = TestApp::with(&["--breach-api-url", &url]).await;
    register(&app, "ada", LOST).await.expect(201);
    assert_eq!(service.asked().len(), 1, "a service that is not trusted is told nothing");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_in_a_file_is_refused_and_no_service_is_asked_about_it() {
    let mut hashes = (0..2_000).map(|n| sha1(&format!("password {n}"))).chain([sha1(LOST)]).collect::<Vec<_>>();
    hashes.sort();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for hash in &hashes {
        write!(file, "{hash}:1\r\n").unwrap();
    }
    let service = RangeService::start(&["quartz umbrella 12 teapot"], None).await;
    let path = file.path().to_str().unwrap();
    let app = TestApp::with(&["--breach-file", path, "--breach-api-url", &service.url()]).await;
    expect_breached(register(&app, "ada", LOST).await);
    assert_eq!(service.asked(), Vec::<String>::new());
    expect_breached(register(&app, "ada", "quartz umbrella 12 teapot").await);
    register(&app, "ada", PASSWORD).await.expect(201);
    // The file that was opened is the one that is searched.
    fs::remove_file(path).unwrap();
    expect_breached(register(&app, "bob", LOST).await);
    app.stop().await;
}

#[test]
fn a_file_or_a_url_that_is_none_stops_the_start_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hashes");
    let path = path.to_str().unwrap();
    let said = line(&run(&[("LATCHKEY_BREACH_FILE", path)], &[]), 1);
    assert!(said.contains("LATCHKEY_BREACH_FILE") && said.contains("No such file"), "{said}");
    fs::write(path, "hunter2\n").unwrap();
    let said = line(&run(&[("LATCHKEY_BREACH_FILE", path)], &[]), 1);
    assert!(said.contains("40 hexadecimal digits") && !said.contains("hunter2"), "{said}");
    let url = [("LATCHKEY_BREACH_API_URL", "https://a.example"), ("LATCHKEY_BREACH_API_CA_FILE", path)];
    let said = line(&run(&url, &[]), 1);
    assert!(said.contains("LATCHKEY_BREACH_API_CA_FILE") && said.contains("there is none"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_one_warning_without_the_password() {
    let process = Process::start(&[("LATCHKEY_BREACH_API_URL", "http://127.0.0.1:1/")]);
    let client = reqwest::Client::new();
    for who in ["ada", "bob", "carl"] {
        let body = json!({"email": format!("{who}@example.com"), "password": LOST});
        let answer = client.post(format!("{}/v1/users", process.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("passwords cannot be looked up").count(), 1, "{log}");
    assert!(!log.contains("gumdrop") && !log.contains(&sha1(LOST)[..5]), "{log}");
}
