//! Clients that send slowly, or read slowly, or do nothing: each is cut off in time, whatever drips.

use std::{iter::repeat_n, time::Duration};

use serde_json::Value;
use tokio::{
    io::AsyncReadExt,
    net::TcpSocket,
    time::{sleep, timeout},
};

use crate::support::{LIVE, Process, TestApp, Wire};

/// More than any client can drip in the time of a test.
const ENDLESS: usize = 100_000;

/// Bytes of a request whose headers never end.
fn endless_headers(method: &str) -> impl Iterator<Item = u8> {
    format!("{method} /health/live HTTP/1.1\r\nX: ").into_bytes().into_iter().chain(repeat_n(b'a', ENDLESS))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_drip_are_cut_off_on_a_new_connection_and_on_a_used_one() {
    let app = TestApp::with(&["--header-timeout", "1s"]).await;
    let mut new = Wire::to(&app.url).await;
    assert_eq!(new.drip(endless_headers("GET")).await, "");
    let mut used = Wire::to(&app.url).await;
    used.live().await;
    assert_eq!(used.drip(endless_headers("GET")).await, "");
    let mut silent = Wire::to(&app.url).await;
    assert_eq!(silent.rest().await, b"");
    let mut preface = Wire::to(&app.url).await;
    preface.send("PRI * HTTP/2.0\r\n").await;
    assert_eq!(preface.rest().await, b"");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_is_answered_with_408() {
    let app = TestApp::with(&["--body-timeout", "300ms"]).await;
    let head = "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for (length, chunk) in [("Content-Length: 60000", " "), ("Transfer-Encoding: chunked", "1\r\n \r\n")] {
        let mut wire = Wire::to(&app.url).await;
        wire.send(format!("{head}{length}\r\n\r\n")).await;
        let answer = wire.drip(chunk.bytes().cycle().take(59_000)).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(body["code"], "request_timeout");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_requests_is_closed_and_one_with_requests_is_not() {
    let app = TestApp::with(&["--idle-timeout", "1s", "--header-timeout", "500ms"]).await;
    let mut wire = Wire::to(&app.url).await;
    for _ in 0..15 {
        wire.live().await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(wire.rest().await, b"");
    app.stop().await;
}

/// Asks for many megabytes, reads a byte now and then for so long, and then what is left. Answers how much came.
async fn read_slowly(url: &str, path: &str, times: usize, slowly: Duration) -> usize {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut wire = Wire(socket.connect(url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap());
    wire.send(format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(times)).await;
    let mut read = 0;
    let reading = async {
        loop {
            read += wire.0.read(&mut [0]).await.unwrap();
            sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = timeout(slowly, reading).await;
    wire.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    read + wire.rest().await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_a_byte_now_and_then_is_cut_off() {
    let app = TestApp::with(&["--request-timeout", "2s", "--idle-timeout", "1h"]).await;
    let page = app.get("/docs").send().await.body;
    let path = page.as_str().unwrap().split("src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let size = app.get(&format!("/{path}")).send().await.expect(200).header("content-length").parse::<usize>().unwrap();
    let times = 40_000_000 / size;
    let all = read_slowly(&app.url, &path, times, Duration::ZERO).await;
    assert!(all > times * size, "whoever reads gets everything");
    let some = read_slowly(&app.url, &path, times, Duration::from_secs(5)).await;
    assert!(some < times * size, "{some} of {all} bytes");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_come_together_are_answered_one_after_the_other() {
    let app = TestApp::embedded().await;
    let mut wire = Wire::to(&app.url).await;
    let last = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    wire.send(LIVE.repeat(50) + last).await;
    let answers = wire.rest_as_text().await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 50, "{answers}");
    assert!(answers.rsplit_once("HTTP/1.1 ").unwrap().1.starts_with("404 "), "{answers}");
    app.stop().await;
}

#[test]
fn a_stop_waits_for_a_client_that_drips_only_as_long_as_it_may() {
    let process = Process::start(&[("LATCHKEY_SHUTDOWN_TIMEOUT", "1s")]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut wire = runtime.block_on(Wire::to(&process.url));
    let head = "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{";
    runtime.block_on(wire.send(head));
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
}
