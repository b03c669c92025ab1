//! The keys that sign access tokens: shared by all instances, rotated with overlap, and sealed at rest.

use std::{collections::BTreeMap, fs};

use crate::{
    redis_server::{RedisServer, command},
    support::{Process, line, run},
};

/// The fields of the record with the keys, as whoever reads the Redis sees them.
async fn fields(server: &RedisServer) -> BTreeMap<String, String> {
    command(&server.client().await, "HGETALL latchkey:{signing}").await
}

/// The values of the fields of this name, of all keys.
fn values<'a>(fields: &'a BTreeMap<String, String>, name: &str) -> Vec<&'a str> {
    let ours = fields.iter().filter(|(field, _)| field.ends_with(&format!(".{name}")));
    ours.map(|(_, value)| value.as_str()).collect()
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
    start(&[url, secret]);
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
    start(&[url, file]);
    start(&[url, new]);
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
    let said = line(&run(&[("LATCHKEY_MASTER_SECRET", "short")], &[]), 2);
    assert!(said.contains("LATCHKEY_MASTER_SECRET: the value") && said.contains("32 characters"), "{said}");
    let said = line(&run(&[file, ("LATCHKEY_MASTER_SECRET", "a secret of more than 32 characters")], &[]), 2);
    assert!(said.contains("set one of them"), "{said}");
}
