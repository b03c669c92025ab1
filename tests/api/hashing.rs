//! How passwords are hashed: what an operator is told and refused, and a queue that is full.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::support::{PASSWORD, Process, TestApp, line, run};

#[test]
fn a_hash_below_the_minimum_of_owasp_is_refused_unless_it_is_allowed() {
    let weak = [("LATCHKEY_ARGON2_MEMORY_KIB", "19455")];
    let said = line(&run(&weak, &[]), 2);
    assert!(said.contains("LATCHKEY_ARGON2_MEMORY_KIB") && said.contains("m=19455, t=2, p=1"), "{said}");
    assert!(said.contains("OWASP's minimum") && said.contains("19456 and 2") && said.contains("7168 and 5"), "{said}");

    let allowed = Process::start(&[weak.as_slice(), &[("LATCHKEY_ALLOW_WEAK_HASHES", "true")]].concat());
    allowed.signal("-TERM");
    let (code, log) = allowed.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("LATCHKEY_ALLOW_WEAK_HASHES is set"), "{log}");
}

#[test]
fn the_start_tells_what_hashes_and_how_much_memory_that_takes() {
    let strong = Process::start(&[
        ("LATCHKEY_HASH_THREADS", "3"),
        ("LATCHKEY_ARGON2_MEMORY_KIB", "12288"),
        ("LATCHKEY_ARGON2_ITERATIONS", "3"),
    ]);
    strong.signal("-TERM");
    let (_, log) = strong.end();
    let told = log.lines().find(|line| line.contains("passwords are hashed")).expect(&log);
    for part in ["argon2", "m=12288, t=3, p=1", "3 threads", "36 MiB in all", "2 s of work may wait, 162 at first"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!log.contains("WEAK"), "{log}");
}

#[test]
fn a_hash_that_would_take_minutes_is_refused() {
    let endless = [("LATCHKEY_ARGON2_MEMORY_KIB", "2097152"), ("LATCHKEY_ARGON2_ITERATIONS", "9")];
    let said = line(&run(&endless, &[]), 2);
    assert!(said.contains("LATCHKEY_ARGON2_ITERATIONS") && said.contains("16777216 at the most"), "{said}");
}

/// More people come than one slow thread with a short queue can take, and whoever is refused is told when to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_again_when_they_are_told_is_served() {
    let slow = ["--hash-threads", "1", "--hash-queue", "4", "--argon2-memory-kib", "262144"];
    let app = TestApp::with(&[slow.as_slice(), &["--password-attempts", "none"]].concat()).await;
    let answers = join_all((0..12).map(|_| app.sign_in("nobody", PASSWORD))).await;
    let refused = answers.iter().filter(|answer| answer.status == 503).collect::<Vec<_>>();
    assert!((6..=7).contains(&refused.len()), "one at work and four wait: {}", refused.len());
    for answer in refused {
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=20).contains(&seconds), "five hashes of 256 MiB: {seconds} s");
    }
    app.sign_in("nobody", PASSWORD).await.refused(401, "invalid_credentials");
    app.stop().await;
}

#[test]
fn hash_cost_proposes_settings_that_the_service_takes() {
    let measured = run(&[("LATCHKEY_HASH_THREADS", "1")], &["hash-cost", "--target", "100ms"]);
    let said = String::from_utf8(measured.stdout).unwrap();
    assert!(measured.status.success() && said.contains("7168 KiB"), "{said}");
    let settings =
        said.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| name.starts_with("LATCHKEY_"));
    let settings = settings.collect::<Vec<_>>();
    assert_eq!(settings.len(), 3, "{said}");
    assert!(run(&settings, &["openapi"]).status.success(), "{said}");
}

#[test]
fn hash_cost_says_when_a_time_cannot_be_reached() {
    let measured = run(&[("LATCHKEY_HASH_THREADS", "1")], &["hash-cost", "--target", "0s"]);
    let said = String::from_utf8(measured.stdout).unwrap();
    assert!(said.contains("0ns cannot be reached: OWASP's minimum takes"), "{said}");
    assert!(said.contains("LATCHKEY_ARGON2_MEMORY_KIB="), "{said}");
}

/// The store has 1.8 s for a request, all steps together. A wait for a hash is not among them, or the hash would be wasted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_hash_leaves_the_store_its_time() {
    let slow = ["--hash-threads", "1", "--argon2-memory-kib", "262144", "--argon2-iterations", "8"];
    let app = TestApp::with(&slow).await;
    let begun = Instant::now();
    for answer in join_all(["ada", "bob", "carl", "dora"].map(|who| app.register(who))).await {
        answer.expect(201);
    }
    assert!(begun.elapsed() > Duration::from_millis(1800), "8 GiB of hashes were too fast for this to show anything");
    app.stop().await;
}
