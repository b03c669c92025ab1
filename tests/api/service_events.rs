//! `/v1/admin/events`: who defined and deleted roles, and made and revoked API keys.

use serde_json::{Value, json};

use crate::{
    redis_server::command,
    support::{TestApp, on_every_store},
};

impl TestApp {
    /// What happened to roles and API keys, the first first.
    async fn service_events(&self) -> Vec<Value> {
        let list = self.admin("GET", "/v1/admin/events?limit=100").await.send().await.expect(200).body;
        assert_eq!(list["next_cursor"], json!(null));
        list["items"].as_array().unwrap().iter().rev().cloned().collect()
    }
}

/// Kinds and details.
fn told(events: &[Value]) -> Vec<(&str, &Value)> {
    events.iter().map(|event| (event["kind"].as_str().unwrap(), &event["details"])).collect()
}

on_every_store! { administered
    async fn each_change_of_a_role_leaves_an_event_and_a_refused_one_none(app: TestApp) {
        let key = app.admin_key().await;
        let root = app.person("root").await;
        let grants = json!({"permissions": ["latchkey:roles:write", "latchkey:roles:read"]});
        let path = format!("/v1/admin/users/{}/grants", root.id);
        app.admin("PATCH", &path).await.json(&grants).send().await.expect(200);
        app.put_role(&key, "editor", &["a", "b"]).await.expect(200);
        app.put_role(&key, "editor", &["a", "b"]).await.expect(200);
        app.put_role(&root.token, "editor", &["b", "c"]).await.expect(200);
        app.put_role(&root.token, "editor", &["latchkey:users:delete"]).await.refused(403, "permission_denied");
        app.put_role(&root.token, "admin", &[]).await.refused(409, "role_built_in");
        let described = json!({"permissions": ["b", "c"], "description": "Writes"});
        app.admin("PUT", "/v1/admin/roles/editor").await.json(&described).send().await.expect(200);
        app.delete("/v1/admin/roles/editor").bearer(&root.token).send().await.expect(204);
        app.delete("/v1/admin/roles/editor").bearer(&root.token).send().await.refused(404, "role_not_found");

        let events = app.service_events().await;
        let (made, of_roles) = events.split_first().unwrap();
        assert_eq!((&made["kind"], &made["actor"]), (&json!("api_key_created"), &json!({"type": "operator", "id": null})));
        assert_eq!(told(of_roles), [
            ("role_defined", &json!({"role": "editor", "added": ["a", "b"], "removed": []})),
            ("role_defined", &json!({"role": "editor", "added": ["c"], "removed": ["a"]})),
            ("role_defined", &json!({"role": "editor", "added": [], "removed": []})),
            ("role_deleted", &json!({"role": "editor", "added": [], "removed": ["b", "c"]})),
        ]);
        let service = json!({"type": "api_key", "id": made["details"]["api_key_id"]});
        let user = json!({"type": "user", "id": root.id});
        let own = app.get("/v1/sessions").bearer(&root.token).send().await.body["items"][0]["id"].clone();
        let by = of_roles.iter().map(|event| (&event["actor"], &event["session_id"])).collect::<Vec<_>>();
        assert_eq!(by, [(&service, &json!(null)), (&user, &own), (&service, &json!(null)), (&user, &own)]);
        assert!(of_roles.iter().all(|event| event["ip_address"] == "127.0.0.1"), "{of_roles:?}");
        assert!(!json!(events).to_string().contains("Writes"), "a description is in {events:?}");
    }

    async fn the_events_of_roles_and_keys_are_read_as_one_page_by_page_by_those_who_may(app: TestApp) {
        let key = app.admin_key().await;
        for name in ["a", "b", "c"] {
            app.put_role(&key, name, &[]).await.expect(200);
        }
        let all = app.service_events().await;
        assert_eq!(all.len(), 4);
        for limit in 1..5 {
            let (mut found, _) = app.all_pages(&format!("/v1/admin/events?limit={limit}")).await;
            found.reverse();
            assert_eq!(found, all, "{limit}");
        }
        for query in ["limit=0", "limit=101", "cursor=x"] {
            let path = format!("/v1/admin/events?{query}");
            app.admin("GET", &path).await.send().await.refused(400, "invalid_parameter");
        }
        app.get("/v1/admin/events").send().await.refused(401, "authentication_required");
        let ada = app.person("ada").await;
        let read = async || app.get("/v1/admin/events").bearer(&ada.token).send().await;
        let path = format!("/v1/admin/users/{}/grants", ada.id);
        for alone in ["latchkey:users:read", "latchkey:roles:read"] {
            app.admin("PATCH", &path).await.json(&json!({"permissions": [alone]})).send().await.expect(200);
            read().await.refused(403, "permission_denied");
        }
        let both = json!({"permissions": ["latchkey:users:read", "latchkey:roles:read"]});
        app.admin("PATCH", &path).await.json(&both).send().await.expect(200);
        read().await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_api_keys_that_are_made_and_revoked_leave_events_without_a_secret() {
    let app = TestApp::redis().await;
    app.admin_key().await;
    let (id, text) = app.api_key("users:read").await;
    assert!(app.operator(&format!("api-keys revoke {id}")).await.status.success());
    assert!(!app.operator(&format!("api-keys revoke {id}")).await.status.success());
    assert!(app.operator("roles set editor --permission posts:write").await.status.success());
    let events = app.service_events().await;
    let scopes = ["tokens:introspect", "users:read"];
    assert_eq!(
        told(&events)[1..],
        [
            ("api_key_created", &json!({"api_key_id": id, "added": scopes, "removed": []})),
            ("api_key_revoked", &json!({"api_key_id": id, "added": [], "removed": scopes})),
            ("role_defined", &json!({"role": "editor", "added": ["posts:write"], "removed": []})),
        ]
    );
    let operator = json!({"type": "operator", "id": null});
    assert!(events.iter().all(|event| event["actor"] == operator && event["ip_address"] == json!(null)));
    let said = json!(events).to_string();
    assert!(!said.contains(&text[text.len() - 20..]) && !said.contains("billing"), "{said}");

    // They are known to whoever looks through the store, and go after a while.
    let client = app.redis.as_ref().unwrap().client().await;
    let mut logs: Vec<String> = command(&client, "KEYS latchkey:{roles}:events:*").await;
    logs.append(&mut command(&client, "KEYS latchkey:{api-keys}:events:*").await);
    assert_eq!(logs.len(), 2, "{logs:?}");
    for log in logs {
        let days = command::<i64>(&client, &format!("TTL {log}")).await / (24 * 60 * 60);
        assert!((364..366).contains(&days), "{log} is kept for {days} days");
    }
    let checked = app.check(false).await;
    checked.expect_clean();
    assert_eq!(checked.summary["checked"]["unknown_keys"], 0, "{}", checked.text);

    // A store without memory takes no event, and a key is revoked all the same.
    let (id, key) = app.api_key("").await;
    let ada = app.person("ada").await;
    app.introspect(&key, &ada.token).await.expect(200);
    let before = app.service_events().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    assert!(app.operator(&format!("api-keys revoke {id}")).await.status.success());
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    app.introspect(&key, &ada.token).await.refused(401, "api_key_invalid");
    assert_eq!(app.service_events().await, before);
    app.stop().await;
}
