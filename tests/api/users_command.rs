//! `latchkey users` as operators use it: tables for people, JSON for programs, and exit codes.

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, line, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl TestApp {
    /// What a command prints that succeeds.
    pub async fn printed(&self, arguments: &str) -> String {
        let output = self.operator(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments}: {output:?}");
        text(&output.stdout)
    }

    pub async fn printed_json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.printed(arguments).await).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_users_are_listed_as_a_table_and_as_the_api_shows_them() {
    let app = TestApp::redis().await;
    for number in 0..5 {
        app.register(&format!("user{number}")).await.expect(201);
    }
    let table = app.printed("users list").await;
    let lines = table.lines().collect::<Vec<_>>();
    assert!(lines[0].starts_with("ID ") && lines[0].contains("  EMAIL "), "{table}");
    assert_eq!(lines.len(), 6, "{table}");
    let output = app.operator("users list --limit 2").await;
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(shown.lines().count(), 3, "{shown}");
    let cursor = told.trim().strip_prefix("there may be more: --cursor ").expect(&told);
    let rest = app.printed_json(&format!("users list --json --cursor {cursor}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (3, &json!(null)));
    let listed = app.admin("GET", "/v1/admin/users").await.send().await.expect(200).body;
    assert_eq!(app.printed_json("users list --json").await, listed);
    let found = app.printed_json("users list --json --email-prefix USER3 --verified false --status active").await;
    assert_eq!(found["items"][0]["email"], "user3@example.com");
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_user_is_shown_changed_signed_out_and_deleted() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let shown = app.printed(&format!("users show {}", ada.email)).await;
    assert!(shown.contains(&ada.id) && shown.contains("(not confirmed)") && shown.contains("active"), "{shown}");
    let read = app.admin("GET", &format!("/v1/admin/users/{}", ada.id)).await.send().await.expect(200).body;
    assert_eq!(app.printed_json(&format!("users show {} --json", ada.email)).await, read);

    let patch =
        "--username lovelace --name Ada --email new@example.com --email-verified true --metadata {\"plan\":\"pro\"}";
    let changed = app.printed_json(&format!("users patch {} --json {patch}", ada.id)).await;
    assert_eq!((&changed["username"], &changed["email_verified"]), (&json!("lovelace"), &json!(true)));
    assert_eq!(app.me(&ada.token).await.expect(200).body["metadata"], json!({"plan": "pro"}));
    let cleared = app.printed_json("users patch lovelace --json --no-name").await;
    assert_eq!(cleared["name"], json!(null));

    let sessions = app.printed("users sessions lovelace").await;
    assert_eq!(sessions.lines().count(), 2, "{sessions}");
    app.printed("users end-sessions lovelace").await;
    app.me(&ada.token).await.refused(401, "token_invalid");
    app.printed("users reset-password lovelace").await;
    let letter = app.letter("new@example.com").await;
    assert!(letter.token().starts_with("lkm_"));
    let suspended = app.printed("users suspend lovelace --reason spam --until 2999-01-01T00:00:00Z").await;
    assert!(suspended.ends_with(": suspended\n"), "{suspended}");
    let shown = app.printed("users show lovelace").await;
    assert!(shown.contains("until 2999-01-01T00:00:00.000Z: spam"), "{shown}");

    let said = line(&app.operator("users delete lovelace").await, 1);
    assert!(said.contains("--yes"), "{said}");
    app.printed("users delete lovelace --yes").await;
    assert!(line(&app.operator("users show lovelace").await, 1).contains("no user"));
    app.sign_in("new@example.com", PASSWORD).await.refused(401, "invalid_credentials");
    let deletions = app.admin("GET", "/v1/admin/deletions").await.send().await.expect(200).body;
    assert_eq!(deletions["items"][0]["actor"]["type"], "operator");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_is_wrong_is_said_in_a_line_and_changes_nothing() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.register("eve").await.expect(201);
    for (arguments, code) in [
        (format!("users patch {} --email eve@example.com", ada.id), 1),
        (format!("users suspend {} --until 2001-01-01T00:00:00Z", ada.id), 1),
        ("users show nobody@example.com".to_owned(), 1),
        (format!("users patch {}", ada.id), 2),
        (format!("users patch {} --username no --email-verified true", ada.id), 2),
        (format!("users patch {} --metadata [1]", ada.id), 2),
        ("users list --status gone".to_owned(), 2),
        ("users list --limit 0".to_owned(), 2),
        ("users list --cursor nowhere".to_owned(), 2),
    ] {
        let output = app.operator(&arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments}: {output:?}");
    }
    assert_eq!(app.me(&ada.token).await.expect(200).body["email"], ada.email);
    app.stop().await;
}

#[test]
fn shells_complete_the_command_line() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&[], &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let script = text(&output.stdout);
        assert!(["reset-password", "hash-cost", "redis-url"].iter().all(|word| script.contains(word)), "{shell}");
    }
    assert_eq!(run(&[], &["completions", "cmd"]).status.code(), Some(2));
}

#[test]
fn a_variable_that_is_no_setting_is_told() {
    let settings = [
        ("LATCHKEY_REDIS_ULR", "redis://127.0.0.1:1"),
        ("LATCHKEY_LOG", "warn"),
        ("LATCHKEY_PORT", "8080"),
        ("LATCHKEY_SERVICE_HOST", "10.0.0.1"),
        ("LATCHKEY_REDIS_SERVICE_PORT", "6379"),
        ("LATCHKEY_REDIS_PORT", "tcp://10.0.0.2:6379"),
        ("LATCHKEY_PORT_9443_TCP", "tcp://10.0.0.1:9443"),
    ];
    for command in [&["users", "list"][..], &["doctor"]] {
        let said = String::from_utf8(run(&settings, command).stderr).unwrap();
        let told = said.lines().filter(|line| line.contains("no setting has this name")).collect::<Vec<_>>();
        let of = |name: &str| told.iter().filter(|line| line.contains(name)).count();
        assert_eq!((told.len(), of("LATCHKEY_REDIS_ULR"), of("LATCHKEY_PORT")), (2, 1, 1), "{said}");
        assert!(!said.contains("127.0.0.1"), "{said}");
    }
}
