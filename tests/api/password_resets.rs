//! Setting a new password by mail.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{NEW_PASSWORD, PASSWORD, TestApp, on_every_store};

const ADA: &str = "ada@example.com";

on_every_store! {
    async fn a_forgotten_password_is_set_anew_by_a_link(app: TestApp) {
        let ada = app.person("ada").await;
        assert_eq!(app.request_reset("ADA@example.com").await.expect(202).body, json!({}));
        let token = app.letter(ADA).await.token();
        app.reset(json!({"token": token}), NEW_PASSWORD).await.expect(204);

        app.me(&ada.token).await.refused(401, "token_invalid");
        app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_invalid");
        app.sign_in(ADA, PASSWORD).await.refused(401, "invalid_credentials");
        let user = app.sign_in(ADA, NEW_PASSWORD).await.expect(201).body["user"].clone();
        assert_eq!(user["email_verified"], true);
        app.reset(json!({"token": token}), PASSWORD).await.refused(403, "confirmation_invalid");
        let told = app.letter_after(ADA, 1).await;
        assert!(told.subject.contains("password") && told.language == "en", "{told:?}");
        assert!(app.outbox().join(format!("{}.eml", told.id)).exists());
    }

    async fn a_forgotten_password_is_set_anew_by_a_code(app: TestApp) {
        app.person("ada").await;
        let letter = app.letter_of(ADA, app.request_reset(ADA)).await;
        let proof = json!({"email": ADA, "code": letter.code()});
        app.confirm(proof.clone()).await.refused(403, "confirmation_invalid");
        app.reset(proof.clone(), NEW_PASSWORD).await.expect(204);
        app.sign_in(ADA, NEW_PASSWORD).await.expect(201);
        app.reset(proof, PASSWORD).await.refused(403, "confirmation_invalid");
        app.reset(json!({"token": letter.token()}), PASSWORD).await.refused(403, "confirmation_invalid");
    }

    async fn a_reset_raises_the_version_only_where_something_is_seen_of_it(app: TestApp) {
        app.person("ada").await;
        let mut seen = 0;
        let mut reset = async |password: &str| {
            let before = app.letters(ADA).len();
            app.request_reset(ADA).await.expect(202);
            let letter = app.letter_after(ADA, before).await;
            app.reset(json!({"token": letter.token()}), password).await.expect(204);
            app.letter_after(ADA, before + 1).await; // it tells of the new password
            let tokens = app.sign_in(ADA, password).await.expect(201).body;
            let token = tokens["access_token"].as_str().unwrap().to_owned();
            let me = app.me(&token).await.expect(200);
            let (before, version) = (seen, me.header("etag").trim_matches('"').parse::<u64>().unwrap());
            seen = version;
            assert_eq!((&me.body["email_verified"], &me.body["pending_email"]), (&json!(true), &json!(null)));
            (version - before, token)
        };
        assert_eq!(reset(NEW_PASSWORD).await.0, 2, "the address was not confirmed before");
        let (raised, token) = reset(PASSWORD).await;
        assert_eq!(raised, 0);
        let change = json!({"email": "ada@example.net", "current_password": PASSWORD});
        let changed = app.patch("/v1/users/me").bearer(&token).json(&change).send().await.expect(200);
        assert_eq!(changed.header("etag"), "\"3\"");
        assert_eq!(reset(NEW_PASSWORD).await.0, 2, "the other address is not wanted any more");
    }

    async fn a_password_that_may_not_be_chosen_uses_no_link_up(app: TestApp) {
        app.person("ada").await;
        let letter = app.letter_of(ADA, app.request_reset(ADA)).await;
        for password in ["password1234", "short", ADA] {
            let answer = app.reset(json!({"token": letter.token()}), password).await;
            assert_eq!(answer.refused(422, "validation_failed").wrong_fields()[0].0, "password");
        }
        // Whoever shows a wrong one is not told whether the password is good.
        app.reset(json!({"token": "lkm_"}), "password1234").await.refused(403, "confirmation_invalid");
        app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
    }

    async fn a_link_sets_one_password_however_often_it_is_used_at_once(app: TestApp) {
        app.person("ada").await;
        let token = app.letter_of(ADA, app.request_reset(ADA)).await.token();
        let passwords = (0..12).map(|number| format!("staple {number} of a quite different battery")).collect::<Vec<_>>();
        let answers = join_all(passwords.iter().map(|password| app.reset(json!({"token": token}), password))).await;
        let won = (0..12).filter(|number| answers[*number].status == 204).collect::<Vec<_>>();
        assert_eq!(won.len(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.status, 204 | 403)), "{answers:?}");
        app.sign_in(ADA, &passwords[won[0]]).await.expect(201);
    }

    async fn whoever_remembers_the_old_password_ends_the_link(app: TestApp) {
        let ada = app.person("ada").await;
        let token = app.letter_of(ADA, app.request_reset(ADA)).await.token();
        let body = json!({"password": NEW_PASSWORD, "current_password": PASSWORD});
        app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.expect(200);
        app.reset(json!({"token": token}), PASSWORD).await.refused(403, "confirmation_invalid");
        app.sign_in(ADA, NEW_PASSWORD).await.expect(201);
    }

    async fn a_new_password_is_told_to_whoever_has_shown_that_the_address_is_theirs(app: TestApp) {
        let (ada, bob) = (app.person("ada").await, app.verified("bob").await);
        let body = json!({"password": NEW_PASSWORD, "current_password": PASSWORD});
        app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.expect(200);
        let told = app.letter_of(&bob.email, app.patch("/v1/users/me").bearer(&bob.token).json(&body).send()).await;
        assert!(told.subject.contains("password") && !told.text.contains("lkm_"), "{told:?}");
        app.let_letters_arrive().await;
        assert_eq!(app.letters(ADA).len(), 0);
    }

    // Somebody else made it, and has gone on using it.
    async fn an_account_that_somebody_else_made_is_its_owners_alone(app: TestApp) {
        let stranger = app.person("ada").await;
        let body = json!({"username": "stranger"});
        app.patch("/v1/users/me").bearer(&stranger.token).json(&body).send().await.expect(200);
        let verification = app.letter_of(ADA, app.request_verification(ADA)).await;
        let letter = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
        app.me(&stranger.token).await.refused(401, "token_invalid");
        for login in [ADA, "stranger"] {
            app.sign_in(login, PASSWORD).await.refused(401, "invalid_credentials");
        }
        app.confirm(json!({"token": verification.token()})).await.refused(403, "confirmation_invalid");
    }

    async fn nobody_gets_no_letter(app: TestApp) {
        app.request_reset("nobody@example.com").await.expect(202);
        app.let_letters_arrive().await;
        assert_eq!(app.letters("nobody@example.com").len(), 0);
    }
}

on_every_store! { with ["--reset-lifetime", "20m", "--mails-per-address", "none"]
    async fn a_link_to_set_a_password_is_good_for_its_time_and_a_newer_one_ends_it(app: TestApp) {
        app.person("ada").await;
        let older = app.letter_of(ADA, app.request_reset(ADA)).await;
        assert!(older.text.contains("20 minutes"), "{}", older.text);
        let newer = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.reset(json!({"token": older.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        app.clock.advance(Duration::from_secs(20 * 60));
        app.reset(json!({"token": newer.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        let late = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.clock.advance(Duration::from_secs(599));
        let set = app.reset(json!({"email": ADA, "code": late.code()}), NEW_PASSWORD);
        app.letter_of(ADA, set).await; // that tells of it

        let code = app.letter_of(ADA, app.request_reset(ADA)).await.code();
        app.clock.advance(Duration::from_secs(600));
        app.reset(json!({"email": ADA, "code": code}), PASSWORD).await.refused(403, "confirmation_invalid");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_whoever_is_suspended_gets_no_letter_and_uses_none() {
    let app = TestApp::redis_with(&["--mails-per-address", "none"]).await;
    let ada = app.verified("ada").await;
    let reset = app.letter_of(ADA, app.request_reset(ADA)).await;
    assert!(app.operator("users suspend ada@example.com").await.status.success());
    app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    app.reset(json!({"email": ADA, "code": reset.code()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    app.request_reset(ADA).await.expect(202);
    let bob = app.verified("bob").await;
    app.want_email(&bob, ADA).await.expect(200);
    app.let_letters_arrive().await;
    assert_eq!(app.letters(ADA).len(), 2);
    assert!(app.operator(&format!("users unsuspend {}", ada.id)).await.status.success());
    app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.expect(204);
    app.stop().await;
}
