//! HTTPS, and how certificates are replaced.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::support::{LIVE, Pair, Process, Secure, Wire, line, run};

const SELF_SIGNED: (&str, &str) = ("LATCHKEY_TLS_SELF_SIGNED", "true");

/// A service with this pair, and the folder of the two files.
fn serve(pair: &Pair, more: &[(&str, &str)]) -> (Process, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    pair.write(folder.path());
    let [chain, key] = files(folder.path());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let files = [("LATCHKEY_TLS_CERT_FILE", chain.as_str()), ("LATCHKEY_TLS_KEY_FILE", key.as_str())];
    (Process::start(&[&files, more].concat()), folder)
}

fn files(folder: &Path) -> [String; 2] {
    ["chain.pem", "key.pem"].map(|file| folder.join(file).to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_served_with_tls_12_and_13_and_says_that_it_stays_so() {
    let pair = Pair::new();
    let (process, folder) = serve(&pair, &[]);
    assert!(process.url.starts_with("https://127.0.0.1:"), "{}", process.url);
    for only_12 in [true, false] {
        let mut secure = Secure::to(&process.url, &pair, &["http/1.1"], Some(only_12)).await.unwrap();
        let answer = secure.head("/.well-known/oauth-authorization-server").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000; includeSubDomains\r\n"), "{answer}");
    }
    assert!(Secure::to(&process.url, &Pair::new(), &[], None).await.is_err(), "another certificate is not trusted");
    let [chain, key] = files(folder.path());
    let listen = process.url.strip_prefix("https://").unwrap();
    let files = [("LATCHKEY_TLS_CERT_FILE", chain.as_str()), ("LATCHKEY_TLS_KEY_FILE", key.as_str())];
    let output = run(&[&files[..], &[("LATCHKEY_LISTEN", listen)]].concat(), &["health"]);
    assert_eq!(output.stdout, b"ready\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_agreed_on_within_tls() {
    let pair = Pair::new();
    let (process, _folder) = serve(&pair, &[]);
    let mut secure = Secure::to(&process.url, &pair, &["h2", "http/1.1"], None).await.unwrap();
    assert_eq!(secure.0.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    secure.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let mut head = [0; 9];
    secure.0.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame has the settings");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_and_a_greeting_that_does_not_come_are_closed() {
    let (process, _folder) = serve(&Pair::new(), &[("LATCHKEY_HEADER_TIMEOUT", "300ms")]);
    let url = process.url.replace("https://", "http://");
    let mut plain = Wire::to(&url).await;
    plain.send(LIVE).await;
    let answer = plain.rest().await;
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    let mut silent = Wire::to(&url).await;
    assert_eq!(silent.rest().await, b"");
    let mut dripping = Wire::to(&url).await;
    // A record of a greeting, of 512 bytes.
    dripping.drip([22, 3, 1, 2, 0, 1, 0, 1, 252].into_iter().chain(std::iter::repeat_n(3, 500))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_taken_and_open_connections_stay() {
    let (old, new) = (Pair::new(), Pair::new());
    let (process, folder) = serve(&old, &[]);
    let mut open = Secure::to(&process.url, &old, &[], None).await.unwrap();
    open.head("/health/live").await;

    // Half of it: not a pair, then not even a key.
    fs::write(folder.path().join("chain.pem"), &new.chain).unwrap();
    until_logged(&process, "the old one stays", 1).await;
    fs::write(folder.path().join("key.pem"), "-----BEGIN PRIVATE KEY-----\nMC4").unwrap();
    until_logged(&process, "the old one stays", 2).await;
    Secure::to(&process.url, &old, &[], None).await.unwrap();

    new.write(folder.path());
    until_logged(&process, "was replaced", 1).await;
    Secure::to(&process.url, &new, &[], None).await.unwrap();
    assert!(Secure::to(&process.url, &old, &[], None).await.is_err());
    assert!(open.head("/health/live").await.starts_with("HTTP/1.1 200 "));
    process.signal("-TERM");
    let (code, log) = process.end();
    // Written anew, the key file has the rights that new files have.
    assert!(log.contains("LATCHKEY_TLS_KEY_FILE): chmod o-r"), "{log}");
    assert_eq!(code, Some(0), "{log}");
}

async fn until_logged(process: &Process, words: &str, times: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::read_to_string(process.folder.path().join("log")).unwrap().matches(words).count() < times {
        assert!(Instant::now() < deadline, "`{words}` is not logged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_wrong_pair_keeps_it_from_starting() {
    let (pair, other) = (Pair::new(), Pair::new());
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = files(folder.path());
    let settings = [("LATCHKEY_TLS_CERT_FILE", chain.as_str()), ("LATCHKEY_TLS_KEY_FILE", key.as_str())];
    let said = line(&run(&settings, &[]), 1);
    assert!(said.contains("LATCHKEY_TLS_KEY_FILE") && said.contains(&key), "{said}");
    for (first, second) in [(&pair.chain, &other.key), (&pair.key, &pair.key), (&pair.chain, &pair.chain)] {
        fs::write(&chain, first).unwrap();
        fs::write(&key, second).unwrap();
        let said = line(&run(&settings, &[]), 1);
        assert!(said.contains("LATCHKEY_TLS_") && !said.contains("BEGIN"), "{said}");
    }
    let said = line(&run(&settings[..1], &[]), 2);
    assert!(said.contains("need each other"), "{said}");
    let said = line(&run(&[&settings[..], &[SELF_SIGNED]].concat(), &[]), 2);
    assert!(said.contains("LATCHKEY_TLS_SELF_SIGNED"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_it_may_listen_beyond_loopback_and_with_a_self_signed_one_it_may_not() {
    let pair = Pair::new();
    let (process, _folder) = serve(&pair, &[("LATCHKEY_LISTEN", "0.0.0.0:0")]);
    assert!(process.url.starts_with("https://0.0.0.0:"), "{}", process.url);
    let said = line(&run(&[SELF_SIGNED, ("LATCHKEY_LISTEN", "0.0.0.0:0")], &[]), 2);
    assert!(said.contains("LATCHKEY_TLS_SELF_SIGNED") && said.contains("beyond loopback"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_serves_development() {
    let process = Process::start(&[SELF_SIGNED]);
    let address = process.url.strip_prefix("https://").unwrap();
    let output = run(&[SELF_SIGNED, ("LATCHKEY_LISTEN", address)], &["health"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ready\n".as_slice()));
    let said = line(&run(&[("LATCHKEY_LISTEN", address)], &["health"]), 1);
    assert!(said.contains("not ready"), "{said}");
    assert!(Secure::to(&process.url, &Pair::new(), &[], None).await.is_err(), "nobody trusts it");
    let curl = ["-sk", "-D", "-", &format!("{}/health/live", process.url)];
    let curl = std::process::Command::new("curl").args(curl).output().unwrap();
    let answer = String::from_utf8(curl.stdout).unwrap();
    assert!(answer.contains(" 200") && !answer.to_lowercase().contains("strict-transport"), "{answer}");
    process.signal("-TERM");
    let (_, log) = process.end();
    assert!(log.contains("LATCHKEY_TLS_SELF_SIGNED: nobody can trust the certificate"), "{log}");
}
