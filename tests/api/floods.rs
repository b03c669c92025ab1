//! Clients that send too much: headers, bodies, streams of HTTP/2.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};

use crate::support::{TestApp, Wire};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_too_many_or_too_large_are_refused_and_closed() {
    let app = TestApp::embedded().await;
    let many = |count: usize| "X: a\r\n".repeat(count);
    let large = |size: usize| format!("X: {}\r\n", "a".repeat(size));
    for (path, fields, status) in [
        ("/health/live".to_owned(), many(90), "200"),
        ("/health/live".to_owned(), many(101), "431"),
        ("/health/live".to_owned(), large(15_000), "200"),
        ("/health/live".to_owned(), large(17_000), "431"),
        (format!("/{}", "a".repeat(17_000)), String::new(), "431"),
    ] {
        let mut wire = Wire::to(&app.url).await;
        let fields = format!("Host: localhost\r\nConnection: close\r\n{fields}");
        wire.send(format!("GET {path} HTTP/1.1\r\n{fields}\r\n")).await;
        let answer = wire.rest_as_text().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_too_large_a_body_before_they_read_still_learns_of_it() {
    let app = TestApp::with(&["--max-body-kib", "1"]).await;
    let head = "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let size = 10_000_000;
    let announced = format!("{head}Content-Length: {size}\r\n\r\n{}", " ".repeat(size));
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(size / 4096));
    for request in [announced, chunked] {
        let mut wire = Wire::to(&app.url).await;
        wire.send(request).await;
        let answer = wire.rest_as_text().await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"body_too_large\""), "{answer}");
    }
    for (size, status) in [(1024, 400), (1025, 413)] {
        let request = app.post("/v1/users").header("content-type", "application/json");
        request.body(vec![b' '; size]).send().await.expect(status);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_wait_for_room_and_small_ones_do_not() {
    let app = TestApp::with(&["--max-body-kib", "1024", "--body-timeout", "1m"]).await;
    let head = "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n ";
    // 128 MiB are shared, and each of these might become 1 MiB.
    let mut wires = Vec::new();
    for _ in 0..128 {
        let mut wire = Wire::to(&app.url).await;
        wire.send(head).await;
        wires.push(wire);
    }
    let post = |size| app.post("/v1/users").header("content-type", "application/json").body(vec![b' '; size]).send();
    let mut large = Box::pin(post(5000));
    let mut tries = 0;
    // Until all of them have come to their room.
    while timeout(Duration::from_millis(300), &mut large).await.is_ok() {
        tries += 1;
        assert!(tries < 50, "there is room for one more");
        large = Box::pin(post(5000));
    }
    post(4096).await.refused(400, "malformed_json");
    drop(wires);
    large.await.refused(400, "malformed_json");
    app.stop().await;
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The settings that a server begins with, by their numbers.
async fn settings(wire: &mut Wire) -> Vec<(u16, u32)> {
    let mut head = [0; 9];
    wire.0.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame has the settings");
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    wire.0.read_exact(&mut payload).await.unwrap();
    let pair =
        |six: &[u8]| (u16::from_be_bytes([six[0], six[1]]), u32::from_be_bytes([six[2], six[3], six[4], six[5]]));
    payload.chunks(6).map(pair).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_has_as_many_streams_and_headers_as_it_says() {
    let app = TestApp::embedded().await;
    let mut wire = Wire::to(&app.url).await;
    wire.send([PREFACE, &frame(4, 0, 0, &[])].concat()).await;
    let settings = settings(&mut wire).await;
    for known in [(3, 100), (4, 65_536), (6, 16_384)] {
        assert!(settings.contains(&known), "streams, window and header list: {settings:?}");
    }

    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("{}/health/live", app.url);
    let answers = join_all((0..300).map(|_| client.get(&url).send())).await;
    assert!(answers.into_iter().all(|answer| {
        let answer = answer.unwrap();
        answer.status() == 200 && answer.version() == reqwest::Version::HTTP_2
    }));
    let large = client.get(&url).header("x", "a".repeat(20_000)).send().await;
    assert!(large.map_or(true, |answer| answer.status() == 431));
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_do_not_keep_a_connection_of_http_2() {
    let app = TestApp::with(&["--idle-timeout", "400ms", "--header-timeout", "300ms"]).await;
    for with_request in [false, true] {
        let mut wire = Wire::to(&app.url).await;
        wire.send([PREFACE, &frame(4, 0, 0, &[])].concat()).await;
        if with_request {
            // GET / over http, by the static table and nothing else (RFC 7541, A).
            wire.send(frame(1, 5, 1, &[0x82, 0x84, 0x86])).await;
        }
        let ping = frame(6, 0, 0, &[0; 8]);
        let _ = wire.drip((0..5_000).flat_map(|_| ping.clone())).await;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let app = TestApp::embedded().await;
    let mut wire = Wire::to(&app.url).await;
    wire.send([PREFACE, &frame(4, 0, 0, &[])].concat()).await;
    let mut stream = 1;
    let flood = async {
        loop {
            let pair = |n: u32| [frame(1, 5, n, &[0x82, 0x84, 0x86]), frame(3, 0, n, &[0, 0, 0, 8])].concat();
            let burst = (0..200).flat_map(|n| pair(stream + 2 * n)).collect::<Vec<_>>();
            stream += 400;
            if tokio::io::AsyncWriteExt::write_all(&mut wire.0, &burst).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), flood).await.expect("it goes on");
    app.get("/health/live").send().await.expect(200);
    app.stop().await;
}
