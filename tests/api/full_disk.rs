//! The embedded store on a disk that has no room. A limit on the size of its file stands for the disk: what would let the
//! file grow is refused by the system, and what fits into it is not.

use std::{process::Command, time::Duration};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    import_command::crowd,
    support::{PASSWORD, Process, place::Place, victim::CHEAP},
};

/// How long it may take to notice that there is room again.
const PATIENCE: Duration = Duration::from_secs(30);

struct Service {
    process: Process,
    client: reqwest::Client,
}

impl Service {
    fn start() -> Self {
        let process = Process::start(&CHEAP);
        Self { process, client: reqwest::Client::new() }
    }

    /// How large its file may be, in bytes, or `unlimited`.
    fn limit(&self, most: &str) {
        self.process.limit(&format!("--fsize={most}:"));
    }

    async fn register(&self, who: &str) -> Response {
        let about = "x".repeat(4000);
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD, "metadata": {"about": about}});
        self.client.post(format!("{}/v1/users", self.process.url)).json(&body).send().await.unwrap()
    }

    async fn sign_in(&self, who: &str) -> Response {
        let body = json!({"login": format!("{who}@example.com"), "password": PASSWORD});
        self.client.post(format!("{}/v1/sessions", self.process.url)).json(&body).send().await.unwrap()
    }

    async fn me(&self, token: &str) -> StatusCode {
        let me = self.client.get(format!("{}/v1/users/me", self.process.url)).bearer_auth(token);
        me.send().await.unwrap().status()
    }
}

async fn expect_full(answer: Response) {
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "30");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "store_full", "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_on_a_full_disk_reads_refuses_writes_and_goes_on_when_there_is_room() {
    let service = Service::start();
    assert_eq!(service.register("ada").await.status(), 201);
    let signed_in: Value = service.sign_in("ada").await.json().await.unwrap();
    let token = signed_in["access_token"].as_str().unwrap();

    let file = service.process.folder.path().join("latchkey-data/latchkey.redb");
    service.limit(&std::fs::metadata(&file).unwrap().len().to_string());
    let begun = Instant::now();
    let mut registered = 0;
    let refused = loop {
        assert!(registered < 5000 && begun.elapsed() < PATIENCE, "the file does not grow");
        match service.register(&format!("person{registered}")).await {
            answer if answer.status() == 201 => registered += 1,
            refused => break refused,
        }
    };
    assert!(registered > 0, "it was full before anything was written");
    expect_full(refused).await;
    for number in 0..3 {
        assert_eq!(service.me(token).await, 200, "reading needs no room");
        expect_full(service.register(&format!("late{number}")).await).await;
    }

    service.limit("unlimited");
    let refused = format!("person{registered}");
    // A claim that could not be taken back is good for 10 s.
    for who in ["bob", &refused, "late0", "late2"] {
        let begun = Instant::now();
        while service.register(who).await.status() != 201 {
            assert!(begun.elapsed() < PATIENCE, "it does not notice that there is room");
            sleep(Duration::from_millis(100)).await; // the pace of the asking
        }
    }
    for who in ["ada", "bob", &refused, &format!("person{}", registered - 1)] {
        assert_eq!(service.sign_in(who).await.status(), 201, "{who} was acknowledged and is lost");
    }
    assert_eq!(service.me(token).await, 200);
}

/// Runs the binary, which may not write further into any file than this, and answers its exit code and what it said.
fn run_limited(place: &Place, most: u64, arguments: &[&str]) -> (Option<i32>, String) {
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--fsize={most}:")).arg(env!("CARGO_BIN_EXE_latchkey")).args(arguments);
    let ended = limited.env_clear().envs(place.settings()).current_dir(place.file("")).output().unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[tokio::test]
async fn embedded_an_import_for_which_there_is_no_room_says_so() {
    let place = Place::embedded().await;
    let (file, store) = (place.file("lines"), place.file("data/latchkey.redb"));
    std::fs::write(&file, crowd("crowd", 5000, true)).unwrap();
    let most = std::fs::metadata(store).unwrap().len();
    let (code, said) = run_limited(&place, most, &["import", file.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the store is full") && said.contains("run it again"), "{said}");
    let [created, unchanged, ..] = place.import(crowd("crowd", 5000, true), &[]).counts();
    assert_eq!(created + unchanged, 5000);
    place.check().expect_clean();
}

#[tokio::test]
async fn redis_an_export_for_which_there_is_no_room_says_so() {
    let place = Place::redis().await;
    assert_eq!(place.import(crowd("crowd", 100, true), &[]).counts()[0], 100);
    let file = place.file("exported");
    let (code, said) = run_limited(&place, 10_000, &["export", file.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot write"), "{said}");
}
