//! `latchkey doctor`, and the same checks when the service starts.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::Output,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use clap::Parser;
use latchkey::{app::App, cli::Cli};
use serde_json::{Value, json};

use crate::{
    redis_server::{RedisServer, command},
    support::{ManualClock, PASSWORD, Process, line, run},
};

/// What it printed, and its exit code.
fn told(output: &Output) -> (i32, String) {
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), told)
}

/// The word before a check, and its lines.
#[track_caller]
fn block<'a>(told: &'a str, check: &str) -> (&'a str, Vec<&'a str>) {
    let mut lines = told.lines().skip_while(|line| line.split_whitespace().nth(1) != Some(check));
    let first = lines.next().unwrap_or_else(|| panic!("nothing on {check} in {told}"));
    let rest = lines.take_while(|line| line.starts_with(' '));
    (first.split(' ').next().unwrap(), [first].into_iter().chain(rest).map(str::trim).collect())
}

#[tokio::test]
async fn a_redis_that_evicts_is_refused_unless_that_is_accepted_by_name() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let url = ("LATCHKEY_REDIS_URL", &*server.url());
    let said = line(&run(&[url], &[]), 1);
    for part in ["eviction", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction", "LATCHKEY_ACCEPT=eviction"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, doctor) = told(&run(&[url], &["doctor"]));
    let (word, lines) = block(&doctor, "eviction");
    assert_eq!((code, word, lines.len()), (1, "error", 3), "{doctor}");
    assert!(lines[1].starts_with("why: ") && lines[2].starts_with("mend: redis-cli CONFIG SET"), "{doctor}");
    let keys: i64 = command(&server.client().await, "DBSIZE").await;
    assert_eq!(keys, 0, "nothing is written");

    let accept = ("LATCHKEY_ACCEPT", "eviction,aof-enabled");
    let (code, doctor) = told(&run(&[url, accept], &["doctor"]));
    assert_eq!((code, block(&doctor, "eviction").0, block(&doctor, "aof-enabled").0), (0, "accepted", "accepted"));
    let process = Process::start(&[url, accept]);
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("accepted: eviction") && !log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn a_redis_that_may_lose_accounts_is_warned_of_once_and_used() {
    let server = RedisServer::start();
    let process = Process::start(&[("LATCHKEY_REDIS_URL", &server.url())]);
    assert_eq!(reqwest::get(format!("{}/health/ready", process.url)).await.unwrap().status(), 200);
    process.signal("-TERM");
    let (_, log) = process.end();
    let warnings = log.lines().filter(|line| line.contains("WARN")).collect::<Vec<_>>();
    assert_eq!(warnings.len(), 1, "{log}");
    for part in ["aof-enabled: appendonly is no", "a restart of the server loses", "CONFIG SET appendonly yes"] {
        assert!(warnings[0].contains(part), "{part}: {log}");
    }
}

#[tokio::test]
async fn a_redis_with_another_time_is_refused() {
    let server = RedisServer::start();
    let arguments = ["latchkey", "--listen", "127.0.0.1:0", "--redis-url", &server.url()];
    let config = Cli::try_parse_from(arguments).unwrap().config;
    let clock = Arc::<ManualClock>::default();
    clock.advance(Duration::from_secs(250));
    let refused = App::start(&config, clock).await.unwrap_err().to_string();
    assert!(refused.contains("clock-skew") && refused.contains(" s behind"), "{refused}");
}

#[tokio::test]
async fn a_redis_made_with_other_buckets_is_refused_and_nothing_overrides_that() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let meta = "HSET latchkey:{meta} rev AAAAAAAAAAAAAAAAAAAAAA buckets 32 schema 2";
    let _: i64 = command(&server.client().await, meta).await;
    let url = ("LATCHKEY_REDIS_URL", &*server.url());
    for accept in [None, Some(("LATCHKEY_ACCEPT", "eviction"))] {
        let settings = [url].into_iter().chain(accept).collect::<Vec<_>>();
        let said = line(&run(&settings, &[]), 1);
        assert!(said.contains("32 buckets") && said.contains("nothing overrides this"), "{said}");
    }
    let (code, doctor) = told(&run(&[url], &["doctor", "--accept", "eviction"]));
    assert_eq!((code, block(&doctor, "layout").0), (1, "error"), "{doctor}");
    let said = line(&run(&[url, ("LATCHKEY_ACCEPT", "layout")], &[]), 2);
    assert!(said.contains("LATCHKEY_ACCEPT: `layout` is not allowed") && said.contains("eviction"), "{said}");
}

#[tokio::test]
async fn a_redis_that_is_damaged_is_told_by_what_and_how_to_mend_it() {
    let server = RedisServer::start();
    let (url, client) = (("LATCHKEY_REDIS_URL", &*server.url()), server.client().await);
    let process = Process::start(&[url]);
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));
    let schema: String = command(&client, "HGET latchkey:{meta} schema").await;
    let mended = format!("HSET latchkey:{{meta}} schema {schema}");
    for (check, damage, mended, found, mend) in [
        ("layout", "HSET latchkey:{meta} schema x", mended.as_str(), "unreadable", "from a copy"),
        ("signing-keys", "HSET latchkey:{signing} x y", "HDEL latchkey:{signing} x", "unreadable", "from a copy"),
    ] {
        let _: () = command(&client, damage).await;
        let (code, doctor) = told(&run(&[url], &["doctor"]));
        let (word, lines) = block(&doctor, check);
        assert_eq!((code, word), (1, "error"), "{doctor}");
        assert!(lines[0].contains(found) && lines.last().unwrap().contains(mend), "{doctor}");
        line(&run(&[url], &[]), 1);
        if check == "signing-keys" {
            let checked = run(&[url], &["check"]);
            let said = String::from_utf8(checked.stdout).unwrap();
            assert!(checked.status.code() == Some(1) && said.contains("{signing}"), "{said}");
        }
        let _: () = command(&client, mended).await;
    }
    // A letter that nobody sends: it has been due for an hour.
    let hour_ago = UNIX_EPOCH.elapsed().unwrap().as_millis() - 3_600_000;
    let letter = format!("ZADD latchkey:{{b0}}:index:outbox {hour_ago} 0190a000-0000-7000-8000-000000000000");
    let _: () = command(&client, &letter).await;
    let (code, doctor) = told(&run(&[url], &["doctor"]));
    let (word, lines) = block(&doctor, "mail");
    assert_eq!((code, word), (0, "warning"), "{doctor}");
    assert!(
        lines[0].contains("letters to be sent: 1, one since") && lines.last().unwrap().contains("start"),
        "{doctor}"
    );
}

#[tokio::test]
async fn a_redis_that_permits_no_questions_is_used_and_told_as_unknown() {
    let server = RedisServer::start();
    let account = "ACL SETUSER somebody on >secret ~latchkey:* +@all -@admin -@dangerous -command -time";
    let _: () = command(&server.client().await, account).await;
    let url = server.url().replace("redis://", "redis://somebody:secret@");
    let url = ("LATCHKEY_REDIS_URL", &*url);
    let (code, doctor) = told(&run(&[url], &["doctor"]));
    assert_eq!(code, 0, "{doctor}");
    let (word, lines) = block(&doctor, "eviction");
    assert_eq!((word, *lines.last().unwrap()), ("unknown", "mend: redis-cli ACL SETUSER somebody +info"), "{doctor}");
    let process = Process::start(&[url]);
    assert_eq!(reqwest::get(format!("{}/health/ready", process.url)).await.unwrap().status(), 200);
    process.signal("-TERM");
    let (_, log) = process.end();
    assert!(log.contains("not known: eviction") && !log.contains("WARN") && !log.contains("secret"), "{log}");
}

#[tokio::test]
async fn the_redis_or_valkey_account_of_the_readme_may_do_all_that_is_needed() {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find_map(|line| line.strip_prefix("redis-cli ACL SETUSER")).unwrap();
    for program in ["redis-server", "valkey-server"] {
        let server = RedisServer::launch(program, &["--appendonly", "yes"]);
        let _: () = command(&server.client().await, &format!("ACL SETUSER{}", line.replace('\'', ""))).await;
        let url = server.url().replace("redis://", "redis://latchkey:password@");
        let settings = [("LATCHKEY_REDIS_URL", &*url)];
        let (code, doctor) = told(&run(&settings, &["doctor"]));
        assert!(code == 0 && doctor.lines().all(|line| line.starts_with("ok ")), "{doctor}");
        let process = Process::start(&settings);
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        let request = reqwest::Client::new().post(format!("{}/v1/users", process.url)).json(&body);
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
}

#[test]
fn doctor_tells_the_same_of_redis_as_json() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru", "--appendonly", "yes"]);
    let (code, json) = told(&run(&[("LATCHKEY_REDIS_URL", &server.url())], &["doctor", "--json"]));
    let findings = serde_json::from_str::<Vec<Value>>(&json).unwrap();
    assert_eq!(code, 1);
    let errors = findings.iter().filter(|finding| finding["severity"] != "ok").collect::<Vec<_>>();
    assert_eq!(errors.len(), 1, "{json}");
    assert_eq!((&errors[0]["check"], &errors[0]["severity"]), (&Value::from("eviction"), &Value::from("error")));
    assert!(findings.iter().all(|finding| finding["found"].is_string() && finding["why"].is_string()), "{json}");
    assert!(findings.iter().any(|finding| finding["check"] == "layout"), "{json}");
}

#[test]
fn doctor_makes_no_store_and_looks_at_one_that_is_not_in_use() {
    let process = Process::start(&[]);
    let folder = process.folder.path().join("latchkey-data");
    let data = [("LATCHKEY_DATA_DIR", folder.to_str().unwrap())];
    let said = line(&run(&data, &["doctor"]), 1);
    assert!(said.contains("in use by another process"), "{said}");

    process.signal("-TERM");
    let mut process = process;
    process.child.wait().unwrap();
    let (code, doctor) = told(&run(&data, &["doctor"]));
    assert_eq!(code, 0, "{doctor}");
    assert!(["file-permissions", "layout"].iter().all(|check| block(&doctor, check).0 == "ok"), "{doctor}");
    fs::set_permissions(folder.join("latchkey.redb"), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, doctor) = told(&run(&data, &["doctor"]));
    assert_eq!((code, block(&doctor, "file-permissions").0), (0, "warning"), "{doctor}");

    let nowhere = folder.join("nowhere");
    let (code, doctor) = told(&run(&[("LATCHKEY_DATA_DIR", nowhere.to_str().unwrap())], &["doctor"]));
    let found = format!("there is no store in {} yet", nowhere.display());
    assert!(code == 0 && block(&doctor, "layout").1[0].contains(&found), "{doctor}");
    assert!(!nowhere.exists());
}
