//! Letters wait in the outbox and are sent, each once: by several instances, and whatever trouble the mail server is in.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use latchkey::accounts::Clock;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    claims::NOBODY,
    redis_server::{RedisServer, command},
    support::{
        ABANDONED, NEXT_TRY, Pair, TestApp, sent_by,
        smtp_server::{Mode, Received, SmtpServer, Way},
    },
};

fn ids(letters: &[Received]) -> BTreeSet<String> {
    letters.iter().map(|letter| letter.headers["Message-ID"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_of_several_instances_one_sends_a_letter_however_slow_the_server_is() {
    let server = SmtpServer::start(Mode::Busy).await;
    let url = server.url();
    let app = TestApp::redis_with(&sent_by(&url)).await;
    let others = [TestApp::beside(&app, &sent_by(&url)).await, TestApp::beside(&app, &sent_by(&url)).await];
    let people = (0..40).map(|n| format!("p{n}")).collect::<Vec<_>>();
    join_all(people.iter().map(async |who| app.register(who).await.expect(201))).await;
    let instances = [&app, &others[0], &others[1]].into_iter().cycle();
    let asked = people.iter().zip(instances);
    join_all(asked.map(async |(who, instance)| instance.forget_password(&format!("{who}@example.com")).await)).await;
    assert!(app.failed(40, 1).await.contains("421"));

    // All of them are due for all of the instances at once.
    server.set(Mode::Slow(Duration::from_millis(100))).await;
    app.clock.advance(NEXT_TRY);
    app.entries_when(<[_]>::is_empty).await;
    let letters = server.letters().await;
    let to = letters.iter().map(|letter| letter.to[0].clone()).collect::<BTreeSet<_>>();
    assert_eq!((letters.len(), ids(&letters).len(), to.len()), (40, 40, 40));
    for instance in others {
        instance.stop().await;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_server_that_hangs_keeps_no_request_waiting_nor_the_end_of_the_service() {
    let server = SmtpServer::start(Mode::HangOnConnect).await;
    let url = server.url();
    let slow = ["--smtp-url", &url, "--mail-from", "a@example.com", "--smtp-timeout", "10m"];
    let app = TestApp::redis_with(&[slow.as_slice(), &["--shutdown-timeout", "1s"]].concat()).await;
    // More than are sent at once.
    for n in 0..20 {
        app.register(&format!("p{n}")).await.expect(201);
        app.forget_password(&format!("p{n}@example.com")).await;
    }
    assert_eq!(app.entries().await.len(), 20);
    assert_eq!(server.letters().await.len(), 0);
    let stopped = Instant::now();
    app.stop().await;
    assert!(stopped.elapsed() < Duration::from_secs(60), "{:?}", stopped.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_many_letters_that_the_server_hangs_over_keep_no_new_one_waiting() {
    let server = SmtpServer::start(Mode::Busy).await;
    let url = server.url();
    let slow = ["--smtp-url", &url, "--mail-from", "a@example.com", "--smtp-timeout", "10m"];
    let app = TestApp::redis_with(&[slow.as_slice(), &["--shutdown-timeout", "1s"]].concat()).await;
    for n in 0..20 {
        app.register(&format!("slow{n}")).await.expect(201);
        app.forget_password(&format!("slow{n}@example.com")).await;
    }
    app.failed(20, 1).await;
    server.set(Mode::HangOver("slow")).await;
    app.clock.advance(NEXT_TRY);
    server.busy_with(6).await;
    app.register("ada").await.expect(201);
    app.forget_password("ada@example.com").await;
    assert_eq!(server.next_letter().await.to, ["ada@example.com"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_letter_outlives_every_trouble_of_the_server_and_arrives_once_and_whole() {
    let server = SmtpServer::start(Mode::Well).await;
    let url = server.url();
    let app = TestApp::redis_with(&sent_by(&url)).await;
    app.person("ada").await;
    let troubles =
        [(Mode::Greylist(1), "451"), (Mode::Hang, "longer"), (Mode::Die, "127.0.0.1"), (Mode::HangOnConnect, "longer")];
    for (attempts, (mode, words)) in (1..).zip(troubles) {
        server.hang_up().await;
        server.set(mode).await;
        if attempts == 1 {
            app.forget_password("ada@example.com").await;
        } else {
            app.clock.advance(NEXT_TRY);
        }
        let why = app.failed(1, attempts).await;
        assert!(why.contains(words) && !why.contains("ada"), "{mode:?}: {why}");
    }
    assert_eq!(server.letters().await.len(), 0);

    server.set(Mode::Well).await;
    app.clock.advance(NEXT_TRY);
    app.entries_when(<[_]>::is_empty).await;
    let [letter] = server.letters().await.try_into().unwrap();
    let reset = json!({"token": letter.token(), "password": "a quite different staple battery"});
    app.post("/v1/password-resets/confirm").json(&reset).send().await.expect(204);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_server_that_is_somebody_else_gets_no_letter() {
    let server = SmtpServer::secured(Way::StartTls, Mode::Well).await;
    let (url, ours) = (server.url(), server.ca_file());
    let folder = tempfile::tempdir().unwrap();
    Pair::new().write(folder.path());
    let theirs = folder.path().join("chain.pem");
    let trusting = |ca: &std::path::Path| ["--smtp-ca-file".to_owned(), ca.to_str().unwrap().to_owned()];
    let (wrong, right) = (trusting(&theirs), trusting(&ours));
    let app = TestApp::redis_with(&[sent_by(&url).as_slice(), &[&wrong[0], &wrong[1]]].concat()).await;
    app.register("ada").await.expect(201);
    app.forget_password("ada@example.com").await;
    let why = app.failed(1, 1).await;
    assert!(why.contains("TLS") && server.letters().await.is_empty(), "{why}");

    let mended = TestApp::beside(&app, &[sent_by(&url).as_slice(), &[&right[0], &right[1]]].concat()).await;
    loop {
        // Who does not trust the server may be the first to try.
        app.clock.advance(NEXT_TRY);
        let tried = app.entries_when(|entries| entries.iter().all(|entry| entry["attempts"] != "1")).await;
        if tried.is_empty() {
            break;
        }
        assert_eq!(tried.len(), 1);
    }
    assert_eq!(server.letters().await.len(), 1);
    mended.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_letters_outlive_a_redis_that_dies_and_comes_back() {
    let server = SmtpServer::start(Mode::Busy).await;
    let url = server.url();
    let mut redis = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut app = TestApp::on_with(&redis.url(), &sent_by(&url)).await;
    let people = ["ada", "bob", "eve"];
    for who in people {
        app.register(who).await.expect(201);
        app.forget_password(&format!("{who}@example.com")).await;
    }
    app.redis = Some(redis);
    app.failed(3, 1).await;
    // The server takes one, and Redis is not there to be told.
    server.set(Mode::Slow(Duration::from_secs(1))).await;
    app.clock.advance(NEXT_TRY);
    server.busy_with(1).await;
    redis = app.redis.take().unwrap();
    redis.kill();
    server.next_letter().await;
    redis.restart();
    server.set(Mode::Well).await;
    app.redis = Some(redis);
    // What was sent meanwhile is noted now, and the rest is sent when nobody has it any more.
    let begun = Instant::now();
    while app.entries().await.len() + server.letters().await.len() != 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "what was sent is not noted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.clock.advance(ABANDONED);
    app.entries_when(<[_]>::is_empty).await;
    let letters = server.letters().await;
    assert_eq!((letters.len(), ids(&letters).len()), (3, 3));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_is_no_entry_keeps_nothing_else_from_being_sent() {
    let app = TestApp::redis().await;
    let client = app.redis.as_ref().unwrap().client().await;
    let send = async |line: String| command::<()>(&client, &line).await;
    let [first, ..] = *Sha256::digest("ada@example.com").as_slice() else { panic!() };
    let (bucket, next) = (first % 64, (first + 1) % 64);
    let (junk, wrong) =
        ((0..300).map(|n| format!("{n} {n}")).collect::<Vec<_>>().join(" "), "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10");
    send(format!("ZADD latchkey:{{b{bucket}}}:index:outbox {junk} 0 {wrong} 0 {NOBODY}")).await;
    send(format!("HSET latchkey:{{b{bucket}}}:mail:{wrong} rev AAAAAAAAAAAAAAAAAAAAAA kind nonsense")).await;
    send(format!("SET latchkey:{{b{next}}}:index:outbox text")).await;
    app.person("ada").await;
    app.forget_password("ada@example.com").await;
    app.letter("ada@example.com").await;
    let index = format!("latchkey:{{b{bucket}}}:index:outbox");
    assert_eq!(command::<i64>(&client, &format!("ZCOUNT {index} -inf {}", app.clock.now().as_millis())).await, 0);
    // The letter is there before it is noted that it was sent.
    let begun = Instant::now();
    while command::<i64>(&client, &format!("ZCARD {index}")).await != 301 {
        assert!(begun.elapsed() < Duration::from_secs(10), "what leads nowhere is not gone");
        tokio::time::sleep(Duration::from_millis(20)).await; // the pace of asking
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_store_that_is_full_by_the_end_loses_no_letter_and_has_none_sent_twice() {
    let server = SmtpServer::start(Mode::Slow(Duration::from_secs(1))).await;
    let app = TestApp::redis_with(&sent_by(&server.url())).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let limit = async |bytes: u32| command::<()>(&client, &format!("CONFIG SET maxmemory {bytes}")).await;
    for who in ["ada", "eve"] {
        app.register(who).await.expect(201);
    }
    app.forget_password("ada@example.com").await;
    server.busy_with(1).await;
    limit(1).await;
    server.next_letter().await;
    app.entries_when(<[_]>::is_empty).await;
    limit(0).await;

    app.forget_password("eve@example.com").await;
    server.busy_with(2).await;
    limit(1).await;
    server.hang_up().await;
    tokio::time::sleep(Duration::from_millis(500)).await; // the fault
    assert_eq!(app.entries().await.len(), 1);
    limit(0).await;
    server.set(Mode::Well).await;
    app.clock.advance(ABANDONED);
    server.next_letter().await;
    app.entries_when(<[_]>::is_empty).await;
    let letters = server.letters().await;
    assert_eq!(
        letters.iter().map(|letter| letter.to[0].as_str()).collect::<Vec<_>>(),
        ["ada@example.com", "eve@example.com"]
    );
    app.stop().await;
}
