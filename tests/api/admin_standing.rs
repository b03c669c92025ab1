//! Suspending users, deleting them, and what they may do: for those who run the service.

use latchkey::accounts::Clock;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, on_every_store};

impl TestApp {
    async fn standing(&self, method: &str, id: &str, what: &str, body: Value) -> Answer {
        self.admin(method, &format!("/v1/admin/users/{id}{what}")).await.json(&body).send().await
    }

    /// The kinds of a user's events, the latest first.
    async fn kinds_of(&self, id: &str) -> Vec<String> {
        let path = format!("/v1/admin/users/{id}/events");
        let events = self.admin("GET", &path).await.send().await.expect(200).body;
        let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
        events["items"].as_array().unwrap().iter().map(kind).collect()
    }
}

on_every_store! { administered
    async fn a_suspension_has_a_reason_and_an_end(app: TestApp) {
        let ada = app.person("ada").await;
        let until = app.clock.now().plus(std::time::Duration::from_secs(3600)).to_string();
        let suspension = json!({"reason": "spam", "until": until});
        let suspended = app.standing("PUT", &ada.id, "/suspension", suspension).await.expect(200).body;
        assert_eq!((&suspended["status"], &suspended["suspension_reason"]), (&json!("suspended"), &json!("spam")));
        assert_eq!(suspended["suspended_until"], json!(until));
        app.me(&ada.token).await.refused(401, "token_invalid");
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        let listed = app.admin("GET", "/v1/admin/users?status=suspended").await.send().await.expect(200).body;
        assert_eq!(listed["items"][0]["id"], json!(ada.id));

        // Another reason keeps since when it is.
        app.clock.advance(std::time::Duration::from_secs(60));
        let other = app.standing("PUT", &ada.id, "/suspension", json!({"until": until})).await.expect(200).body;
        assert_eq!((&other["suspended_at"], &other["suspension_reason"]), (&suspended["suspended_at"], &json!(null)));

        // It ends by itself.
        app.clock.advance(std::time::Duration::from_secs(3600));
        let read = app.standing("GET", &ada.id, "", json!({})).await.expect(200).body;
        assert_eq!((&read["status"], &read["suspended_at"]), (&json!("active"), &json!(null)));
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
        app.me(&ada.token).await.refused(401, "token_expired");

        // Or when somebody ends it.
        app.standing("PUT", &ada.id, "/suspension", json!({})).await.expect(200);
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        let active = app.standing("DELETE", &ada.id, "/suspension", json!({})).await.expect(200).body;
        assert_eq!(active["status"], json!("active"));
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
        let kinds = app.kinds_of(&ada.id).await;
        assert!(["suspended", "unsuspended"].iter().all(|kind| kinds.iter().any(|found| found == kind)), "{kinds:?}");

        let past = json!({"until": "2020-01-01T00:00:00Z"});
        app.standing("PUT", &ada.id, "/suspension", past).await.refused(422, "validation_failed");
        app.standing("PUT", &ada.id, "/suspension", json!({"until": "soon"})).await.refused(422, "validation_failed");
        app.standing("PUT", &ada.id, "/suspension", json!({"reason": "a\nb"})).await.refused(422, "validation_failed");
    }

    async fn nobody_moves_or_deletes_their_own_account_here(app: TestApp) {
        let ada = app.person("ada").await;
        let grants = json!({"permissions": ["latchkey:users:write", "latchkey:users:delete"]});
        app.standing("PATCH", &ada.id, "/grants", grants).await.expect(200);
        let path = format!("/v1/admin/users/{}", ada.id);
        let moved = json!({"email": "evil@example.com", "email_verified": true});
        app.patch(&path).bearer(&ada.token).json(&moved).send().await.refused(403, "own_account");
        app.delete(&path).bearer(&ada.token).send().await.refused(403, "own_account");
        assert_eq!(app.me(&ada.token).await.expect(200).body["email"], json!(ada.email));
    }

    async fn whoever_had_a_confirmed_address_is_told_that_it_was_taken_from_them(app: TestApp) {
        let ada = app.person("ada").await;
        app.standing("PATCH", &ada.id, "", json!({"email_verified": true})).await.expect(200);
        app.standing("PATCH", &ada.id, "", json!({"email": "new@example.com"})).await.expect(200);
        let letter = app.letter(&ada.email).await;
        assert!(letter.text.contains(&ada.email), "{}", letter.text);
        assert!(!letter.text.contains("new@example.com"), "{}", letter.text);
    }

    async fn a_deleted_user_leaves_their_id_and_who_deleted_them(app: TestApp) {
        let ada = app.person("ada").await;
        let stale = app.admin("DELETE", &format!("/v1/admin/users/{}", ada.id)).await.header("if-match", "\"7\"");
        stale.send().await.refused(412, "version_mismatch");
        app.standing("DELETE", &ada.id, "", json!({})).await.expect(204);
        app.me(&ada.token).await.refused(401, "token_invalid");
        for (method, what) in [("GET", ""), ("DELETE", ""), ("DELETE", "/suspension"), ("GET", "/events")] {
            app.standing(method, &ada.id, what, json!({})).await.refused(404, "user_not_found");
        }
        app.standing("PUT", &ada.id, "/suspension", json!({})).await.refused(404, "user_not_found");
        let eve = app.person("eve").await;
        app.delete("/v1/users/me").bearer(&eve.token).send().await.expect(204);
        let deletions = app.admin("GET", "/v1/admin/deletions?limit=1").await.send().await.expect(200).body;
        assert_eq!(deletions["items"][0]["user_id"], json!(eve.id));
        assert_eq!(deletions["items"][0]["actor"], json!({"type": "user", "id": eve.id}));
        let next = deletions["next_cursor"].as_str().unwrap();
        let path = format!("/v1/admin/deletions?cursor={next}");
        let deletions = app.admin("GET", &path).await.send().await.expect(200).body;
        assert_eq!(deletions["items"][0]["user_id"], json!(ada.id));
        assert_eq!((&deletions["items"][0]["actor"]["type"], &deletions["next_cursor"]), (&json!("api_key"), &json!(null)));
        app.admin("GET", "/v1/admin/deletions?cursor=x").await.send().await.refused(400, "invalid_parameter");
        app.register("ada").await.expect(201);
    }

    async fn grants_act_at_once_and_nobody_gives_what_they_lack(app: TestApp) {
        let (ada, eve) = (app.person("ada").await, app.person("eve").await);
        let grants = json!({"permissions": ["latchkey:users:read", "latchkey:roles:write", "articles:write"]});
        let changed = app.standing("PATCH", &ada.id, "/grants", grants).await.expect(200).body;
        assert_eq!(changed["own_permissions"], json!(["articles:write", "latchkey:roles:write", "latchkey:users:read"]));
        app.get("/v1/admin/users").bearer(&ada.token).send().await.expect(200);
        app.get("/v1/admin/statistics").bearer(&ada.token).send().await.refused(403, "permission_denied");

        let patch = |who: &str, grants: Value| {
            app.patch(&format!("/v1/admin/users/{who}/grants")).bearer(&ada.token).json(&grants).send()
        };
        patch(&eve.id, json!({"roles": ["editor"], "permissions": ["latchkey:users:read"]})).await.expect(200);
        patch(&eve.id, json!({"permissions": ["latchkey:users:delete"]})).await.refused(403, "permission_denied");
        patch(&eve.id, json!({"roles": ["admin"]})).await.refused(403, "permission_denied");
        patch(&ada.id, json!({"permissions": ["latchkey:users:write"]})).await.refused(403, "permission_denied");
        assert_eq!(app.me(&eve.token).await.expect(200).body["roles"], json!(["editor"]));

        // Nor does a role give more than whoever gives the role may do, or let them act on whoever has it.
        let remover = json!({"permissions": ["latchkey:users:delete"]});
        app.admin("PUT", "/v1/admin/roles/remover").await.json(&remover).send().await.expect(200);
        patch(&eve.id, json!({"roles": ["remover"]})).await.refused(403, "permission_denied");
        app.standing("PATCH", &eve.id, "/grants", json!({"roles": ["remover"]})).await.expect(200);
        patch(&eve.id, json!({"roles": []})).await.refused(403, "permission_denied");
        app.standing("PATCH", &eve.id, "/grants", json!({"roles": []})).await.expect(200);

        // Nor does anybody act on a user who may do more.
        let more = json!({"permissions": ["latchkey:users:delete"]});
        app.standing("PATCH", &eve.id, "/grants", more).await.expect(200);
        patch(&eve.id, json!({"roles": []})).await.refused(403, "permission_denied");
        let taken = app.standing("PATCH", &eve.id, "/grants", json!({"roles": [], "permissions": []})).await.expect(200);
        assert_eq!((&taken.body["roles"], &taken.body["permissions"]), (&json!([]), &json!([])));
        app.standing("PATCH", &eve.id, "/grants", json!({"roles": ["Not one"]})).await.refused(422, "validation_failed");

        // Nor does whoever makes an account.
        let writer = json!({"permissions": ["latchkey:users:write", "latchkey:roles:write"]});
        app.standing("PATCH", &ada.id, "/grants", writer).await.expect(200);
        let make = |roles: Value| {
            let account = json!({"email": "new@example.com", "roles": roles});
            app.post("/v1/admin/users").bearer(&ada.token).json(&account).send()
        };
        make(json!(["remover"])).await.refused(403, "permission_denied");
        make(json!(["editor"])).await.expect(201);
    }
}
