//! Many connections at once.

use std::{fs, time::Duration};

use futures_util::{StreamExt, stream};
use latchkey::server::raise_open_files;
use tokio::time::timeout;

use crate::support::{Process, TestApp, Wire};

const CROWD: usize = 10_000;

/// The memory that a process has, in MB.
fn memory(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_leave_room_and_memory_for_others() {
    let files = raise_open_files().unwrap_or(u64::MAX);
    assert!(files > CROWD as u64 + 1000, "this test needs more files than `ulimit -Hn` allows: {files}");
    let process = Process::start(&[("LATCHKEY_IDLE_TIMEOUT", "1h")]);
    let crowd = stream::iter(0..CROWD).map(async |_| {
        let mut wire = Wire::to(&process.url).await;
        wire.live().await;
        wire
    });
    let crowd = crowd.buffer_unordered(50).collect::<Vec<_>>().await;
    let used = memory(&process);
    assert!(used < 300, "{used} MB");
    let client = reqwest::Client::new();
    for _ in 0..20 {
        assert_eq!(client.get(format!("{}/health/ready", process.url)).send().await.unwrap().status(), 200);
    }
    for mut wire in crowd.into_iter().step_by(500) {
        wire.live().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_takes_the_place_of_the_longest_idle_one() {
    let process = Process::start(&[("LATCHKEY_MAX_CONNECTIONS", "3"), ("LATCHKEY_HEADER_TIMEOUT", "1m")]);
    let mut wires = Vec::new();
    for _ in 0..10 {
        let mut wire = Wire::to(&process.url).await;
        wire.live().await;
        wires.push(wire);
        // The time of a connection has the grain of the watch.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for wire in &mut wires[..7] {
        assert_eq!(wire.rest().await, b"");
    }
    for wire in &mut wires[7..] {
        wire.live().await;
    }
    process.signal("-TERM");
    let (_, log) = process.end();
    assert_eq!(log.matches("as many connections as there may be").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_are_busy_one_connection_too_many_waits_its_turn() {
    let app = TestApp::with(&["--max-connections", "2", "--body-timeout", "1s"]).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::to(&app.url).await;
        wire.live().await;
        wire.send("POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
            .await;
        wire.until("100 Continue").await; // so it is under way
        busy.push(wire);
    }
    let mut late = Wire::to(&app.url).await;
    late.live().await;
    for wire in &mut busy {
        assert!(
            wire.rest_as_text().await.starts_with("HTTP/1.1 408 "),
            "a request under way is not given up for another"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_are_no_files_left_idle_connections_make_room() {
    let process = Process::start(&[]);
    let folder = format!("/proc/{}/fd", process.child.id());
    let open = fs::read_dir(folder).unwrap().count();
    process.limit(&format!("--nofile={0}:{0}", open + 2));
    let mut wires = Vec::new();
    for _ in 0..10 {
        let mut wire = Wire::to(&process.url).await;
        timeout(Duration::from_secs(10), wire.live()).await.expect("it is served");
        wires.push(wire);
    }
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!((code, log.matches("no connection can be accepted").count()), (Some(0), 1), "{log}");
}
