//! Roles and permissions: `latchkey users grant` and `revoke`, and what people see of it.

use std::{cell::Cell, process::Output};

use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Process, TestApp, check, line, on_every_store, run};

/// What it printed, which must be a line, after doing what it was told.
#[track_caller]
fn done(output: &Output) -> String {
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{output:?}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_is_granted_shows_at_once_as_a_new_version() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let before = app.me(&ada.token).await.expect(200);
    assert_eq!((&before.body["roles"], &before.body["permissions"]), (&json!([]), &json!([])));
    let stored = app.stored_user(&ada.id).await;
    assert!(!stored.contains_key("roles") && !stored.contains_key("permissions"), "what is empty costs nothing");

    let grant = "users grant ADA@example.com --role editor author --permission b:write --permission a.read";
    let said = done(&app.operator(grant).await);
    assert_eq!(said, format!("user {}: roles: author editor; permissions: a.read b:write\n", ada.id));
    let after = app.me(&ada.token).await.expect(200);
    let (roles, permissions) = (json!(["author", "editor"]), json!(["a.read", "b:write"]));
    assert_eq!((&after.body["roles"], &after.body["permissions"]), (&roles, &permissions));
    assert_eq!((before.header("etag"), after.header("etag")), ("\"1\"", "\"2\""));
    assert!(after.body["updated_at"].as_str() > before.body["updated_at"].as_str());
    let stored = app.stored_user(&ada.id).await;
    assert_eq!((&*stored["roles"], &*stored["permissions"]), ("author editor", "a.read b:write"));

    assert_eq!(done(&app.operator(&format!("users grant {} --role author", ada.id)).await), said);
    assert_eq!(app.me(&ada.token).await.header("etag"), "\"2\"", "nothing is new");
    app.check(false).await.expect_clean();

    let said = done(&app.operator("users revoke ada@example.com --role editor other --permission b:write").await);
    assert_eq!(said, format!("user {}: roles: author; permissions: a.read\n", ada.id));
    done(&app.operator("users revoke ada@example.com --role author --permission a.read").await);
    let last = app.me(&ada.token).await.expect(200);
    assert_eq!(
        (last.header("etag"), &last.body["roles"], &last.body["permissions"]),
        ("\"4\"", &json!([]), &json!([]))
    );
    let stored = app.stored_user(&ada.id).await;
    assert!(!stored.contains_key("roles") && !stored.contains_key("permissions"), "{stored:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_is_granted_stays_when_the_person_changes_something_else() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    done(&app.operator("users grant ada@example.com --role admin").await);
    let patch = json!({"name": "Ada", "password": "another password", "current_password": PASSWORD});
    let user = app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200).body;
    assert_eq!(user["roles"], json!(["admin"]));
    let stale = app.patch("/v1/users/me").bearer(&ada.token).header("If-Match", "\"1\"");
    stale.json(&json!({"name": "x"})).send().await.refused(412, "version_mismatch");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_grant_and_a_change_at_once_both_last() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let mut changes = 0;
    for round in 0..3 {
        let role = format!("round{round}");
        let ended = Cell::new(false);
        let granting = async {
            let grant = format!("users grant ada@example.com --role {role}");
            let mut output = app.operator(&grant).await;
            // Changes without a pause between them can keep a command out for as long as it tries: then it has changed nothing.
            for _ in 0..10 {
                if output.stderr == b"latchkey: others kept changing the same account\n" {
                    output = app.operator(&grant).await;
                }
            }
            ended.set(true);
            done(&output);
        };
        let changing = async {
            let (mut without, mut with) = (0, 0);
            loop {
                let is_last = ended.get();
                changes += 1;
                let patch = app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": changes.to_string()}));
                let roles = patch.send().await.expect(200).body["roles"].clone();
                let count = if roles.as_array().unwrap().contains(&json!(role)) { &mut with } else { &mut without };
                *count += 1;
                if is_last {
                    return (without, with);
                }
            }
        };
        let (without, with) = tokio::join!(granting, changing).1;
        assert!(without > 0 && with > 0, "changes before the grant and after it: {without}, {with}");
    }
    let me = app.me(&ada.token).await;
    assert_eq!(me.body["roles"], json!(["round0", "round1", "round2"]));
    assert_eq!(me.body["name"], json!(changes.to_string()));
    assert_eq!(me.header("etag"), format!("\"{}\"", 1 + changes + 3), "each of them is a version");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_wrong_grant_is_refused_in_a_line_and_changes_nothing() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    for login in ["bob@example.com", "nobody", "01a1fcec-ccf1-71d2-b65c-217aec7c1112", "-"] {
        let said = line(&app.operator(&format!("users grant {login} --role admin")).await, 1);
        assert!(said.contains("no user") && !said.contains(login), "{said}");
    }
    for word in ["Admin", "a/b", "9a", &"a".repeat(65)] {
        let said = line(&app.operator(&format!("users grant ada@example.com --role {word}")).await, 2);
        assert!(said.contains("--role") && said.contains("1 to 64 characters"), "{said}");
    }
    let none = app.operator("users grant ada@example.com").await;
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8(none.stderr).unwrap().contains("--permission"));

    let words = |range: std::ops::Range<u8>| range.map(|n| format!("r{n}")).collect::<Vec<_>>().join(" ");
    done(&app.operator(&format!("users grant ada@example.com --role {}", words(0..32))).await);
    let said = line(&app.operator("users grant ada@example.com --role one-more").await, 1);
    assert!(said.contains("at most 32 roles and 128 permissions"), "{said}");
    let said = app.operator(&format!("users grant ada@example.com --permission {}", words(0..129))).await;
    assert!(line(&said, 1).contains("at most"), "{said:?}");
    let me = app.me(&ada.token).await;
    assert_eq!((me.header("etag"), me.body["roles"].as_array().unwrap().len()), ("\"2\"", 32));
    assert_eq!(me.body["permissions"], json!([]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_token_of_somebody_with_all_that_is_allowed_is_not_too_long() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let words = |count: u8| (0..count).map(|n| format!("w{n:011}")).collect::<Vec<_>>().join(" ");
    done(&app.operator(&format!("users grant {} --role {} --permission {}", ada.id, words(32), words(128))).await);
    let more = (0..128).map(|n| format!("x{n:014}")).collect::<Vec<_>>().join(" ");
    done(&app.operator(&format!("roles set w00000000001 --permission {more}")).await);
    let token = app.token(&ada.email).await;
    assert!(token.len() > 6000, "{}", token.len());
    let me = app.me(&token).await.expect(200).body;
    assert_eq!((me["roles"].as_array().unwrap().len(), me["permissions"].as_array().unwrap().len()), (32, 256));
    let more = app.operator(&format!("users grant {} --role w", ada.id)).await;
    assert!(line(&more, 1).contains("2000 characters in all"), "{more:?}");
    let (_, key) = app.api_key("").await;
    assert_eq!(app.introspect(&key, &token).await.expect(200).body["permissions"], me["permissions"]);
    app.post("/v1/tokens/revoke").form(&format!("token={token}")).send().await.expect(200);
    app.me(&token).await.refused(401, "token_invalid");
    app.stop().await;
}

on_every_store! {
    async fn nobody_grants_themselves_anything(app: TestApp) {
        let ada = app.person("ada").await;
        let grants = json!({"roles": ["admin"], "permissions": ["all"]});
        let answer = app.patch("/v1/users/me").bearer(&ada.token).json(&grants).send().await;
        let unknown = [("roles", "unknown"), ("permissions", "unknown")];
        assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), unknown);
        let body = json!({"email": "b@example.com", "password": PASSWORD, "roles": ["admin"], "permissions": []});
        let answer = app.post("/v1/users").json(&body).send().await;
        assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), unknown);
        assert_eq!(app.me(&ada.token).await.body["roles"], json!([]));
    }
}

#[tokio::test]
async fn embedded_grants_are_made_while_the_service_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = [("LATCHKEY_DATA_DIR", data.to_str().unwrap())];
    let grant = ["users", "grant", "ada@example.com", "--role", "admin"];
    assert!(line(&run(&settings, &grant), 1).contains("there is no store"));
    let client = Client::new();
    let process = Process::start(&settings);
    assert!(line(&run(&settings, &grant), 1).contains("in use by another process"));
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let user: Value =
        client.post(format!("{}/v1/users", process.url)).json(&body).send().await.unwrap().json().await.unwrap();
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));

    let said = done(&run(&settings, &grant));
    assert_eq!(said, format!("user {}: roles: admin; permissions: none\n", user["id"].as_str().unwrap()));
    check(&settings, false).expect_clean();
    let process = Process::start(&settings);
    let body = json!({"login": "ada@example.com", "password": PASSWORD});
    let answer = client.post(format!("{}/v1/sessions", process.url)).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["user"]["roles"], json!(["admin"]));
}
