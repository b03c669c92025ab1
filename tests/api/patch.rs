//! `PATCH /v1/users/me`.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp, on_every_store};

async fn patch(app: &TestApp, who: &Person, body: Value) -> Answer {
    app.patch("/v1/users/me").bearer(&who.token).json(&body).send().await
}

on_every_store! {
    async fn what_is_absent_stays_and_null_clears(app: TestApp) {
        let ada = app.person("ada").await;
        let all = json!({"name": "Ada", "username": "ada", "metadata": {"a": 1}});
        patch(app, &ada, all).await.expect(200);
        let user = patch(app, &ada, json!({"name": null})).await.expect(200).body;
        assert_eq!((&user["name"], &user["username"], &user["metadata"]), (&json!(null), &json!("ada"), &json!({"a": 1})));
        let user = patch(app, &ada, json!({"username": null, "metadata": null})).await.expect(200).body;
        assert_eq!((&user["username"], &user["metadata"]), (&json!(null), &json!({})));
        app.sign_in("ada", PASSWORD).await.refused(401, "invalid_credentials");
    }

    async fn nothing_is_changed_when_anything_is_wrong(app: TestApp) {
        let ada = app.person("ada").await;
        let before = app.me(&ada.token).await.body;
        let body = json!({"name": "Ada", "username": "x", "email": null, "password": "short", "nick": 1});
        let answer = patch(app, &ada, body).await.refused(422, "validation_failed");
        assert_eq!(answer.wrong_fields(), [
            ("nick", "unknown"),
            ("username", "invalid"),
            ("email", "not_nullable"),
            ("password", "too_short"),
            ("current_password", "required"),
        ]);
        assert_eq!(app.me(&ada.token).await.body, before);
    }

    async fn what_is_taken_changes_nothing_and_keeps_nothing_claimed(app: TestApp) {
        let body = json!({"email": "bob@example.com", "password": PASSWORD, "username": "bob"});
        app.post("/v1/users").json(&body).send().await.expect(201);
        let ada = app.person("ada").await;
        let body = json!({"email": "new@example.com", "username": "BOB", "name": "x", "current_password": PASSWORD});
        patch(app, &ada, body).await.refused(409, "username_taken");
        let body = json!({"email": "BOB@example.com", "username": "free", "current_password": PASSWORD});
        patch(app, &ada, body).await.refused(409, "email_taken");
        let me = app.me(&ada.token).await;
        assert_eq!((&me.body["email"], &me.body["name"], me.header("etag")), (&json!("ada@example.com"), &json!(null), "\"1\""));
        let body = json!({"email": "new@example.com", "password": PASSWORD, "username": "free"});
        app.post("/v1/users").json(&body).send().await.expect(201);
    }

    async fn the_address_and_the_password_need_the_current_password(app: TestApp) {
        let ada = app.person("ada").await;
        for body in [json!({"email": "x@example.com"}), json!({"password": "a new password"})] {
            let answer = patch(app, &ada, body).await.refused(422, "validation_failed");
            assert_eq!(answer.wrong_fields(), [("current_password", "required")]);
        }
        let body = json!({"email": "x@example.com", "name": "x", "current_password": "wrong"});
        patch(app, &ada, body).await.refused(403, "current_password_incorrect");
        assert_eq!(app.me(&ada.token).await.header("etag"), "\"1\"");
    }

    async fn a_new_address_frees_the_old_one_at_once(app: TestApp) {
        let ada = app.person("ada").await;
        let body = json!({"email": "ada@king.example", "current_password": PASSWORD});
        patch(app, &ada, body).await.expect(200);
        app.sign_in("ada@example.com", PASSWORD).await.refused(401, "invalid_credentials");
        app.register("ada").await.expect(201);
        app.sign_in("ada@king.example", PASSWORD).await.expect(201);
        let back = json!({"email": "ada@example.com", "current_password": PASSWORD});
        patch(app, &ada, back).await.refused(409, "email_taken");
    }

    async fn only_the_case_of_an_address_or_name_can_change(app: TestApp) {
        let ada = app.person("ada").await;
        patch(app, &ada, json!({"username": "ada"})).await.expect(200);
        let body = json!({"email": "ADA@example.com", "username": "Ada", "current_password": PASSWORD});
        let user = patch(app, &ada, body).await.expect(200).body;
        assert_eq!((&user["email"], &user["username"]), (&json!("ADA@example.com"), &json!("Ada")));
        app.register("ada").await.refused(409, "email_taken");
        app.sign_in("ada", PASSWORD).await.expect(201);
    }

    async fn a_password_that_is_given_is_checked(app: TestApp) {
        let ada = app.person("ada").await;
        let body = json!({"name": "x", "current_password": "wrong"});
        patch(app, &ada, body).await.refused(403, "current_password_incorrect");
        patch(app, &ada, json!({"name": "x", "current_password": PASSWORD})).await.expect(200);
    }

    async fn one_person_can_ask_twice_for_the_same_new_address(app: TestApp) {
        for round in 0..10 {
            let ada = app.person(&format!("ada{round}")).await;
            let body = json!({"email": format!("new{round}@example.com"), "current_password": PASSWORD});
            let (one, two) = tokio::join!(patch(app, &ada, body.clone()), patch(app, &ada, body));
            assert_eq!((one.status, two.status), (200, 200), "{one:?} {two:?}");
        }
    }

    async fn two_people_can_swap_their_usernames(app: TestApp) {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        patch(app, &ada, json!({"username": "one"})).await.expect(200);
        patch(app, &bob, json!({"username": "two"})).await.expect(200);
        patch(app, &ada, json!({"username": "three"})).await.expect(200);
        patch(app, &bob, json!({"username": "one"})).await.expect(200);
        patch(app, &ada, json!({"username": "two"})).await.expect(200);
        assert_eq!(app.sign_in("one", PASSWORD).await.body["user"]["id"], bob.id.as_str());
        assert_eq!(app.sign_in("two", PASSWORD).await.body["user"]["id"], ada.id.as_str());
    }

    async fn changing_the_password_ends_other_sessions(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.token(&ada.email).await;
        let body = json!({"password": "a new password", "current_password": PASSWORD});
        let answer = patch(app, &ada, body).await.expect(200);
        assert_eq!(answer.header("etag"), "\"1\"", "what a client sees has not changed");
        app.me(&other).await.refused(401, "token_invalid");
        app.me(&ada.token).await.expect(200);
        let sessions = app.get("/v1/sessions").bearer(&ada.token).send().await.body;
        assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in(&ada.email, "a new password").await.expect(201);
    }

    async fn if_match_makes_a_change_conditional(app: TestApp) {
        let ada = app.person("ada").await;
        let change = async |tag: &str, name: &str| {
            let request = app.patch("/v1/users/me").bearer(&ada.token).header("If-Match", tag);
            request.json(&json!({"name": name})).send().await
        };
        assert_eq!(change("\"1\"", "a").await.expect(200).header("etag"), "\"2\"");
        for stale in ["\"1\"", "W/\"2\"", "\"x\"", "\"02\"", "\"+2\""] {
            change(stale, "b").await.refused(412, "version_mismatch");
        }
        for wrong in ["2", "\"2", "\u{e9}"] {
            change(wrong, "b").await.refused(400, "invalid_parameter");
        }
        let twice = app.patch("/v1/users/me").bearer(&ada.token).header("If-Match", "\"9\"").header("If-Match", "\"2\"");
        twice.json(&json!({"name": "a"})).send().await.expect(200);
        change("*", "b").await.expect(200);
        change("\"1\", \"3\"", "c").await.expect(200);
        assert_eq!(app.me(&ada.token).await.body["name"], "c");
    }

    async fn a_patch_that_changes_nothing_is_no_new_version(app: TestApp) {
        let ada = app.person("ada").await;
        let before = app.me(&ada.token).await.body;
        let answer = patch(app, &ada, json!({"name": null, "metadata": {}})).await.expect(200);
        assert_eq!((answer.header("etag"), &answer.body), ("\"1\"", &before));
        patch(app, &ada, json!({})).await.expect(200);
    }

    async fn metadata_is_bounded_after_merging(app: TestApp) {
        let ada = app.person("ada").await;
        patch(app, &ada, json!({"metadata": {"a": "x".repeat(3000)}})).await.expect(200);
        let answer = patch(app, &ada, json!({"name": "x", "metadata": {"b": "x".repeat(3000)}})).await;
        assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), [("metadata", "too_long")]);
        assert_eq!(app.me(&ada.token).await.body["name"], json!(null));
        // What is too large in itself is told with everything else that is wrong.
        let answer = patch(app, &ada, json!({"metadata": {"b": "x".repeat(5000)}, "username": "1"})).await;
        let answer = answer.refused(422, "validation_failed");
        assert_eq!(answer.wrong_fields(), [("username", "invalid"), ("metadata", "too_long")]);
    }

    async fn a_merge_patch_may_call_itself_one(app: TestApp) {
        let ada = app.person("ada").await;
        let request = app.patch("/v1/users/me").bearer(&ada.token);
        let request = request.header("content-type", "application/merge-patch+json").body(r#"{"name": "Ada"}"#);
        request.send().await.expect(200);
    }
}
