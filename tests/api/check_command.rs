//! `latchkey check` as a command: healthy stores, a running service, and no store at all.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use latchkey::store::{Batch, Embedded, Name, Slot, Store};
use serde_json::{Value, json};

use crate::{
    redis_server::{RedisServer, command},
    support::{PASSWORD, Process, TestApp, check, line, run},
};

impl TestApp {
    /// What people do: they come, sign in, change, sign out and go.
    async fn lead_lives(&self, who: &str) {
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD, "username": format!("u{who}")});
        let post = self.post("/v1/users").header("Idempotency-Key", who).json(&body);
        post.send().await.expect(201);
        let token = self.token(&format!("u{who}")).await;
        self.token(&format!("u{who}")).await;
        let patch = json!({"email": format!("new-{who}@example.com"), "username": format!("v{who}"), "current_password": PASSWORD});
        self.patch("/v1/users/me").bearer(&token).json(&patch).send().await.expect(200);
        let patch = json!({"username": null, "password": "another password", "current_password": PASSWORD});
        self.patch("/v1/users/me").bearer(&token).json(&patch).send().await.expect(200);
        let goer = self.person(&format!("goer-{who}")).await;
        self.delete("/v1/users/me").bearer(&goer.token).send().await.expect(204);
        self.delete("/v1/sessions?scope=others").bearer(&token).send().await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_healthy_store_is_clean_and_nothing_is_written() {
    let app = TestApp::redis().await;
    app.lead_lives("ada").await;
    let before = app.writes().await;
    for repair in [false, true] {
        let checked = app.check(repair).await;
        checked.expect_clean();
        let expected = json!({"users": 2, "claims": 1, "sessions": 1, "index_entries": 4, "unknown_keys": 0});
        assert_eq!(checked.summary["checked"], expected);
    }
    assert_eq!(app.writes().await, before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_service_under_load_raises_no_false_alarm() {
    let app = Arc::new(TestApp::redis().await);
    let (done, lives) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = (0..4).map(|person| {
        let (app, done, lives) = (Arc::clone(&app), Arc::clone(&done), Arc::clone(&lives));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let life = lives.fetch_add(1, Ordering::Relaxed);
                app.lead_lives(&format!("p{person}n{life}")).await;
            }
        })
    });
    let load = load.collect::<Vec<_>>();
    let mut checks = 0;
    while checks < 20 || lives.load(Ordering::Relaxed) < 60 {
        app.check(false).await.expect_clean();
        checks += 1;
    }
    done.store(true, Ordering::Relaxed);
    join_all(load).await.into_iter().for_each(Result::unwrap);
    let checked = app.check(true).await;
    checked.expect_clean();
    assert_eq!(checked.summary["checked"]["users"], 2 * lives.load(Ordering::Relaxed));
}

#[tokio::test]
async fn embedded_a_store_is_checked_while_the_service_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = [("LATCHKEY_DATA_DIR", data.to_str().unwrap())];
    let process = Process::start(&settings);
    let said = line(&run(&settings, &["check"]), 1);
    assert!(said.contains("in use by another process"), "{said}");
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": "ada"});
    let client = reqwest::Client::new();
    let answer = client.post(format!("{}/v1/users", process.url)).json(&body).send().await.unwrap();
    let ada = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let body = json!({"login": "ada", "password": PASSWORD});
    client.post(format!("{}/v1/sessions", process.url)).json(&body).send().await.unwrap();
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));
    let checked = check(&settings, false);
    checked.expect_clean();
    let expected = json!({"users": 1, "claims": 2, "sessions": 1, "index_entries": 5, "unknown_keys": 0});
    assert_eq!(checked.summary["checked"], expected);

    let store = Store::Embedded(Embedded::open(&data.join("latchkey.redb")).unwrap());
    let bucket = (0..64).map(|k| Slot::new(format!("b{k}")));
    for slot in bucket {
        let user = Name::new(format!("user:{ada}"));
        if store.get(&slot.key(&user)).await.unwrap().is_some() {
            let mut batch = Batch::new(slot);
            batch.remove(Name::new("index:created"), &ada).add(Name::new("index:created"), "nobody", 0);
            batch.remove(Name::new(format!("sessions:{ada}")), &ada).delete(Name::new(format!("sessions:{ada}")));
            store.commit(batch).await.unwrap();
        }
    }
    store.close().await;
    let codes = ["dangling_entry", "unlisted_session", "unlisted_user"];
    let found = check(&settings, false);
    assert_eq!((found.code, found.codes("repairable")), (1, codes.to_vec()));
    let repaired = check(&settings, true);
    assert_eq!((repaired.code, repaired.codes("repaired")), (0, codes.to_vec()));
    check(&settings, true).expect_clean();
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = [("LATCHKEY_DATA_DIR", data.to_str().unwrap())];
    for repair in [&["check"][..], &["check", "--repair"]] {
        let said = line(&run(&settings, repair), 1);
        assert!(said.contains("there is no store") && said.contains("LATCHKEY_DATA_DIR"), "{said}");
    }
    fs::create_dir(&data).unwrap();
    line(&run(&settings, &["check"]), 1);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}

#[tokio::test]
async fn redis_where_there_is_no_store_none_is_made() {
    let server = RedisServer::start();
    let url = server.url();
    let said = line(&run(&[("LATCHKEY_REDIS_URL", &url)], &["check", "--repair"]), 1);
    assert!(said.contains("LATCHKEY_REDIS_URL") && said.contains("no Latchkey has used it"), "{said}");
    assert_eq!(command::<i64>(&server.client().await, "DBSIZE").await, 0);
}

#[tokio::test]
async fn redis_a_store_with_records_of_an_earlier_form_is_refused() {
    let server = RedisServer::start();
    let meta = "HSET latchkey:{meta} rev AAAAAAAAAAAAAAAAAAAAAA buckets 64 schema 1";
    let _: i64 = command(&server.client().await, meta).await;
    let said = line(&run(&[("LATCHKEY_REDIS_URL", &server.url())], &["check", "--repair"]), 1);
    assert!(said.contains("64 buckets and schema 1") && said.contains("64 and 5"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_check_that_cannot_see_everything_says_so() {
    let app = TestApp::redis().await;
    app.register("ada").await.expect(201);
    let url = app.redis.as_ref().unwrap().url();
    let client = app.redis.as_ref().unwrap().client().await;
    let settings = [("LATCHKEY_REDIS_URL", url.as_str())];
    for forbidden in ["scan", "zscan", "zscore", "hgetall"] {
        let _: () = command(&client, &format!("ACL SETUSER default -{forbidden}")).await;
        let output = run(&settings, &["check"]);
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("no permissions") && said.lines().count() == 1, "{forbidden}: {said}");
        let _: () = command(&client, &format!("ACL SETUSER default +{forbidden}")).await;
    }
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[test]
fn a_wrong_argument_of_check_is_wrong_usage() {
    let output = run(&[], &["check", "--mend"]);
    assert_eq!(output.status.code(), Some(2));
    let help = run(&[], &["check", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("--repair") && help.contains("Exit code 0"), "{help}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_findings_and_the_summary_are_lines_for_people() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.leave_claim("eve@example.com", &ada.id, 0).await;
    for key in 0..22 {
        let set = format!("SET latchkey:{{other}}:\u{1b}{key} text");
        let _: () = command(&app.redis.as_ref().unwrap().client().await, &set).await;
    }
    let url = app.redis.as_ref().unwrap().url();
    let output = tokio::time::timeout(Duration::from_secs(20), async {
        tokio::task::spawn_blocking(move || run(&[("LATCHKEY_REDIS_URL", &url)], &["check"])).await.unwrap()
    });
    let text = String::from_utf8(output.await.unwrap().stdout).unwrap();
    let lines = text.lines().collect::<Vec<_>>();
    let unknown = lines.iter().filter(|line| line.starts_with("unknown: {other}:\\u{1b}")).count();
    assert_eq!((lines.len(), unknown), (24, 20), "{text}");
    let found = lines.iter().find(|line| line.starts_with("dead_claim: the claim {email:")).unwrap();
    assert!(found.contains(&ada.id) && found.ends_with("; with --repair, the claim is dropped"), "{text}");
    assert_eq!(lines[21], "unknown: 2 more");
    assert!(lines[22].contains(": users 1, claims 2, sessions 1, index entries 4, unknown keys 22"), "{text}");
    assert_eq!(lines[23], "Findings 1: repaired 0, left 1");
    app.stop().await;
}
