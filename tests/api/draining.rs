//! The time between the signal to stop and the stop: load balancers look elsewhere, and nobody's request fails.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Process};

/// Waits until the service is not ready, and answers the code of that.
pub async fn until_unready(process: &Process) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = reqwest::get(format!("{}/health/ready", process.url)).await.unwrap();
        if answer.status() == 503 {
            assert!(answer.headers().contains_key("retry-after"));
            return answer.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned();
        }
        assert_eq!(answer.status(), 200);
        assert!(Instant::now() < deadline, "the signal was not seen");
    }
}

/// Asks over a connection that is kept, and answers what comes: all until the connection ends, if it does.
fn ask(connection: &mut TcpStream, ends: bool) -> String {
    connection.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    if ends {
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        return answer.to_ascii_lowercase();
    }
    let mut buffer = [0; 4096];
    let mut answer = String::new();
    while !answer.ends_with('}') {
        let read = connection.read(&mut buffer).unwrap();
        assert!(read > 0, "{answer}");
        answer += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    answer.to_ascii_lowercase()
}

#[tokio::test]
async fn a_signal_makes_it_unready_at_once_and_requests_are_served_until_a_second_one() {
    let mut process = Process::start(&[("LATCHKEY_DRAIN_DELAY", "5m")]);
    let address = process.url.strip_prefix("http://").unwrap().to_owned();
    let mut kept = TcpStream::connect(&address).unwrap();
    let before = ask(&mut kept, false);
    assert!(before.starts_with("http/1.1 200") && !before.contains("connection: close"), "{before}");
    let multiplexed = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let live = format!("{}/health/live", process.url);
    assert_eq!(multiplexed.get(&live).send().await.unwrap().status(), 200);

    process.signal("-TERM");
    assert_eq!(until_unready(&process).await, "draining");
    let after = ask(&mut kept, true);
    assert!(after.starts_with("http/1.1 200") && after.contains("connection: close"), "{after}");
    let answer = multiplexed.get(&live).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("connection")), (200, false));
    let ada = json!({"email": "ada@example.com", "password": PASSWORD});
    let registered = reqwest::Client::new().post(format!("{}/v1/users", process.url)).json(&ada).send().await;
    assert_eq!(registered.unwrap().status(), 201);
    assert!(process.child.try_wait().unwrap().is_none(), "5 minutes have not passed");

    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("draining") && log.contains("stopping"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_during_the_delay_while_traffic_runs() {
    const DELAY: Duration = Duration::from_secs(2);
    let process = Process::start(&[("LATCHKEY_DRAIN_DELAY", "2s"), ("LATCHKEY_LOG", "warn,latchkey::commands=info")]);
    let log = process.folder.path().join("log");
    let url = format!("{}/health/live", process.url);
    // They keep connections, as the clients of a load balancer do.
    let traffic = (0..8).map(|_| {
        let (client, url, log) = (reqwest::Client::new(), url.clone(), log.clone());
        tokio::spawn(async move {
            let mut served = Vec::new();
            loop {
                match client.get(&url).send().await {
                    Ok(answer) => assert_eq!(answer.status(), 200),
                    Err(error) => {
                        let log = fs::read_to_string(&log).unwrap();
                        assert!(log.contains("stopping"), "{error:?} after {} answers: {log}", served.len());
                        return served;
                    }
                }
                served.push(Instant::now());
            }
        })
    });
    let traffic = traffic.collect::<Vec<_>>();
    process.signal("-TERM");
    let signalled = Instant::now();
    assert_eq!(until_unready(&process).await, "draining");
    let unready = Instant::now();
    for served in join_all(traffic).await {
        let served = served.unwrap();
        assert!(served.iter().any(|at| *at > unready), "nothing was asked during the delay");
    }
    assert!(signalled.elapsed() >= DELAY, "{:?}", signalled.elapsed());
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn without_a_delay_nothing_waits() {
    let process = Process::start(&[]);
    process.signal("-INT");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("draining") && log.contains("stopping"), "{log}");
}
