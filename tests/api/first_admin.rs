//! `LATCHKEY_ADMIN_EMAIL`: the first administrator, on every store.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use latchkey::accounts::{Accounts, EmailAddress, FirstAdmin};
use serde_json::json;

use crate::{
    claims::NOBODY,
    support::{NEW_PASSWORD, PASSWORD, TestApp, on_every_store},
};

const ROOT: &str = "root@example.com";

on_every_store! {
    with ["--admin-email", "root@example.com"]

    async fn the_first_administrator_sets_a_password_by_a_letter_and_may_do_everything(app: TestApp) {
        let letter = app.letter(ROOT).await;
        assert!(letter.text.contains("7 days"), "{}", letter.text);
        app.sign_in(ROOT, PASSWORD).await.refused(401, "invalid_credentials");
        app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
        let root = app.person_with(ROOT, NEW_PASSWORD).await;
        let me = app.me(&root.token).await.body;
        assert_eq!((&me["roles"], &me["email_verified"]), (&json!(["admin"]), &json!(true)));
        app.put_role(&root.token, "editor", &["latchkey:users:read", "articles:write"]).await.expect(200);
        let list = app.get("/v1/admin/roles").bearer(&root.token).send().await.expect(200).body;
        assert_eq!(list["items"].as_array().unwrap().len(), 2);
        app.delete("/v1/admin/roles/editor").bearer(&root.token).send().await.expect(204);
        app.delete("/v1/users/me").bearer(&root.token).send().await.refused(409, "last_admin");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_second_start_makes_no_second_administrator_and_an_account_stays_what_it_is() {
    let first = TestApp::redis().await;
    let ada = first.person("ada").await;
    let second = TestApp::beside(&first, &["--admin-email", "ada@example.com"]).await;
    assert_eq!(
        second.me(&ada.token).await.expect(200).body["roles"],
        json!([]),
        "whoever was there first stays who they are"
    );
    second.stop().await;
    let second = TestApp::beside(&first, &["--admin-email", ROOT]).await;
    second.letter(ROOT).await;
    let third = TestApp::beside(&first, &["--admin-email", "other@example.com"]).await;
    third.register("other").await.expect(201);
    assert_eq!(third.letters("other@example.com").len(), 0);
    third.stop().await;
    second.stop().await;
    first.check(false).await.expect_clean();
    first.stop().await;
}

/// As when many instances start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_of_many_that_make_the_first_administrator_one_does_and_all_know() {
    let app = TestApp::redis().await;
    let accounts = join_all((0..8).map(|_| app.accounts())).await.into_iter().map(Arc::new).collect::<Vec<_>>();
    let invite = async |accounts: &Arc<Accounts>| accounts.invite_first_admin(EmailAddress::parse(ROOT).unwrap()).await;
    let outcomes = join_all(accounts.iter().map(invite)).await;
    let invited = outcomes.iter().filter(|outcome| matches!(outcome, Ok(FirstAdmin::Invited(_)))).count();
    let informed = outcomes.iter().filter(|outcome| matches!(outcome, Ok(FirstAdmin::IsThere))).count();
    assert_eq!((invited, informed), (1, 7), "{outcomes:?}");
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_an_instance_that_died_had_claimed_is_waited_for() {
    let app = TestApp::redis().await;
    app.leave_claim(ROOT, NOBODY, 0).await;
    let accounts = Arc::new(app.accounts().await);
    let mut inviting = pin!(accounts.invite_first_admin(EmailAddress::parse(ROOT).unwrap()));
    let early = tokio::time::timeout(Duration::from_secs(1), &mut inviting).await;
    assert!(early.is_err(), "it may be alive: {early:?}");
    app.clock.advance(Duration::from_secs(11));
    assert!(matches!(inviting.await, Ok(FirstAdmin::Invited(_))));
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_account_that_is_there_is_told_from_an_administrator() {
    let app = TestApp::redis().await;
    app.register("ada").await.expect(201);
    let accounts = Arc::new(app.accounts().await);
    let invite = async |email: &str| accounts.invite_first_admin(EmailAddress::parse(email).unwrap()).await.unwrap();
    assert_eq!(invite("ada@example.com").await, FirstAdmin::HasAccount);
    assert!(matches!(invite(ROOT).await, FirstAdmin::Invited(_)));
    for email in [ROOT, "ada@example.com", "other@example.com"] {
        assert_eq!(invite(email).await, FirstAdmin::IsThere, "{email}");
    }
    app.stop().await;
}
