//! The embedded store under SIGKILL: whatever was acknowledged before it is there after the restart.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::PASSWORD;

const KILLS: u32 = 50;
const WRITERS: u32 = 8;

/// Starts the service on `data`, at a port that is its own from one start to the next, and waits until it answers.
async fn start(data: &Path, port: u16) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().args(["--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(data);
    command.args([
        "--allow-weak-hashes",
        "true",
        "--argon2-memory-kib",
        "8",
        "--argon2-iterations",
        "1",
        "--hash-queue",
        "1000",
    ]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let client = reqwest::Client::new();
    while client.get(format!("http://127.0.0.1:{port}/health/live")).send().await.is_err() {
        assert!(Instant::now() < deadline, "it does not start");
        tokio::time::sleep(Duration::from_millis(2)).await; // the pace of the asking
    }
    child
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_of_50_kills_none_loses_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let (mut acknowledged, mut kills) = (BTreeSet::new(), 0);
    while kills < KILLS {
        let mut service = start(folder.path(), port).await;
        // A few of those from before, so that each restart is checked; all of them at the end.
        check(&url, acknowledged.iter().rev().take(3)).await;
        let writers =
            join_all((0..WRITERS).map(|writer| write_until_cut_off(url.clone(), format!("r{kills}w{writer}"))));
        let writers = tokio::spawn(writers);
        tokio::time::sleep(Duration::from_millis(u64::from(20 + kills * 3))).await; // the moment of the kill
        service.kill().unwrap();
        service.wait().unwrap();
        kills += 1;
        acknowledged.extend(writers.await.unwrap().into_iter().flatten());
    }
    let mut service = start(folder.path(), port).await;
    check(&url, acknowledged.iter()).await;
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(acknowledged.len() > 200, "only {} writes, so this proved little", acknowledged.len());
    println!("{kills} kills, {} acknowledged registrations, none lost", acknowledged.len());
}

/// Registers one person after the other until the service is gone, and answers who was acknowledged.
async fn write_until_cut_off(url: String, prefix: String) -> Vec<String> {
    let client = reqwest::Client::new();
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let who = format!("{prefix}n{n}");
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD, "username": who});
        match client.post(format!("{url}/v1/users")).json(&body).send().await {
            Ok(answer) if answer.status() == 201 => acknowledged.push(who),
            Ok(answer) => panic!("{who}: {}", answer.text().await.unwrap_or_default()),
            Err(_) => break,
        }
    }
    acknowledged
}

/// Signs everybody in by address and by username.
async fn check(url: &str, people: impl Iterator<Item = &String>) {
    let client = reqwest::Client::new();
    for who in people {
        for login in [format!("{who}@example.com"), who.clone()] {
            let body = json!({"login": login, "password": PASSWORD});
            let answer = client.post(format!("{url}/v1/sessions")).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 201, "{who} was acknowledged and is lost");
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["user"]["username"], who.as_str());
            let token = answer["access_token"].as_str().unwrap();
            let events =
                client.get(format!("{url}/v1/users/me/events?limit=100")).bearer_auth(token).send().await.unwrap();
            let events: Value = events.json().await.unwrap();
            let made = events["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "registered");
            assert_eq!(made.count(), 1, "{who} has an account, and an event that says so");
        }
    }
}
