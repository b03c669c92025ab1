//! Does the time of an answer tell who has an account? Welch's t of two kinds of request that are answered alike, sent in
//! turns: beyond 4.5 they are told apart (the threshold of TVLA, and of dudect).

use std::{fs, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::Client,
    folder::temporary_folder,
    redis::OnDisk,
    samples::{Samples, difference},
    service::{BINARY, Place, Service, WIDE},
    table::{Row, Table},
};

/// How many requests of each kind.
const SAMPLES: usize = 1_000;

/// How often a code is compared.
const TRIES: usize = 5;

/// What shows a difference.
const THRESHOLD: f64 = 4.5;

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
        compare(table, name, &client, "a code: known without one, and unknown", |_| {
            [show_code("known"), show_code("unknown")]
        })
        .await;
        compare_codes(table, name, &service).await;
        compare(table, name, &client, "a letter to reset a password: known and unknown", |_| {
            [request_reset("known"), request_reset("unknown")]
        })
        .await;
        drop(service);
        for (setting, what) in [
            ("--conceal-accounts", "registration, concealed: known and new"),
            ("--require-verification", "registration, to be confirmed: known and new"),
        ] {
            let service = Service::start_with(place, &[WIDE.as_slice(), &[setting]].concat());
            let client = Client::new(service.url());
            let new = |number| format!("new{number}{}", &setting[2..5]);
            compare(table, name, &client, what, |number| [register("known", number), register(&new(number), number)])
                .await;
        }
    }
}

/// A code is good for five tries, so there are as many people as make each try one of those.
async fn compare_codes(table: &mut Table, name: &str, service: &Service) {
    let client = Client::new(service.url());
    let letters = || fs::read_dir(&service.outbox).map_or(0, Iterator::count);
    let before = letters();
    for number in 0..SAMPLES / TRIES {
        client.register(&format!("mailed{number}"), None).await;
        let body = json!({"email": format!("mailed{number}@example.com")});
        client.send(Method::POST, "/v1/email-verifications", "", Some(body), 202).await;
    }
    while letters() < before + SAMPLES / TRIES {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    compare(table, name, &client, "a wrong code: known with another one, and unknown", |number| {
        ["mailed", "nobody"].map(|who| show_code(&format!("{who}{}", number / TRIES)))
    })
    .await;
}

fn request_reset(who: &str) -> Request {
    Request { path: "/v1/password-resets", body: json!({"email": format!("{who}@example.com")}), status: 202 }
}

fn show_code(who: &str) -> Request {
    let body = json!({"email": format!("{who}@example.com"), "code": "none"});
    Request { path: "/v1/email-verifications/confirm", body, status: 403 }
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
