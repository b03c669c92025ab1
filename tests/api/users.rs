//! `/v1/users`: registering, reading, deleting.

use std::time::Duration;

use serde_json::json;

use crate::support::{PASSWORD, on_every_store};

on_every_store! {
    async fn only_an_email_address_and_a_password_are_needed(app: TestApp) {
        let user = app.register("ada").await.expect(201).body;
        assert_eq!((&user["username"], &user["name"]), (&json!(null), &json!(null)));
        assert_eq!(user["metadata"], json!({}));
    }

    async fn null_is_as_good_as_absent_when_registering(app: TestApp) {
        let body = json!({
            "email": "ada@example.com", "password": PASSWORD, "username": null, "name": null, "metadata": null,
        });
        app.post("/v1/users").json(&body).send().await.expect(201);
    }

    async fn an_address_is_taken_whatever_its_case_and_form(app: TestApp) {
        app.register("ada").await.expect(201);
        for email in ["ada@example.com", "ADA@Example.COM", " ada@example.com "] {
            let body = json!({"email": email, "password": PASSWORD});
            app.post("/v1/users").json(&body).send().await.refused(409, "email_taken");
        }
        let tagged = json!({"email": "ada+tag@example.com", "password": PASSWORD});
        app.post("/v1/users").json(&tagged).send().await.expect(201);
    }

    async fn a_username_is_taken_whatever_its_case_and_leaves_the_address_free(app: TestApp) {
        let body = |email: &str, username: &str| json!({"email": email, "password": PASSWORD, "username": username});
        app.post("/v1/users").json(&body("ada@example.com", "Ada")).send().await.expect(201);
        let taken = body("bob@example.com", "aDA");
        app.post("/v1/users").json(&taken).send().await.refused(409, "username_taken");
        app.post("/v1/users").json(&body("bob@example.com", "bob")).send().await.expect(201);
    }

    async fn every_wrong_field_is_named_at_once(app: TestApp) {
        let body = json!({
            "email": "ada", "password": "short", "username": "9x", "name": "\u{7}", "metadata": [], "role": "admin",
        });
        let answer = app.post("/v1/users").json(&body).send().await.refused(422, "validation_failed");
        assert_eq!(answer.wrong_fields(), [
            ("role", "unknown"),
            ("email", "invalid"),
            ("password", "too_short"),
            ("username", "invalid"),
            ("name", "invalid"),
            ("metadata", "wrong_type"),
        ]);
        let answer = app.post("/v1/users").json(&json!({"password": null})).send().await;
        assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), [
            ("email", "required"),
            ("password", "not_nullable"),
        ]);
    }

    async fn the_password_is_bounded_in_code_points(app: TestApp) {
        let body = |password: String| json!({"email": "ada@example.com", "password": password});
        for (password, code) in [("x".repeat(7), "too_short"), ("\u{1f511}".repeat(257), "too_long")] {
            let answer = app.post("/v1/users").json(&body(password)).send().await;
            assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), [("password", code)]);
        }
        let longest = (0..256).map(|n| char::from_u32(0x4e00 + 37 * n).unwrap()).collect::<String>();
        app.post("/v1/users").json(&body(longest.clone())).send().await.expect(201);
        app.sign_in("ada@example.com", &longest).await.expect(201);
    }

    async fn a_password_is_the_same_however_it_is_composed(app: TestApp) {
        let body = json!({"email": "ada@example.com", "password": "cafe\u{301} au lait"});
        app.post("/v1/users").json(&body).send().await.expect(201);
        app.sign_in("ada@example.com", "caf\u{e9} au lait").await.expect(201);
    }

    async fn metadata_is_bounded(app: TestApp) {
        let body = |size| json!({"email": "ada@example.com", "password": PASSWORD, "metadata": {"a": "x".repeat(size)}});
        let answer = app.post("/v1/users").json(&body(4089)).send().await;
        assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), [("metadata", "too_long")]);
        app.post("/v1/users").json(&body(4088)).send().await.expect(201);
    }

    async fn numbers_in_metadata_are_kept_to_the_last_digit(app: TestApp) {
        let numbers = r#"{"a":118.80847448818997,"b":-2.14137792037775e-277,"c":18446744073709551615,"d":-9223372036854775808}"#;
        let body = format!(r#"{{"email":"ada@example.com","password":"{PASSWORD}","metadata":{numbers}}}"#);
        let request = app.post("/v1/users").header("content-type", "application/json").body(body);
        let registered = request.send().await.expect(201).body;
        assert_eq!(registered["metadata"].to_string(), numbers);
        for _ in 0..3 {
            let token = app.token("ada@example.com").await;
            assert_eq!(app.me(&token).await.expect(200).body, registered);
        }
    }

    async fn no_key_of_metadata_is_special(app: TestApp) {
        let metadata = json!({"a": {"b": 1, "$serde_json::private::Number": "x"}, "__proto__": null, "": 1});
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "metadata": metadata});
        let registered = app.post("/v1/users").json(&body).send().await.expect(201).body;
        assert_eq!(registered["metadata"], metadata);
        let token = app.token("ada@example.com").await;
        let patch = json!({"metadata": {"a": {"b": null}}});
        app.patch("/v1/users/me").bearer(&token).json(&patch).send().await.expect(200);
        let me = app.me(&token).await.expect(200).body;
        assert_eq!(me["metadata"]["a"], json!({"$serde_json::private::Number": "x"}));
        let body = json!({"$serde_json::private::Number": "1"});
        let answer = app.post("/v1/users").json(&body).send().await.refused(422, "validation_failed");
        assert_eq!(answer.wrong_fields()[0].1, "unknown");
    }

    async fn letters_with_several_forms_are_one_address(app: TestApp) {
        for (first, second) in [("ΟΔΟΣ", "οδος"), ("straße", "STRASSE")] {
            app.register(first).await.expect(201);
            app.register(second).await.refused(409, "email_taken");
        }
        for spelling in ["\"ada\"", "\"a\\da\"", "\" \""] {
            app.register(spelling).await.refused(422, "validation_failed");
        }
    }

    async fn a_known_version_is_not_sent_again(app: TestApp) {
        let ada = app.person("ada").await;
        let read = async |tag: &str| {
            app.get("/v1/users/me").bearer(&ada.token).header("If-None-Match", tag).send().await
        };
        assert_eq!(read("\"1\"").await.expect(304).header("etag"), "\"1\"");
        read("W/\"7\", \"1\"").await.expect(304);
        read("\"2\"").await.expect(200);
        read("1").await.refused(400, "invalid_parameter");
    }

    async fn signing_in_is_not_a_new_version_of_the_user(app: TestApp) {
        let ada = app.person("ada").await;
        app.token(&ada.email).await;
        assert_eq!(app.me(&ada.token).await.header("etag"), "\"1\"");
    }

    async fn deleting_needs_a_recent_password(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(601));
        let delete = async |token: &str| app.delete("/v1/users/me").bearer(token).send().await;
        delete(&ada.token).await.refused(401, "token_expired");
        let renewed = app.refresh(&ada.refresh_token).await.expect(200).body;
        let renewed = renewed["access_token"].as_str().unwrap();
        delete(renewed).await.refused(403, "reauthentication_required");
        app.me(renewed).await.expect(200);
        let fresh = app.token(&ada.email).await;
        let stale = app.delete("/v1/users/me").bearer(&fresh).header("If-Match", "\"7\"");
        stale.send().await.refused(412, "version_mismatch");
        let current = app.delete("/v1/users/me").bearer(&fresh).header("If-Match", "\"1\"");
        current.send().await.expect(204);
        app.me(renewed).await.refused(401, "token_invalid");
    }
}
