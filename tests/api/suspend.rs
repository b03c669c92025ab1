//! `latchkey users suspend` and `unsuspend`.

use serde_json::json;

use crate::support::{PASSWORD, TestApp, line};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_suspended_user_is_out_at_once_and_everywhere() {
    let app = TestApp::redis().await;
    let twin = app.twin().await;
    let ada = app.person("ada").await;
    let (phone, bob) = (app.token(&ada.email).await, app.person("bob").await);
    twin.me(&ada.token).await.expect(200);

    let said = app.operator("users suspend ada@example.com").await;
    assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("user {}: suspended\n", ada.id));
    for instance in [&app, &twin] {
        instance.me(&ada.token).await.refused(401, "token_invalid");
        instance.me(&phone).await.refused(401, "token_invalid");
        instance.refresh(&ada.refresh_token).await.refused(401, "refresh_token_invalid");
        instance.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        instance.me(&bob.token).await.expect(200);
    }
    app.check(false).await.expect_clean();

    let said = app.operator("users unsuspend ada@example.com").await;
    assert_eq!(String::from_utf8(said.stdout).unwrap(), format!("user {}: not suspended\n", ada.id));
    let again = app.signed_in(&app.me(&app.token(&ada.email).await).await.body).await;
    twin.me(&again.token).await.expect(200);
    assert_eq!(app.me(&again.token).await.header("etag"), "\"3\"", "a suspension and its end are changes");
    app.me(&ada.token).await.refused(401, "token_invalid");
    app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_invalid");
    twin.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_suspending_somebody_ends_a_change_of_address_that_waits() {
    let app = TestApp::redis().await;
    let ada = app.verified("ada").await;
    let letter = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await;
    let before = app.me(&ada.token).await;
    app.operator("users suspend ada@example.com").await;
    app.operator("users unsuspend ada@example.com").await;
    app.confirm(json!({"token": letter.token()})).await.refused(403, "confirmation_invalid");
    let after = app.me(&app.token(&ada.email).await).await;
    assert_eq!((&after.body["pending_email"], &after.body["email"]), (&json!(null), &json!("ada@example.com")));
    assert_ne!(after.header("etag"), before.header("etag"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_suspending_twice_is_suspending_once_and_nobody_is_no_user() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    for _ in 0..2 {
        assert!(app.operator("users suspend ada@example.com").await.status.success());
    }
    let stored = app.stored_user(&ada.id).await;
    assert_eq!((&*stored["session_epoch"], &*stored["version"]), ("1", "2"));
    let said = line(&app.operator("users suspend nobody@example.com").await, 1);
    assert!(said.contains("no user with this login"), "{said}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_whoever_has_not_seen_a_suspension_changes_nothing() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let (user, suspension) = (format!("/v1/admin/users/{}", ada.id), format!("/v1/admin/users/{}/suspension", ada.id));
    let patch = async |tag: &str| {
        let request = app.admin("PATCH", &user).await.header("if-match", tag);
        request.json(&json!({"name": "A"})).send().await
    };
    let suspend = async |tag: &str, reason: &str| {
        let request = app.admin("PUT", &suspension).await.header("if-match", tag);
        request.json(&json!({"reason": reason})).send().await
    };
    let unsuspend = async |tag: &str| app.admin("DELETE", &suspension).await.header("if-match", tag).send().await;

    let seen = suspend("\"1\"", "spam").await.expect(200).header("etag").to_owned();
    patch("\"1\"").await.refused(412, "version_mismatch");
    suspend("\"1\"", "fraud").await.refused(412, "version_mismatch");
    unsuspend("\"1\"").await.refused(412, "version_mismatch");
    assert_eq!(suspend(&seen, "spam").await.expect(200).header("etag"), seen, "nothing is new");
    let told = suspend(&seen, "fraud").await.expect(200).header("etag").to_owned();
    unsuspend(&seen).await.refused(412, "version_mismatch");
    let free = unsuspend(&told).await.expect(200).header("etag").to_owned();
    patch(&told).await.refused(412, "version_mismatch");
    patch(&free).await.expect(200);
    app.stop().await;
}
