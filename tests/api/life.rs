//! Whole lives.

use serde_json::json;

use crate::support::{PASSWORD, on_every_store};

on_every_store! {
    async fn the_full_life_of_an_account(app: TestApp) {
        let registration = json!({
            "email": "Ada@Example.com", "password": PASSWORD, "username": "Ada_L",
            "name": "Ada Lovelace", "locale": "en-GB", "metadata": {"plan": "pro"},
        });
        let registered = app.post("/v1/users").json(&registration).send().await.expect(201);
        assert_eq!((registered.header("location"), registered.header("etag")), ("/v1/users/me", "\"1\""));
        let user = registered.body;
        assert_eq!(user["email"], "Ada@Example.com");
        assert_eq!((&user["email_verified"], &user["username"]), (&json!(false), &json!("Ada_L")));
        for field in ["name", "locale", "metadata"] {
            assert_eq!(user[field], registration[field], "{field}");
        }
        assert_eq!(user["created_at"], user["updated_at"]);

        let signed_in = app.sign_in("ada_l", PASSWORD).await.expect(201).body;
        assert_eq!(signed_in["user"], user);
        assert_eq!((&signed_in["token_type"], &signed_in["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!(signed_in["session"]["current"], true);
        let token = signed_in["access_token"].as_str().unwrap();

        assert_eq!(app.me(token).await.expect(200).body, user);
        let patch = json!({"name": "Augusta Ada King", "metadata": {"plan": null, "born": 1815}});
        let patched = app.patch("/v1/users/me").bearer(token).json(&patch).send().await.expect(200);
        assert_eq!(patched.header("etag"), "\"2\"");
        assert_eq!(patched.body["name"], "Augusta Ada King");
        assert_eq!(patched.body["metadata"], json!({"born": 1815}));
        assert_eq!(app.me(token).await.body, patched.body);

        let patch = json!({"email": "ada@king.example", "password": "a new password", "current_password": PASSWORD});
        app.patch("/v1/users/me").bearer(token).json(&patch).send().await.expect(200);
        app.sign_in("Ada@Example.com", "a new password").await.refused(401, "invalid_credentials");
        app.sign_in("ada@king.example", PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in("ada@king.example", "a new password").await.expect(201);

        let sessions = app.get("/v1/sessions").bearer(token).send().await.expect(200).body;
        assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
        app.delete("/v1/users/me").bearer(token).send().await.expect(204);
        app.me(token).await.refused(401, "token_invalid");
        app.sign_in("ada@king.example", "a new password").await.refused(401, "invalid_credentials");

        let again = json!({"email": "ada@king.example", "password": PASSWORD, "username": "ADA_L"});
        let reborn = app.post("/v1/users").json(&again).send().await.expect(201).body;
        assert_ne!(reborn["id"], user["id"], "an id is never used again");
    }

    async fn two_people_side_by_side_do_not_see_each_other(app: TestApp) {
        let (ada, bob) = tokio::join!(app.person("ada"), app.person("bob"));
        let patch = json!({"name": "Ada"});
        app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
        assert_eq!(app.me(&ada.token).await.body["name"], "Ada");
        assert_eq!(app.me(&bob.token).await.body["name"], json!(null));

        let sessions = app.get("/v1/sessions").bearer(&ada.token).send().await.body;
        let session = sessions["items"][0]["id"].as_str().unwrap();
        let other = app.delete(&format!("/v1/sessions/{session}")).bearer(&bob.token);
        other.send().await.refused(404, "session_not_found");
        app.delete("/v1/sessions?scope=all").bearer(&bob.token).send().await.expect(204);
        app.delete("/v1/users/me").bearer(&app.token(&bob.email).await).send().await.expect(204);
        assert_eq!(app.me(&ada.token).await.expect(200).body["id"], ada.id.as_str());
    }
}
