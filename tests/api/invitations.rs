//! Accounts that are made for somebody: by an invitation, with a password, or with neither.

use std::{process::Stdio, sync::Arc, time::Duration};

use latchkey::accounts::{Authority, EmailAddress, Error, Grants, NewAccount, RoleDefinition, VersionMatch};
use serde_json::{Value, json};

use crate::support::{NEW_PASSWORD, PASSWORD, TestApp, admin::SCOPES, line};

const ADA: &str = "ada@example.com";

fn account(email: &str) -> NewAccount {
    NewAccount::of(EmailAddress::parse(email).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_somebody_who_is_invited_sets_a_password_within_its_time_and_once() {
    let app = TestApp::redis_with(&["--invitation-lifetime", "48h"]).await;
    let made =
        app.operator("users create ada@example.com --username ada --name Ada --role editor --invite --json").await;
    assert!(made.status.success(), "{made:?}");
    let id = serde_json::from_slice::<serde_json::Value>(&made.stdout).unwrap()["id"].as_str().unwrap().to_owned();
    let letter = app.letter(ADA).await;
    assert!(letter.text.contains("48 hours") || letter.text.contains("2 days"), "{}", letter.text);
    app.sign_in("ada", PASSWORD).await.refused(401, "invalid_credentials");
    app.clock.advance(Duration::from_secs(47 * 3600));
    app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
    let user = app.sign_in("ada", NEW_PASSWORD).await.expect(201).body["user"].clone();
    assert_eq!((&user["id"], &user["email_verified"], &user["roles"]), (&json!(id), &json!(true), &json!(["editor"])));
    app.reset(json!({"token": letter.token()}), PASSWORD).await.refused(403, "confirmation_invalid");

    assert!(app.operator("users create bob@example.com --invite").await.status.success());
    let late = app.letter("bob@example.com").await;
    app.clock.advance(Duration::from_secs(48 * 3600));
    app.reset(json!({"token": late.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_is_taken_is_refused_and_leaves_nothing_behind() {
    let app = TestApp::redis().await;
    app.register("ada").await.expect(201);
    assert!(
        line(&app.operator("users create ADA@example.com --role admin").await, 1).contains("email address is taken")
    );
    assert!(app.operator("users create b@example.com --username bob").await.status.success());
    assert!(line(&app.operator("users create c@example.com --username bob").await, 1).contains("username is taken"));
    assert!(line(&app.operator("users create b@example.com").await, 1).contains("taken"));
    app.check(false).await.expect_clean();
    // Nobody signs in, until a password is reset.
    app.sign_in("bob", "").await.refused(401, "invalid_credentials");
    let letter = app.letter_of("b@example.com", app.request_reset("b@example.com")).await;
    app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
    app.sign_in("bob", NEW_PASSWORD).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_machine_has_a_password_from_standard_input() {
    let app = TestApp::redis().await;
    let url = app.redis.as_ref().unwrap().url();
    let create = move |email: &str, password: &str| {
        use std::io::Write;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.args(["users", "create", email, "--password-stdin", "--redis-url", &url]);
        command.args(["--allow-weak-hashes", "--argon2-memory-kib", "8", "--argon2-iterations", "1"]);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = pipes.spawn().unwrap();
        process.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    };
    assert!(line(&create("short@example.com", "short"), 1).contains("password"));
    let made = create("robot@example.com", PASSWORD);
    assert!(made.status.success() && !String::from_utf8(made.stdout).unwrap().contains(PASSWORD));
    app.sign_in("robot@example.com", PASSWORD).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_who_makes_accounts_needs_another_scope_to_give_them_something() {
    let app = TestApp::redis().await;
    let key = app.api_key_for("users:write").await;
    let make = async |body: Value| app.post("/v1/admin/users").bearer(&key).json(&body).send().await;
    make(json!({"email": ADA})).await.expect(201);
    for given in [json!({"roles": ["editor"]}), json!({"permissions": ["articles:write"]})] {
        let mut body = given;
        body["email"] = "bob@example.com".into();
        make(body).await.refused(403, "insufficient_scope");
    }
    make(json!({"email": "bob@example.com", "roles": [], "permissions": []})).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nobody_makes_or_resets_an_account_that_may_do_more_than_they() {
    let app = TestApp::redis().await;
    let accounts = Arc::new(app.accounts().await);
    let key = app.api_key_for("users:write roles:write").await;
    let by = accounts.authority_of_api_key(&latchkey::accounts::ApiKeyText::new(&key), None).await.unwrap();
    let grants = |roles: &[&str], permissions: &[&str]| {
        let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        Grants::new(roles, permissions.iter().map(|permission| permission.parse().unwrap()).collect()).unwrap()
    };
    let root = accounts.create_user(
        Authority::operator(),
        NewAccount { grants: grants(&["admin"], &[]), ..account("root@example.com") },
    );
    let root = root.await.unwrap();
    let permissions = ["latchkey:users:delete".parse().unwrap()].into();
    let cleaner = RoleDefinition { permissions, description: None };
    accounts.put_role(&Authority::operator(), &"cleaner".parse().unwrap(), cleaner, &VersionMatch::Any).await.unwrap();
    let over_reach = [grants(&["admin"], &[]), grants(&["cleaner"], &[]), grants(&[], &["latchkey:users:delete"])];
    for wrong in over_reach {
        let made = accounts.create_user(by.clone(), NewAccount { grants: wrong.clone(), ..account(ADA) }).await;
        assert!(matches!(made, Err(Error::InsufficientScope(_))), "{made:?}");
    }
    let made = NewAccount { grants: grants(&["editor"], &["latchkey:users:write"]), ..account(ADA) };
    let ada = accounts.create_user(by.clone(), made).await.unwrap();
    let more = grants(&[], &["latchkey:users:read"]);
    assert!(matches!(accounts.grant(&by, ada.id, &more).await, Err(Error::InsufficientScope(_))));
    let (roles, any) = (["writer".parse().unwrap()].into(), VersionMatch::Any);
    let changed = accounts.set_grants(&by, ada.id, Some(&roles), None, &VersionMatch::OneOf(vec![1])).await.unwrap();
    assert_eq!(changed.grants, grants(&["writer"], &["latchkey:users:write"]));
    let stale = accounts.set_grants(&by, ada.id, Some(&roles), None, &VersionMatch::OneOf(vec![1])).await;
    assert!(matches!(stale, Err(Error::VersionMismatch)));

    for outcome in [
        accounts.start_password_reset(by.clone(), root.id, VersionMatch::Any).await,
        accounts.suspend_user(&by, root.id, None, None, &any).await.map(drop),
        accounts.revoke(&by, root.id, &grants(&["admin"], &[])).await.map(drop),
    ] {
        assert!(matches!(outcome, Err(Error::InsufficientScope(_))), "{outcome:?}");
    }
    // No scopes make a key an administrator, nor do they let it become one by somebody else's account.
    let key = app.api_key_for(&format!("{SCOPES} tokens:introspect")).await;
    let by_key = accounts.authority_of_api_key(&latchkey::accounts::ApiKeyText::new(&key), None).await.unwrap();
    let made = accounts
        .create_user(by_key.clone(), NewAccount { grants: grants(&["admin"], &[]), ..account("c@example.com") });
    for outcome in [
        made.await.map(drop),
        accounts.grant(&by_key, ada.id, &grants(&["admin"], &[])).await.map(drop),
        accounts.start_password_reset(by_key.clone(), root.id, VersionMatch::Any).await,
    ] {
        assert!(matches!(outcome, Err(Error::AdminNeeded)), "{outcome:?}");
    }
    app.standing_of(&root.id.to_string()).await.refused(403, "permission_denied");
    accounts.start_password_reset(by.clone(), ada.id, VersionMatch::Any).await.unwrap();
    let letter = app.letter(ADA).await;
    app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
    app.sign_in(ADA, NEW_PASSWORD).await.expect(201);
    app.stop().await;
}

impl TestApp {
    /// What is answered when a key with all scopes makes somebody an administrator.
    async fn standing_of(&self, id: &str) -> crate::support::Answer {
        let request = self.admin("PATCH", &format!("/v1/admin/users/{id}/grants")).await;
        request.json(&json!({"roles": ["admin"]})).send().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_invitation_has_no_password_and_is_throttled_by_address() {
    let app = TestApp::redis_with(&["--mails-per-address", "2/1h"]).await;
    let make = async |invite: bool, more: serde_json::Value| {
        let mut body = json!({"email": ADA, "invite": invite});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.admin("POST", "/v1/admin/users").await.json(&body).send().await
    };
    let both = make(true, json!({"password": PASSWORD})).await;
    assert_eq!(both.refused(422, "validation_failed").wrong_fields(), [("invite", "invalid")]);
    let delete = async |made: crate::support::Answer| {
        let path = format!("/v1/admin/users/{}", made.expect(201).body["id"].as_str().unwrap());
        app.admin("DELETE", &path).await.send().await.expect(204);
    };
    delete(make(false, json!({"password": PASSWORD})).await).await;
    for _ in 0..2 {
        delete(make(true, json!({})).await).await;
    }
    make(true, json!({})).await.refused(429, "too_many_attempts");
    make(false, json!({})).await.expect(201);
    app.stop().await;
}
