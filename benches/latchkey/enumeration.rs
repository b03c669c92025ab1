//! Does the time of an answer tell who has an account? Welch's t of two kinds of request that are answered alike, sent in
//! turns: beyond 4.5 they are told apart (the threshold of TVLA, and of dudect).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::Client,
    folder::temporary_folder,
    redis::OnDisk,
    samples::{Samples, difference},
    service::{BINARY, Place, Service},
    table::{Row, Table},
};

/// How many requests of each kind.
const SAMPLES: usize = 1_000;

/// What shows a difference.
const THRESHOLD: f64 = 4.5;

/// Throttles that never refuse, but count.
pub(crate) const WIDE: [&str; 2] = ["--password-attempts", "1000000/1m"];

/// One request, and the status of its answer.
struct Request {
    path: &'static str,
    body: Value,
    status: u16,
}

/// Measures it on services of its own.
pub(crate) async fn measure(table: &mut Table) {
    let (redis, folder) = (OnDisk::start(), temporary_folder());
    for (name, place) in [("Redis", Place::Redis(&redis.server)), ("embedded", Place::Embedded(folder.path()))] {
        let service = Service::start_with(place, &WIDE);
        let client = Client::new(service.url());
        client.register("known", None).await;
        client.register("suspended", None).await;
        compare(table, name, &client, "sign-in, wrong password: known and unknown", |_| {
            [sign_in("known", "a wrong one"), sign_in("unknown", "a wrong one")]
        })
        .await;
        if let Place::Redis(server) = place {
            suspend(&server.url());
            compare(table, name, &client, "sign-in: wrong password, and suspended with the right one", |_| {
                [sign_in("known", "a wrong one"), sign_in("suspended", "correct horse battery staple")]
            })
            .await;
        }
        drop(service);
        let service = Service::start_with(place, &[WIDE.as_slice(), &["--conceal-accounts"]].concat());
        let client = Client::new(service.url());
        compare(table, name, &client, "registration, concealed: known and new", |number| {
            [register("known", number), register(&format!("new{number}"), number)]
        })
        .await;
    }
}

fn sign_in(who: &str, password: &str) -> Request {
    let body = json!({"login": format!("{who}@example.com"), "password": password});
    Request { path: "/v1/sessions", body, status: 401 }
}

/// The name makes both requests as long.
fn register(who: &str, number: usize) -> Request {
    let email = format!("{who}@example.com");
    let name = "x".repeat(40 - email.len());
    let body = json!({"email": email, "name": name, "password": format!("correct horse {number:06}")});
    Request { path: "/v1/users", body, status: 202 }
}

fn suspend(url: &str) {
    let mut command = std::process::Command::new(BINARY);
    let command = command.env_clear().args(["--redis-url", url, "users", "suspend", "suspended@example.com"]);
    assert!(command.output().unwrap().status.success());
}

async fn compare(table: &mut Table, on: &str, client: &Client, what: &str, pair: impl Fn(usize) -> [Request; 2]) {
    let mut samples = [Samples::default(), Samples::default()];
    for number in 0..SAMPLES {
        let mut requests = pair(number).map(Some);
        // Each kind goes first as often as the other.
        for kind in if number % 2 == 0 { [0, 1] } else { [1, 0] } {
            let Request { path, body, status } = requests[kind].take().unwrap();
            samples[kind].push(client.send(Method::POST, path, "", Some(body), status).await.took);
        }
    }
    let [a, b] = &samples;
    // Without the slowest tenth, which other work of the machine makes, smaller differences show.
    let slow = a.quantile(0.9).max(b.quantile(0.9));
    let (whole, cropped) = (welch(a, b, Duration::MAX), welch(a, b, slow));
    let t = if whole.abs() > cropped.abs() { whole } else { cropped };
    let also = format!(
        "t {whole:.2}, {cropped:.2} without the slowest; medians differ by {:.3} ms",
        difference(a.median(), b.median())
    );
    table.add(Row::of(what, on, a).also(also).limit(&format!("|t| {THRESHOLD}"), t.abs() < THRESHOLD));
}

/// Welch's t of the samples that are no longer than `most`.
fn welch(a: &Samples, b: &Samples, most: Duration) -> f64 {
    let [(mean_a, error_a), (mean_b, error_b)] = [a, b].map(|samples| {
        let times = samples.clone().into_iter().filter(|sample| *sample <= most).map(|sample| sample.as_secs_f64());
        let times = times.collect::<Vec<_>>();
        let count = f64::from(u32::try_from(times.len()).unwrap());
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}
