//! The keys that sign access tokens: shared by all instances, rotated with overlap, and sealed at rest.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    redis_server::{RedisServer, command},
    support::{Process, TestApp, line, on_every_store, run},
};

/// The pace of asking again and again.
const PACE: Duration = Duration::from_millis(20);

/// The fields of the record with the keys, as whoever reads the Redis sees them.
pub async fn fields(server: &RedisServer) -> BTreeMap<String, String> {
    command(&server.client().await, "HGETALL latchkey:{signing}").await
}

/// The values of the fields of this name, of all keys.
fn values<'a>(fields: &'a BTreeMap<String, String>, name: &str) -> Vec<&'a str> {
    let ours = fields.iter().filter(|(field, _)| field.ends_with(&format!(".{name}")));
    ours.map(|(_, value)| value.as_str()).collect()
}

/// The key set of a service.
async fn key_set(app: &TestApp) -> Vec<Value> {
    let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    answer.body["keys"].as_array().unwrap().clone()
}

fn kids(keys: &[Value]) -> Vec<&str> {
    keys.iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

/// The key set of a running service, once it has so many keys.
async fn key_set_of(app: &TestApp, number: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let keys = key_set(app).await;
        if keys.len() == number {
            return keys;
        }
        assert!(Instant::now() < deadline, "{keys:?}");
        tokio::time::sleep(PACE).await;
    }
}

/// What `latchkey keys` prints, on the Redis of a service.
async fn keys(app: &TestApp, arguments: &'static [&'static str]) -> String {
    let url = app.redis.as_ref().unwrap().url();
    let run = move || run(&[("LATCHKEY_REDIS_URL", &url)], &[&["keys"], arguments].concat());
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    String::from_utf8(output.stdout).unwrap()
}

/// The stages of the keys in the store, in the order in which they sign, by the clock of the machine.
async fn stages(app: &TestApp) -> Vec<String> {
    let listed = serde_json::from_str::<Vec<Value>>(&keys(app, &["list", "--json"]).await).unwrap();
    listed.iter().map(|key| key["stage"].as_str().unwrap().to_owned()).collect()
}

on_every_store! {
    async fn a_key_set_has_one_public_key_at_first(app: TestApp) {
        let keys = key_set(app).await;
        assert_eq!(keys.len(), 1);
        let members = keys[0].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(members, ["kid", "kty", "crv", "alg", "use", "x"]);
        for (member, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")] {
            assert_eq!(keys[0][member], value);
        }
        assert_eq!(keys[0]["x"].as_str().unwrap().len(), 43);
    }
}

#[tokio::test]
async fn redis_instances_share_their_keys_and_follow_one_that_starts_with_another_algorithm() {
    let app = TestApp::redis().await;
    let first = key_set(&app).await;
    let twin = app.twin().await;
    assert_eq!(key_set(&twin).await, first);
    let other = TestApp::beside(&app, &["--signing-algorithm", "ES256"]).await;
    let both = key_set(&other).await;
    assert_eq!((both.len(), &both[0], &both[1]["kty"], &both[1]["crv"]), (2, &first[0], &"EC".into(), &"P-256".into()));
    assert_eq!(both[1]["y"].as_str().unwrap().len(), 43);
    assert_eq!((key_set_of(&app, 2).await, key_set_of(&twin, 2).await), (both.clone(), both));
    assert_eq!(stages(&app).await, ["signing", "waiting"]);
    assert_eq!(
        key_set(&TestApp::beside(&app, &["--signing-algorithm", "ES256"]).await).await.len(),
        2,
        "once is enough"
    );
}

#[tokio::test]
async fn redis_a_rotation_is_published_by_a_running_service_and_the_old_key_stays_for_its_tokens() {
    let app = TestApp::redis().await;
    let old = key_set(&app).await;
    let said = keys(&app, &["rotate"]).await;
    assert_eq!(stages(&app).await, ["signing", "waiting"]);
    let both = key_set_of(&app, 2).await;
    assert_eq!(both[0], old[0]);
    let new = kids(&both)[1];
    assert!(said.contains(new) && said.contains("signs from"), "{said}");
    // It signs after 10 minutes; a token lives for 10 more, and clocks may differ by 5.
    app.clock.advance(Duration::from_secs(1200));
    assert_eq!(key_set(&app).await, both);
    app.clock.advance(Duration::from_secs(310));
    assert_eq!(kids(&key_set(&app).await), [new]);
    // Whoever starts now drops it.
    let twin = TestApp::beside(&app, &["--accept", "clock-skew"]).await;
    assert_eq!(kids(&key_set(&twin).await), [new]);
    assert_eq!(values(&fields(app.redis.as_ref().unwrap()).await, "algorithm").len(), 1);
}

#[tokio::test]
async fn redis_a_key_is_rotated_to_one_of_its_kind_unless_another_is_named() {
    let first = TestApp::redis().await;
    let _es256 = TestApp::beside(&first, &["--signing-algorithm", "ES256"]).await;
    for (arguments, made) in [
        (&["rotate"] as &[_], "(ES256)"),
        (&["rotate", "--now"], "(ES256)"),
        (&["rotate", "--signing-algorithm", "EdDSA"], "(EdDSA)"),
        (&["rotate"], "(EdDSA)"),
    ] {
        let said = keys(&first, arguments).await;
        assert!(said.contains(made), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn redis_a_key_is_followed_by_a_new_one_in_its_time() {
    let app = TestApp::redis().await;
    let old = key_set(&app).await;
    app.clock.advance(Duration::from_secs(2 * 3600));
    let twin = TestApp::beside(&app, &["--key-rotation", "3h", "--accept", "clock-skew"]).await;
    assert_eq!(key_set(&twin).await, old);
    let twin = TestApp::beside(&app, &["--key-rotation", "1h", "--accept", "clock-skew"]).await;
    let both = key_set(&twin).await;
    assert_eq!((both.len(), &both[0]), (2, &old[0]));
    assert_eq!(key_set_of(&app, 2).await, both);
}

#[tokio::test]
async fn redis_a_stolen_key_is_dropped_at_once() {
    let app = TestApp::redis().await;
    let (stolen, ada) = (key_set(&app).await, app.person("ada").await);
    keys(&app, &["rotate"]).await;
    app.me(&ada.token).await.expect(200);
    let said = keys(&app, &["rotate", "--now"]).await;
    assert!(said.contains("signs now") && said.contains("dropped"), "{said}");
    assert_eq!(stages(&app).await, ["signing"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while kids(&key_set(&app).await).contains(&kids(&stolen)[0]) {
        assert!(Instant::now() < deadline, "it is still published");
        tokio::time::sleep(PACE).await;
    }
    assert!(said.contains(kids(&key_set_of(&app, 1).await)[0]));
    app.me(&ada.token).await.refused(401, "token_invalid");
    let answer = app.refresh(&ada.refresh_token).await.expect(200);
    app.me(answer.body["access_token"].as_str().unwrap()).await.expect(200);
    assert_eq!(app.check(false).await.summary["checked"]["unknown_keys"], 0);
}

#[tokio::test]
async fn a_restart_keeps_the_keys() {
    let read = async |process: &Process| {
        let answer = reqwest::get(format!("{}/.well-known/jwks.json", process.url)).await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let data = ("LATCHKEY_DATA_DIR", folder.path().to_str().unwrap());
    assert!(line(&run(&[data], &["keys", "list"]), 1).contains("LATCHKEY_DATA_DIR"), "there is no store to list");
    let process = Process::start(&[data]);
    let keys = read(&process).await;
    assert!(line(&run(&[data], &["keys", "rotate"]), 1).contains("in use by another process"));
    process.signal("-TERM");
    process.end();
    let listed = String::from_utf8(run(&[data], &["keys", "list"]).stdout).unwrap();
    assert!(listed.contains(keys["keys"][0]["kid"].as_str().unwrap()) && listed.contains("plain text"), "{listed}");
    let process = Process::start(&[data]);
    assert_eq!(read(&process).await, keys);
}

/// Starts a service with these settings, and stops it.
fn start(settings: &[(&str, &str)]) -> String {
    let process = Process::start(settings);
    process.signal("-TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    log
}

fn doctor(settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = run(settings, &["doctor"]);
    let told = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code(),
        told.lines().filter(|line| line.contains("signing-keys") || line.contains("sealing")).collect(),
    )
}

#[tokio::test]
async fn redis_holds_no_private_key_in_plain_text_when_there_is_a_master_secret() {
    let server = RedisServer::start();
    let url = ("LATCHKEY_REDIS_URL", &*server.url());
    let (code, told) = doctor(&[url]);
    assert!(code == Some(0) && told.contains("there are none yet"), "{told}");
    start(&[url]);
    let plain = fields(&server).await;
    let private = values(&plain, "private_key")[0].strip_prefix("plain:").unwrap();
    let (code, told) = doctor(&[url]);
    assert!(code == Some(0) && told.contains("warning   sealing") && told.contains("plain text"), "{told}");
    assert!(start(&[url]).contains("sealing: private keys lie in plain text"));

    let secret = ("LATCHKEY_MASTER_SECRET", "an old secret of more than 32 characters");
    let told = run(&[url, secret], &["doctor"]).stdout;
    assert!(String::from_utf8(told).unwrap().contains("mend: start the service, which seals them"));
    // In a store that is full, the keys are used as they are.
    let client = server.client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    assert!(start(&[url, secret]).contains("the signing keys could not be changed"));
    assert_eq!(values(&fields(&server).await, "private_key"), values(&plain, "private_key"));
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;

    assert!(start(&[url, secret]).contains("lay in plain text, and are sealed now"));
    assert!(!start(&[url, secret]).contains("plain text"), "once is enough");
    let sealed = fields(&server).await;
    assert_eq!(values(&sealed, "created_at"), values(&plain, "created_at"), "it is the same key");
    assert!(sealed.values().all(|value| !value.contains(private) && !value.starts_with("plain:")), "{sealed:?}");
    let (code, told) = doctor(&[url, secret]);
    assert!(code == Some(0) && told.contains("all private keys are sealed"), "{told}");
}

#[tokio::test]
async fn redis_with_keys_that_no_master_secret_opens_is_refused_in_one_line() {
    let server = RedisServer::start();
    let url = ("LATCHKEY_REDIS_URL", &*server.url());
    let old = ("LATCHKEY_MASTER_SECRET", "an old secret of more than 32 characters");
    let new = ("LATCHKEY_MASTER_SECRET", "a new secret of more than 32 characters");
    start(&[url, old]);
    for settings in [&[url] as &[_], &[url, new], &[url, new, ("LATCHKEY_ACCEPT", "sealing")]] {
        let said = line(&run(settings, &[]), 1);
        for part in ["sealed", "LATCHKEY_MASTER_SECRET_FILE", "nothing overrides this"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("more than 32"), "{said}");
        let (code, told) = doctor(settings);
        assert!(code == Some(1) && told.contains("error     signing-keys"), "{told}");
    }

    // The secret is changed by a file with both.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets");
    fs::write(&path, format!("{}\n\n{}\n", new.1, old.1)).unwrap();
    let file = ("LATCHKEY_MASTER_SECRET_FILE", path.to_str().unwrap());
    // Kubernetes gives a pod its secrets by its group.
    for (mode, is_told) in [(0o644, true), (0o660, true), (0o600, false), (0o440, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(start(&[url, file]).contains("others than its owner and its group"), is_told, "{mode:o}");
    }
    start(&[url, ("LATCHKEY_MASTER_SECRET", &format!(" {}\n", new.1))]);
    line(&run(&[url, old], &[]), 1);
}

#[test]
fn a_wrong_master_secret_is_told_in_one_line_that_names_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets");
    let file = ("LATCHKEY_MASTER_SECRET_FILE", path.to_str().unwrap());
    assert!(line(&run(&[file], &[]), 1).contains("LATCHKEY_MASTER_SECRET_FILE"));
    for (text, why) in [("\n", "no secret"), ("a long secret of more than 32 characters\nshort\n", "line 2: ")] {
        fs::write(&path, text).unwrap();
        let said = line(&run(&[file], &[]), 1);
        assert!(said.contains("LATCHKEY_MASTER_SECRET_FILE") && said.contains(why), "{said}");
        assert!(!said.contains("short"), "{said}");
    }
    for name in ["LATCHKEY_MASTER_SECRET_FILE", "LATCHKEY_REDIS_CA_FILE"] {
        let said = line(&run(&[(name, "")], &[]), 2);
        assert!(said.ends_with("a value is needed, or leave it out\n"), "{said}");
    }
    let said = line(&run(&[("LATCHKEY_MASTER_SECRET", "short")], &[]), 2);
    assert!(said.contains("LATCHKEY_MASTER_SECRET: the value") && said.contains("32 characters"), "{said}");
    let said = line(&run(&[file, ("LATCHKEY_MASTER_SECRET", "a secret of more than 32 characters")], &[]), 2);
    assert!(said.contains("set one of them"), "{said}");
}
