//! Schemathesis: thousands of requests made out of the OpenAPI document, right and wrong ones, and every answer held
//! against the document. `tests/api/schemathesis/` says who is signed in, and where Schemathesis expects too much.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use latchkey::http;

use crate::support::{TestApp, admin::SCOPES};

/// What each operation must have answered, or it was not reached.
const REACHED: [(&str, u16); 46] = [
    ("confirm_email_verification", 204),
    ("confirm_password_reset", 204),
    ("create_user", 201),
    ("delete_me", 204),
    ("delete_role", 204),
    ("delete_user", 204),
    ("end_session", 204),
    ("end_sessions", 204),
    ("end_user_session", 204),
    ("end_user_sessions", 204),
    ("export_me", 200),
    ("get_keys", 200),
    ("get_me", 200),
    ("get_openid_configuration", 200),
    ("get_role", 200),
    ("get_server_metadata", 200),
    ("get_statistics", 200),
    ("get_user", 200),
    ("health_live", 200),
    ("health_ready", 200),
    ("import_users", 200),
    ("introspect_token", 200),
    ("list_deletions", 200),
    ("list_events", 200),
    ("list_roles", 200),
    ("list_service_events", 200),
    ("list_sessions", 200),
    ("list_user_events", 200),
    ("list_user_sessions", 200),
    ("list_users", 200),
    ("patch_me", 200),
    ("patch_user", 200),
    ("patch_user_grants", 200),
    ("put_role", 200),
    ("reauthenticate", 200),
    ("refresh_session", 200),
    ("register", 201),
    ("request_email_verification", 202),
    ("request_password_reset", 202),
    ("request_user_password_reset", 202),
    ("revoke_token", 200),
    ("sign_in", 201),
    ("sign_out", 204),
    ("suspend_user", 200),
    ("undo_email_change", 204),
    ("unsuspend_user", 200),
];

/// For how many seconds requests are made up: `make fuzz` says so by `FUZZ_SECONDS`.
#[expect(clippy::disallowed_methods, reason = "no setting of the service")]
fn seconds() -> String {
    std::env::var("FUZZ_SECONDS").unwrap_or_else(|_| "60".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_service_keeps_to_its_document_whatever_is_sent() {
    let first = TestApp::redis().await;
    // With cookies, which are off by default: the document describes both.
    let passwords = ["--password-attempts", "--password-attempts-per-address"];
    let others = ["--registrations-per-address", "--mails-per-address"];
    let open = [passwords, others].concat().iter().flat_map(|limit| [limit, "none"]).collect::<Vec<_>>();
    let app = TestApp::beside(&first, &[&["--cookies"], open.as_slice()].concat()).await;
    let key = first.api_key_for(&format!("{SCOPES} tokens:introspect")).await;

    let folder = tempfile::tempdir().unwrap();
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/schemathesis");
    for file in ["hooks.py", "schemathesis.toml"] {
        fs::copy(Path::new(ours).join(file), folder.path().join(file)).unwrap();
    }
    fs::write(folder.path().join("openapi.json"), http::openapi_json()).unwrap();
    let libraries = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/schemathesis"));
    assert!(libraries.exists(), "`make test-tools` installs Schemathesis; `--skip redis` leaves this test out");
    let letters = std::env::join_paths([app.outbox(), first.outbox()]).unwrap();
    let mut command = Command::new("python3");
    command.args(["-m", "schemathesis.cli", "run", "--url", &app.url, "--checks", "all", "--max-time", &seconds()]);
    command.args(["--continue-on-failure", "--no-color", "openapi.json"]).current_dir(folder.path());
    command.envs([
        ("LATCHKEY_URL", app.url.as_str()),
        ("LATCHKEY_API_KEY", key.trim()),
        ("LATCHKEY_LETTERS", letters.to_str().unwrap()),
        ("LATCHKEY_SEEN", "seen.json"),
    ]);
    command.env("PYTHONPATH", libraries);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));

    let seen = fs::read(folder.path().join("seen.json")).unwrap();
    let seen: BTreeMap<String, BTreeMap<u16, u32>> = serde_json::from_slice(&seen).unwrap();
    let report = seen.iter().map(|(operation, statuses)| format!("{operation}: {statuses:?}")).collect::<Vec<_>>();
    println!("{}", report.join("\n"));
    println!(
        "{}",
        said.lines().filter(|line| line.starts_with("Seed") || line.contains("generated")).collect::<String>()
    );
    assert_eq!(seen.keys().map(String::as_str).collect::<Vec<_>>(), REACHED.map(|(operation, _)| operation));
    for (operation, status) in REACHED {
        assert!(seen[operation].contains_key(&status), "{operation} never answered {status}");
    }
    app.stop().await;
    first.stop().await;
}
