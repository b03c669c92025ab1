//! Setting a new password by mail.

use serde_json::json;

use crate::support::{PASSWORD, on_every_store};

const NEW: &str = "a quite different staple battery";

on_every_store! {
    async fn a_forgotten_password_is_set_anew_by_a_link(app: TestApp) {
        let ada = app.person("ada").await;
        app.post("/v1/password-resets").json(&json!({"email": "ADA@example.com"})).send().await.expect(202);
        let token = app.letter("ada@example.com").await.token();
        let reset = json!({"token": token, "password": NEW});
        app.post("/v1/password-resets/confirm").json(&reset).send().await.expect(204);

        app.me(&ada.token).await.refused(401, "token_invalid");
        app.sign_in("ada@example.com", PASSWORD).await.refused(401, "invalid_credentials");
        let user = app.sign_in("ada@example.com", NEW).await.expect(201).body["user"].clone();
        assert_eq!(user["email_verified"], true);
        app.post("/v1/password-resets/confirm").json(&reset).send().await.refused(403, "confirmation_invalid");
        let told = app.letter_after("ada@example.com", 1).await;
        assert!(told.subject.contains("password") && told.language == "en", "{told:?}");
        assert!(app.outbox().join(format!("{}.eml", told.id)).exists());
    }

    async fn a_forgotten_password_is_set_anew_by_a_code(app: TestApp) {
        app.person("ada").await;
        app.post("/v1/password-resets").json(&json!({"email": "ada@example.com"})).send().await.expect(202);
        let code = app.letter("ada@example.com").await.code();
        let reset = json!({"email": "ada@example.com", "code": code, "password": NEW});
        app.post("/v1/password-resets/confirm").json(&reset).send().await.expect(204);
        app.sign_in("ada@example.com", NEW).await.expect(201);
        app.post("/v1/password-resets/confirm").json(&reset).send().await.refused(403, "confirmation_invalid");
    }
}
