//! `POST /v1/admin/imports`: users over HTTP, from whoever may import them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    import_command::crowd,
    redis_server::command,
    support::{Answer, PASSWORD, Process, TestApp, line, place::Place},
};

impl TestApp {
    /// Imports these lines with a token or an API key.
    pub async fn import(&self, token: &str, query: &str, text: impl Into<Vec<u8>>) -> Answer {
        let request = self.post(&format!("/v1/admin/imports{query}")).bearer(token);
        request.header("content-type", "application/x-ndjson").body(text.into()).send().await
    }

    pub async fn import_too_much(&self) -> Answer {
        let (_, key) = self.api_key("--scope users:import").await;
        self.import(&key, "", "{}\n".repeat(10_001)).await
    }

    async fn grant(&self, login: &str, permission: &str) {
        let done = self.operator(&format!("users grant {login} --permission {permission}")).await;
        assert!(done.status.success(), "{done:?}");
    }
}

fn outcomes(answer: &Answer) -> Vec<(u64, &str, &str)> {
    let items = answer.body["items"].as_array().unwrap();
    items
        .iter()
        .map(|i| {
            let problem = i["problem"]["code"].as_str().unwrap_or_default();
            (i["line"].as_u64().unwrap(), i["outcome"].as_str().unwrap(), problem)
        })
        .collect()
}

async fn importing_takes_its_permission(app: TestApp) {
    let ada = app.person("ada").await;
    let line = r#"{"email": "eve@example.com", "username": "eve"}"#;
    app.import(&ada.token, "", line).await.refused(403, "permission_denied");
    app.import("nothing", "", line).await.refused(401, "token_invalid");
    app.grant("ada@example.com", "users:import").await;
    app.import(&ada.token, "", line).await.refused(403, "permission_denied");
    app.grant("ada@example.com", "latchkey:users:import").await;

    let dry = app.import(&ada.token, "?dry_run=true", line).await.expect(200).body;
    assert_eq!((&dry["created"], &dry["items"][0]), (&json!(1), &json!({"line": 1, "outcome": "created"})));
    let made = app.import(&ada.token, "", line).await.expect(200).body;
    assert_eq!(
        (&made["created"], &made["items"][0]["outcome"]),
        (&json!(1), &json!("created")),
        "a dry run made nothing"
    );
    let again = app.import(&ada.token, "?dry_run=false", line).await.expect(200).body;
    assert_eq!((&again["unchanged"], &again["items"][0]["id"]), (&json!(1), &made["items"][0]["id"]));

    let text =
        format!("{line}\n\n{{}}\nnot json\n{{\"email\": \"ada@example.com\"}}\n{{\"email\": \"fay@example.com\"}}");
    let mixed = app.import(&ada.token, "", text).await.expect(200);
    let expected = [
        (1, "unchanged", ""),
        (3, "invalid", "validation_failed"),
        (4, "invalid", "malformed_json"),
        (5, "conflict", "email_taken"),
        (6, "created", ""),
    ];
    assert_eq!(outcomes(&mixed), expected);
    assert_eq!(mixed.body["items"][1]["problem"]["errors"][0]["field"], "email");
    let nobody = r#"{"email": "kim@example.com"}"#;
    for query in ["?dry_run=maybe", "?dry-run=true", "?dryRun=true", "?dry_run=false&dry_run=true"] {
        app.import(&ada.token, query, nobody).await.refused(400, "invalid_parameter");
    }
    let still = app.import(&ada.token, "?dry_run=true", nobody).await.expect(200);
    assert_eq!(outcomes(&still), [(1, "created", "")], "nobody was made");
    app.sign_in("fay@example.com", PASSWORD).await.refused(401, "invalid_credentials");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_importing_takes_its_permission() {
    importing_takes_its_permission(TestApp::redis().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_importing_takes_its_permission() {
    importing_takes_its_permission(TestApp::cluster().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nobody_imports_more_than_they_have() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("--scope users:import").await;
    let (_, more) = app.api_key("--scope users:import --scope roles:write --scope users:read").await;
    let (_, other) = app.api_key("--scope users:read").await;
    let with =
        |n: u8, field: &str, word: &str| json!({"email": format!("p{n}@example.com"), field: [word]}).to_string();
    app.import(&other, "", with(0, "roles", "editor")).await.refused(403, "insufficient_scope");
    for (n, key, field, word, outcome) in [
        (1, &key, "roles", "editor", "invalid"),
        (2, &key, "permissions", "articles:publish", "invalid"),
        (3, &more, "roles", "editor", "created"),
        (4, &more, "permissions", "articles:publish", "created"),
        (5, &more, "permissions", "latchkey:users:read", "created"),
        (6, &more, "permissions", "latchkey:users:delete", "invalid"),
        (7, &more, "roles", "admin", "invalid"),
    ] {
        let answer = app.import(key, "", with(n, field, word)).await.expect(200).body;
        assert_eq!(answer["items"][0]["outcome"], outcome, "{answer}");
        if outcome == "invalid" {
            let error = &answer["items"][0]["problem"]["errors"][0];
            assert_eq!((&error["code"], &error["field"]), (&json!("forbidden"), &json!(field)), "{error}");
        }
    }
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_is_bounded_and_other_bodies_are_as_before() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("--scope users:import").await;
    let line = r#"{"email": "ada@example.com"}"#;
    let json = app.post("/v1/admin/imports").bearer(&key).json(&json!({}));
    json.send().await.refused(415, "unsupported_media_type");
    let lines = format!("{line}\n").repeat(10_000);
    let answer = app.import(&key, "?dry_run=true", format!("{lines}\n\n")).await.expect(200);
    assert_eq!((&answer.body["created"], &answer.body["conflicts"]), (&json!(1), &json!(9_999)));
    app.import(&key, "", format!("{lines}{line}")).await.refused(422, "too_many_lines");
    let padding = " ".repeat(60_000) + "\n";
    let large = padding.repeat(270) + line;
    assert!(large.len() > 16_000_000 && large.len() < 16 * 1024 * 1024);
    assert_eq!(app.import(&key, "", large.clone()).await.expect(200).body["created"], 1);
    app.import(&key, "", large + &padding.repeat(20)).await.refused(413, "body_too_large");
    // Whoever may not import is refused before their body is read.
    let refused = app.import("nothing", "", lines.clone()).await.refused(401, "token_invalid");
    assert_eq!(refused.header("connection"), "close", "nothing comes behind a body that was not read");
    for path in ["/v1/users", "/v1/admin/imports/x"] {
        let request = app.post(path).header("content-type", "application/json").body(lines.clone());
        request.send().await.refused(413, "body_too_large");
    }
    app.stop().await;
}

/// 2 GiB, and 1 s.
const DEAR: &str =
    "$argon2id$v=19$m=2097152,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_hash_that_takes_all_memory_comes_by_the_command_line_alone() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("--scope users:import").await;
    let line = |hash: &str| json!({"email": "ada@example.com", "password_hash": hash}).to_string();
    for query in ["?dry_run=true", ""] {
        let answer = app.import(&key, query, line(DEAR)).await.expect(200).body;
        let error = &answer["items"][0]["problem"]["errors"][0];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("128 MiB") && message.contains("`latchkey import`"), "{message}");
        assert_eq!((&error["code"], &error["field"]), (&json!("invalid"), &json!("password_hash")), "{answer}");
    }
    let answer = app.import(&key, "?dry_run=true", line(&DEAR.replace("2097152", "131072"))).await.expect(200);
    assert_eq!(answer.body["created"], 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.ndjson");
    std::fs::write(&file, line(DEAR)).unwrap();
    let done = app.operator(&format!("import {}", file.display())).await;
    assert!(done.status.success(), "{done:?}");
    app.stop().await;
}

/// Sends these lines, and answers the status and the body, if an answer came.
fn send(process: &Process, key: &str, text: &str) -> impl Future<Output = Option<(u16, Value)>> + use<> {
    let request = reqwest::Client::new().post(format!("{}/v1/admin/imports", process.url)).bearer_auth(key);
    let request = request.header("content-type", "application/x-ndjson").body(text.to_owned());
    async move {
        let answer = request.send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_that_a_stop_ends_says_how_far_it_got_and_is_sent_again() {
    // With a time of 0 s, the client is cut off before its answer.
    for (timeout, is_told) in [("10s", true), ("0s", false)] {
        stop_within_an_import(timeout, is_told).await;
    }
}

async fn stop_within_an_import(timeout: &str, is_told: bool) {
    let place = Place::redis().await;
    let made = place.run(&["api-keys", "create", "--name", "import", "--scope", "users:import", "users:read"]);
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let text = crowd("person", 5_000, false);
    let settings =
        [place.settings().as_slice(), &[("LATCHKEY_SHUTDOWN_TIMEOUT", timeout), ("LATCHKEY_REQUEST_TIMEOUT", "2m")]]
            .concat();
    let process = Process::start(&settings);
    let import = tokio::spawn(send(&process, &key, &text));
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let request = reqwest::Client::new().get(format!("{}/v1/admin/users?limit=1", process.url)).bearer_auth(&key);
        let found = request.send().await.unwrap().json::<Value>().await.unwrap();
        if found["items"].as_array().is_some_and(|items| !items.is_empty()) {
            break;
        }
        assert!(Instant::now() < deadline, "nobody was imported: {found}");
    }
    process.signal("-TERM");
    let (code, log) = process.end();
    let answer = import.await.unwrap();
    assert_eq!((code, answer.is_some()), (Some(0), is_told), "{log}");
    let told = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = told.filter(|line| line["message"].as_str().is_some_and(|said| said.starts_with("an import ends")));
    let lines = told.map(|line| line["lines"].as_u64().unwrap()).collect::<Vec<_>>();
    let [done] = lines.as_slice() else { panic!("{log}") };
    assert!((1000..5_000).contains(done), "{log}");
    if let Some((status, problem)) = answer {
        assert_eq!((status, &problem["code"]), (503, &json!("draining")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("up to {done};")), "{problem}");
    }

    let process = Process::start(&settings);
    let (status, again) = send(&process, &key, &text).await.unwrap();
    let count = |name: &str| again[name].as_u64().unwrap();
    assert_eq!((status, count("unchanged"), count("created")), (200, *done, 5_000 - done), "lines end at users");
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_store_that_is_full_ends_an_import_and_the_same_lines_may_come_again() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("--scope users:import").await;
    let client = app.redis.as_ref().unwrap().client().await;
    let lines = crowd("eve", 5, false);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    std::fs::write(&file, &lines).unwrap();
    let import = format!("import {}", file.display());

    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    app.import(&key, "", lines.clone()).await.refused(503, "store_full");
    let said = line(&app.operator(&import).await, 2);
    assert!(said.contains("full") && said.contains("run it again"), "{said}");
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    assert_eq!(app.import(&key, "", lines).await.expect(200).body["created"], 5);
    app.check(false).await.expect_clean();
    app.stop().await;
}
