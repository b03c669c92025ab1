//! A Redis that is slow, or gone: everybody is answered in time, and the memory of the service stays flat.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    proxy::{Fault, Proxy},
    redis_server::{RedisServer, command},
    support::{PASSWORD, Process, TestApp},
};

/// How long a client may wait for the answer that nobody knows: 1.8 s for the store, and a noisy machine. Two waits of that
/// kind, one after the other, would take longer.
const PATIENCE: Duration = Duration::from_millis(3_300);

/// All transactions of one registration are late, and together they would take too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_slow_at_every_step_keeps_no_registration_waiting() {
    let server = RedisServer::start();
    let late = Duration::from_millis(700);
    for fault in [Fault::DelayRequest(late), Fault::DelayReply(late)] {
        let proxy = Proxy::start(&server.url(), fault, |exec| exec > 1, || {}).await; // the first writes the layout
        let app = TestApp::on(&proxy.url).await;
        let body = json!({"email": "ada@example.com", "username": "ada", "password": PASSWORD});
        let sent = Instant::now();
        let request = app.post("/v1/users").header("Idempotency-Key", "1").json(&body);
        request.send().await.refused(503, "store_unavailable").header("retry-after");
        assert!(sent.elapsed() < PATIENCE, "{:?}", sent.elapsed());
        assert!(proxy.faults() > 1, "only {} were late", proxy.faults());
        app.stop().await;
        drop(proxy);
        let direct = TestApp::on(&server.url()).await;
        let request = direct.post("/v1/users").header("Idempotency-Key", "1").json(&body);
        let user = request.send().await.expect(201).body; // it is made, once, by whoever comes to its end
        let token = direct.token("ada").await;
        assert_eq!(direct.me(&token).await.body["id"], user["id"]);
        direct.delete("/v1/users/me").bearer(&token).send().await.expect(204);
        direct.stop().await;
        let client = server.client().await;
        let _: () = command(&client, "FLUSHALL").await;
    }
}

/// Requests in rounds, at the same time as many more than there are connections, meet a Redis that hangs. When what was
/// asked piled up on the connections that hang, 400 requests took 2 MB, and so did the next 400.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_hangs_costs_no_memory_and_is_used_again() {
    let server = RedisServer::start();
    let cheap = [("LATCHKEY_ALLOW_WEAK_HASHES", "true"), ("LATCHKEY_ARGON2_MEMORY_KIB", "8")];
    let process = Process::start(&[cheap.as_slice(), &[("LATCHKEY_REDIS_URL", &server.url())]].concat());
    let client = reqwest::Client::new();
    let url = format!("{}/v1/users/me", process.url);
    let ada = json!({"email": "ada@example.com", "password": PASSWORD});
    assert_eq!(client.post(format!("{}/v1/users", process.url)).json(&ada).send().await.unwrap().status(), 201);
    let ada = json!({"login": "ada@example.com", "password": PASSWORD});
    let tokens = client.post(format!("{}/v1/sessions", process.url)).json(&ada).send().await.unwrap();
    let token = tokens.json::<serde_json::Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    let ask = async || {
        let sent = Instant::now();
        let answer = client.get(&url).bearer_auth(&token).send().await.unwrap();
        (answer.status().as_u16(), sent.elapsed())
    };
    assert_eq!(ask().await.0, 200);
    server.freeze();
    let mut after = Vec::new();
    for _ in 0..6 {
        for (status, took) in join_all((0..400).map(|_| ask())).await {
            assert_eq!(status, 503);
            // So many at once share the cores with their own clients: this tells only a wait that does not end.
            assert!(took < 3 * PATIENCE, "{took:?}");
        }
        after.push(resident(&process));
    }
    // The first round takes what so many waiting requests need; the others need no more, but for what the allocator
    // does not give back. A leak as above would be 10 MB.
    let grown = after[5].saturating_sub(after[0]);
    assert!(grown < 5_000, "{grown} KiB more than after the first round: {after:?}");
    server.thaw();
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask().await.0 != 200 {
        assert!(Instant::now() < deadline, "it is not used again");
    }
}

/// Who looks for keys in a store that hangs does not queue behind the others who do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_hangs_keeps_nobody_waiting_for_the_keys() {
    let server = RedisServer::start();
    let process = Process::start(&[("LATCHKEY_REDIS_URL", &server.url())]);
    let client = reqwest::Client::new();
    let keys = format!("{}/.well-known/jwks.json", process.url);
    let me = format!("{}/v1/users/me", process.url);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"another","typ":"at+jwt"}"#);
    let ask = async |url: &str| {
        let answer = client.get(url).bearer_auth(format!("{header}.e30.AA")).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    let published = ask(&keys).await;
    assert_eq!((published.0, published.1["keys"].as_array().unwrap().len()), (200, 1));
    server.freeze();
    let frozen = Instant::now();
    while ask(&me).await.0 != 503 {
        assert!(frozen.elapsed() < 3 * PATIENCE, "who issued such a token is known without the store");
    }
    // Each round meets an attempt under way, or one that has just ended. One after the other they would take 1.8 s each.
    while frozen.elapsed() < 3 * PATIENCE {
        let sent = Instant::now();
        let (unknown, read) = tokio::join!(join_all((0..20).map(|_| ask(&me))), join_all((0..20).map(|_| ask(&keys))));
        assert!(sent.elapsed() < 4 * PATIENCE, "{:?}", sent.elapsed());
        assert!(unknown.iter().all(|(status, _)| *status == 503), "{unknown:?}");
        assert!(read.iter().all(|answer| *answer == published), "{read:?}");
    }
    server.thaw();
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask(&me).await.0 != 401 {
        assert!(Instant::now() < deadline, "nobody looks again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_where_letters_cannot_be_looked_for_is_told_of_once_and_when_they_can() {
    let server = RedisServer::start();
    let client = server.client().await;
    let process = Process::start(&[("LATCHKEY_REDIS_URL", &server.url())]);
    let told = ["the outbox could not be read", "the outbox can be read again"];
    let told = || {
        let log = std::fs::read_to_string(process.folder.path().join("log")).unwrap();
        told.map(|what| log.matches(what).count())
    };
    let wait_for = async |expected: [usize; 2]| {
        let begun = Instant::now();
        while told() != expected {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?} is not {expected:?}", told());
            tokio::time::sleep(Duration::from_millis(100)).await; // the pace of the looking
        }
    };
    let _: () = command(&client, "SET latchkey:{b0}:index:outbox damaged").await;
    wait_for([1, 0]).await;
    tokio::time::sleep(Duration::from_secs(5)).await; // the fault, for two looks more
    let _: i64 = command(&client, "DEL latchkey:{b0}:index:outbox").await;
    wait_for([1, 1]).await;
}

/// The memory of the process that is resident, in KiB.
fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// The answer to a refresh is lost, and Redis is away for longer than a token that was used can be used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_outage_signs_nobody_out_who_refreshes() {
    let server = Arc::new(RedisServer::start());
    let (armed, frozen) = (Arc::new(AtomicBool::new(false)), Arc::clone(&server));
    let when = Arc::clone(&armed);
    let freeze = move || frozen.freeze();
    let proxy =
        Proxy::start(&server.url(), Fault::LoseReply, move |_| when.swap(false, Ordering::SeqCst), freeze).await;
    let app = TestApp::on(&proxy.url).await;
    let ada = app.person("ada").await;
    armed.store(true, Ordering::SeqCst);
    for pause in [5, 15, 30] {
        app.refresh(&ada.refresh_token).await.refused(503, "store_unavailable");
        app.clock.advance(Duration::from_secs(pause)); // the client waits longer each time
    }
    assert_eq!(proxy.faults(), 1);
    server.thaw();
    let deadline = Instant::now() + Duration::from_secs(10);
    let answer = loop {
        let answer = app.refresh(&ada.refresh_token).await;
        if answer.status != 503 {
            break answer.expect(200);
        }
        assert!(Instant::now() < deadline, "it is not used again");
    };
    app.me(answer.body["access_token"].as_str().unwrap()).await.expect(200);
    // It was used before the outage, and some time after that it is somebody else's.
    app.clock.advance(Duration::from_secs(121));
    app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_reused");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_when_the_store_is_gone_every_request_says_so_in_time() {
    let mut app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.redis.as_mut().unwrap().kill();
    let name = json!({"name": "x"});
    let requests = [
        app.get("/v1/users/me").bearer(&ada.token),
        app.patch("/v1/users/me").bearer(&ada.token).json(&name),
        app.get("/v1/sessions").bearer(&ada.token),
        app.delete("/v1/sessions/current").bearer(&ada.token),
        app.delete("/v1/users/me").bearer(&ada.token),
    ];
    for request in requests {
        let started = Instant::now();
        request.send().await.refused(503, "store_unavailable");
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
    let (registered, signed_in) = tokio::join!(app.register("bob"), app.sign_in(&ada.email, PASSWORD));
    registered.refused(503, "store_unavailable");
    signed_in.refused(503, "store_unavailable");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_has_lost_its_records_is_told_from_one_that_is_away() {
    let server = RedisServer::start();
    let app = TestApp::on(&server.url()).await;
    let accounts = app.accounts().await;
    assert!(!accounts.has_lost_its_store().await.unwrap());
    let _: () = command(&server.client().await, "FLUSHALL").await;
    assert!(accounts.has_lost_its_store().await.unwrap());
    drop(server);
    assert!(accounts.has_lost_its_store().await.is_err());
    app.stop().await;
}
