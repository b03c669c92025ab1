//! People who come from another service with the hash that it made of their password, and peppers that change.

use std::io::BufRead;

use fred::interfaces::HashesInterface;
use serde_json::json;

use crate::{
    redis_server::{RedisServer, command},
    support::{PASSWORD, Process, TestApp, line, run},
};

impl TestApp {
    /// Writes the hash of another service into the record of a user, as an import does.
    async fn import_hash(&self, id: &str, hash: &str) {
        let (setting, hash) = hash.rsplit_once('$').unwrap();
        let client = self.redis.as_ref().unwrap().client().await;
        let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:user:{id}")).await;
        let fields = [("password_setting", setting), ("password_hash", hash)];
        let _: () = client.hset(&keys[0], fields.to_vec()).await.unwrap();
    }

    async fn setting(&self, id: &str) -> String {
        self.stored_user(id).await["password_setting"].clone()
    }
}

/// Of `correct horse`; `src/accounts/hashing/foreign/tests.rs` says what made them.
const HASHES: [&str; 5] = [
    "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg",
    "$pbkdf2-sha256$100$MDEyMzQ1Njc4OWFiY2RlZg$jFv3hht7uRixqMdKdjkASH0qpaB7Y6oFZhc.KxyeitI",
    "pbkdf2_sha256$100$saltysaltysalty$KM3O6PQOy4NBFhUd3oZl/aA/+OcAmU4jpP+EnxmRoaA=",
    "$argon2i$v=16$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$tGIxLiBuBRoNePzxgRL/rccpXV/9pZbAfObn5cPwCe8",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_whoever_comes_with_a_foreign_hash_signs_in_and_has_one_of_ours_then() {
    let app = TestApp::redis_with(&["--password-attempts", "none"]).await;
    let ada = app.person("ada").await;
    for hash in HASHES {
        app.import_hash(&ada.id, hash).await;
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        assert!(hash.starts_with(&app.setting(&ada.id).await), "a wrong password changes nothing: {hash}");
        app.sign_in(&ada.email, "correct horse").await.expect(201);
        assert!(app.setting(&ada.id).await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        app.sign_in(&ada.email, "correct horse").await.expect(201);
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
    }
    app.import_hash(&ada.id, HASHES[0]).await;
    let patch = json!({"name": "Ada", "email": "ada@example.org", "current_password": "correct horse"});
    app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_new_pepper_goes_into_the_hash_of_whoever_signs_in() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let (old, new) = (format!("old:{}A", "o".repeat(42)), format!("new:{}A", "n".repeat(42)));
    let mut settings = vec![app.setting(&ada.id).await];
    for peppers in [old.clone(), format!("{new},{old}"), new] {
        let peppered = TestApp::beside(&app, &["--peppers", &peppers]).await;
        peppered.token(&ada.email).await;
        peppered.sign_in(&ada.email, "correct horse").await.refused(401, "invalid_credentials");
        peppered.stop().await;
        settings.push(app.setting(&ada.id).await);
    }
    let ids = settings.iter().map(|setting| setting.split(['=', '$']).find(|part| ["b2xk", "bmV3"].contains(part)));
    assert_eq!(ids.collect::<Vec<_>>(), [None, Some("b2xk"), Some("bmV3"), Some("bmV3")], "{settings:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_pepper_that_is_missing_is_told_to_the_operator_alone() {
    let server = RedisServer::start();
    let secret = "p".repeat(42) + "A";
    let start = |pepper: &str| {
        Process::start(&[("LATCHKEY_REDIS_URL", &server.url()), ("LATCHKEY_PEPPERS", &format!("{pepper}:{secret}"))])
    };
    let ada = json!({"email": "ada@example.com", "password": PASSWORD});
    let sign_in = json!({"login": "ada@example.com", "password": PASSWORD});
    let post = async |url: String, body| reqwest::Client::new().post(url).json(body).send().await.unwrap().status();

    let first = start("first");
    assert_eq!(post(format!("{}/v1/users", first.url), &ada).await, 201);
    assert_eq!(post(format!("{}/v1/sessions", first.url), &sign_in).await, 201);
    let second = start("second");
    assert_eq!(post(format!("{}/v1/sessions", second.url), &sign_in).await, 401, "as if there were no such account");
    second.signal("-TERM");
    let (_, log) = second.end();
    let told = log.as_bytes().lines().map(Result::unwrap).find(|line| line.contains("LATCHKEY_PEPPERS")).expect(&log);
    assert!(told.contains("`first`") && told.contains("ERROR"), "{told}");
    assert!(!log.contains(&secret) && !log.contains("ada@"), "{log}");
}

#[test]
fn peppers_are_said_in_one_place_and_each_has_its_id() {
    let (good, secret) = (format!("a:{}A", "a".repeat(42)), "a".repeat(42) + "A");
    for (settings, code, part) in [
        (vec![("LATCHKEY_PEPPERS", secret.as_str())], 2, "an id of 1 to 8 characters"),
        (vec![("LATCHKEY_PEPPERS", &good), ("LATCHKEY_PEPPERS_FILE", "peppers")], 2, "set one of them"),
        (vec![("LATCHKEY_PEPPERS_FILE", "/nowhere")], 1, "/nowhere: No such file"),
        (vec![("LATCHKEY_PEPPERS", &format!("{good},{good}"))], 1, "two with the id `a`"),
    ] {
        let said = line(&run(&settings, &[]), code);
        assert!(said.contains("LATCHKEY_PEPPERS") && said.contains(part), "{said}");
        assert!(!said.contains(&secret), "{said}");
    }
}

#[test]
fn a_file_of_peppers_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("new:{}A\n\nold:{}A\n", "n".repeat(42), "o".repeat(42))).unwrap();
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        file.as_file().set_permissions(PermissionsExt::from_mode(mode)).unwrap();
        let process = Process::start(&[("LATCHKEY_PEPPERS_FILE", file.path().to_str().unwrap())]);
        process.signal("-TERM");
        let (code, log) = process.end();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(log.contains("LATCHKEY_PEPPERS_FILE") && log.contains("chmod 600"), warned, "{log}");
    }
}
