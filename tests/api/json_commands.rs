//! What commands say to programs with `--json`: what the API answers, where it does, and else an object.

use serde_json::{Value, json};

use crate::{
    draining::until_unready,
    support::{Process, TestApp, run},
};

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_a_command_does_to_a_user_is_said_as_the_api_shows_it() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let read = async |id: &str| app.admin("GET", &format!("/v1/admin/users/{id}")).await.send().await.expect(200).body;
    let sessions = app.printed_json("users sessions ada@example.com --json").await;
    let read_sessions =
        app.admin("GET", &format!("/v1/admin/users/{}/sessions", ada.id)).await.send().await.expect(200);
    assert_eq!((&sessions["items"], sessions["items"].as_array().unwrap().len()), (&read_sessions.body["items"], 1));
    for command in [
        "grant ada@example.com --role editor --permission a:read",
        "revoke ada@example.com --role editor",
        "suspend ada@example.com --reason spam",
        "unsuspend ada@example.com",
    ] {
        let said = app.printed_json(&format!("users {command} --json")).await;
        assert_eq!((&said, &said["id"]), (&read(&ada.id).await, &json!(ada.id)), "{command}");
    }
    let made = app.printed_json("users create bob@example.com --json --role editor").await;
    assert_eq!(made, read(made["id"].as_str().unwrap()).await);
    for (command, outcome) in
        [("end-sessions", "signed_out"), ("reset-password", "reset_started"), ("delete --yes", "deleted")]
    {
        let said = app.printed_json(&format!("users {command} --json {}", ada.email)).await;
        assert_eq!(said, json!({"id": ada.id, "outcome": outcome}), "{command}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_roles_keys_letters_and_exports_are_said_to_programs_too() {
    let app = TestApp::redis().await;
    let set = app.printed_json("roles set editor --permission a:read --description Writes --json").await;
    let read = async |path: &str| app.admin("GET", path).await.send().await.expect(200).body;
    assert_eq!(set, read("/v1/admin/roles/editor").await);
    assert_eq!(app.printed_json("roles show editor --json").await, set);
    assert_eq!(app.printed_json("roles list --json").await, read("/v1/admin/roles").await);
    let deleted = app.printed_json("roles delete editor --json").await;
    assert_eq!(deleted, json!({"name": "editor", "outcome": "deleted"}));

    let key = app.printed_json("api-keys create --name billing --scope tokens:introspect --json").await;
    app.introspect(key["key"].as_str().unwrap(), "no token").await.expect(200);
    let listed = app.printed_json("api-keys list --json").await;
    let same = listed.as_array().unwrap().iter().find(|listed| listed["id"] == key["id"]).unwrap();
    assert_eq!((&same["name"], &same["scopes"], same.get("key")), (&key["name"], &key["scopes"], None));
    let id = key["id"].as_str().unwrap();
    let revoked = app.printed_json(&format!("api-keys revoke {id} --json")).await;
    assert_eq!(revoked, json!({"id": id, "outcome": "revoked"}));

    let rotated = app.printed_json("keys rotate --json").await;
    assert!(app.printed_json("keys list --json").await.as_array().unwrap().contains(&rotated), "{rotated}");
    assert_eq!(rotated["stage"], "waiting");
    let now = app.printed_json("keys rotate --now --json").await;
    assert_eq!(app.printed_json("keys list --json").await, json!([now]));
    assert_eq!(app.printed_json("outbox retry --json").await, json!({"retried": 0}));

    app.register("ada").await.expect(201);
    let folder = tempfile::tempdir().unwrap();
    let said = app.printed_json(&format!("export {} --json", folder.path().join("users").display())).await;
    assert_eq!(said, json!({"users": 1, "unreadable": 0}));
    let piped = app.operator("export --json").await;
    assert_eq!((parsed(&piped.stdout)["email"].clone(), parsed(&piped.stderr)), (json!("ada@example.com"), said));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_said_as_the_api_says_it() {
    let process = Process::start(&[("LATCHKEY_DRAIN_DELAY", "5m")]);
    let settings = [("LATCHKEY_LISTEN", process.url.strip_prefix("http://").unwrap())];
    let ready = run(&settings, &["health", "--json"]);
    assert_eq!((ready.status.code(), parsed(&ready.stdout)), (Some(0), json!({"status": "ok"})));
    process.signal("-TERM");
    until_unready(&process).await;
    let draining = run(&settings, &["health", "--json"]);
    assert_eq!((draining.status.code(), &parsed(&draining.stdout)["code"]), (Some(1), &json!("draining")));
}

#[test]
fn what_hashes_cost_is_said_to_programs_too() {
    let measured = run(&[("LATCHKEY_HASH_THREADS", "1")], &["hash-cost", "--target", "0s", "--json"]);
    let said = parsed(&measured.stdout);
    let rows = said["measured"].as_array().unwrap();
    assert_eq!((&said["threads"], &said["target_reached"], rows.len()), (&json!(1), &json!(false), 7));
    assert!(rows.contains(&said["proposed"]) && said["proposed"]["time_ms"].as_f64() > Some(0.0), "{said}");
}
