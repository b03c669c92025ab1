//! `/v1/admin/roles`, and what roles give to whom.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, PASSWORD, Person, TestApp};

/// What an access token says.
fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

impl TestApp {
    /// Somebody who has been granted this by an operator.
    pub async fn granted(&self, who: &str, grants: &str) -> Person {
        let person = self.person(who).await;
        let output = self.operator(&format!("users grant {} {grants}", person.id)).await;
        assert!(output.status.success(), "{output:?}");
        person
    }

    /// What is refused to somebody who may nothing, and to the only administrator.
    pub async fn refused_to_administrators(&self, token: &str) -> [Answer; 6] {
        let root = self.granted("root", "--role admin").await;
        let nobody = format!("/v1/admin/users/{}", Uuid::nil());
        let made = self.operator("users create suspended@example.com --json").await;
        let made = serde_json::from_slice::<serde_json::Value>(&made.stdout).unwrap();
        assert!(self.operator("users suspend suspended@example.com").await.status.success());
        let grants = format!("/v1/admin/users/{}/grants", made["id"].as_str().unwrap());
        [
            self.patch(&grants).bearer(&root.token).json(&json!({"roles": ["admin"]})).send().await,
            self.get("/v1/admin/roles").bearer(token).send().await,
            self.get("/v1/admin/roles/none").bearer(&root.token).send().await,
            self.get(&nobody).bearer(&root.token).send().await,
            self.put_role(&root.token, "admin", &[]).await,
            self.delete("/v1/users/me").bearer(&root.token).send().await,
        ]
    }

    pub async fn put_role(&self, token: &str, name: &str, permissions: &[&str]) -> Answer {
        let body = json!({"permissions": permissions});
        self.request("PUT", &format!("/v1/admin/roles/{name}")).bearer(token).json(&body).send().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_a_role_gives_is_had_at_once_and_in_the_next_token() {
    let app = TestApp::redis().await;
    let root = app.granted("root", "--role admin").await;
    let ada = app.granted("ada", "--role editor --permission own:one").await;
    let before = app.me(&ada.token).await.expect(200);
    assert_eq!(before.body["permissions"], json!(["own:one"]));

    app.put_role(&root.token, "editor", &["articles:write", "articles:read"]).await.expect(200);
    let all = json!(["articles:read", "articles:write", "own:one"]);
    assert_eq!(app.me(&ada.token).await.expect(200).body["permissions"], all, "at once");
    let (_, key) = app.api_key("").await;
    assert_eq!(app.introspect(&key, &ada.token).await.expect(200).body["permissions"], all);
    let refreshed = app.refresh(&ada.refresh_token).await.expect(200).body;
    assert_eq!(refreshed["user"]["permissions"], all);
    assert_eq!(claims(refreshed["access_token"].as_str().unwrap())["permissions"], all, "at the next refresh");
    let signed_in = app.sign_in(&ada.email, PASSWORD).await.expect(201).body;
    assert_eq!(signed_in["user"]["permissions"], all);
    assert_eq!(claims(signed_in["access_token"].as_str().unwrap())["permissions"], all);
    let patch = json!({"name": "Ada"});
    let patched = app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
    assert_eq!(patched.body["permissions"], all);
    assert_eq!(app.stored_user(&ada.id).await["permissions"], "own:one", "what roles give is not stored twice");

    app.delete("/v1/admin/roles/editor").bearer(&root.token).send().await.expect(204);
    let after = app.me(&ada.token).await.expect(200).body;
    assert_eq!((&after["roles"], &after["permissions"]), (&json!(["editor"]), &json!(["own:one"])), "a bare name");
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_a_role_gives_is_sent_again_to_whoever_knows_the_version() {
    let app = TestApp::redis().await;
    let root = app.granted("root", "--role admin").await;
    let ada = app.granted("ada", "--role editor").await;
    let read = async |tag: &str| app.get("/v1/users/me").bearer(&ada.token).header("If-None-Match", tag).send().await;
    let tag = app.me(&ada.token).await.header("etag").to_owned();
    read(&tag).await.expect(304);

    app.put_role(&root.token, "editor", &["articles:write"]).await.expect(200);
    let writes = read(&tag).await.expect(200);
    assert_eq!(writes.body["permissions"], json!(["articles:write"]));
    let tag = writes.header("etag").to_owned();
    assert_eq!(read(&tag).await.expect(304).header("etag"), tag);
    app.put_role(&root.token, "editor", &["articles:read"]).await.expect(200);
    read(&tag).await.expect(200);
    let seen = app.admin("GET", &format!("/v1/admin/users/{}", ada.id)).await.send().await.expect(200);
    assert_eq!(seen.header("etag"), app.me(&ada.token).await.header("etag"));

    // The user has not changed.
    let patch = async |tag: &str| {
        let request = app.patch("/v1/users/me").bearer(&ada.token).header("If-Match", tag);
        request.json(&json!({"name": "Ada"})).send().await
    };
    let patched = patch(&tag).await.expect(200);
    assert_eq!(patched.header("etag"), app.me(&ada.token).await.header("etag"));
    patch(&tag).await.refused(412, "version_mismatch");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_change_of_a_role_that_was_deleted_is_none_of_the_one_that_has_its_name() {
    let app = TestApp::redis().await;
    let root = app.granted("root", "--role admin").await;
    let put = |permission: &str| {
        let body = json!({"permissions": [permission]});
        app.request("PUT", "/v1/admin/roles/editor").bearer(&root.token).json(&body)
    };
    let delete = || app.delete("/v1/admin/roles/editor").bearer(&root.token);
    let seen = put("articles:read").send().await.expect(200).header("etag").to_owned();
    delete().send().await.expect(204);
    put("articles:read").header("If-Match", &seen).send().await.refused(412, "version_mismatch");
    put("articles:write").send().await.expect(200);
    put("articles:delete").header("If-Match", &seen).send().await.refused(412, "version_mismatch");
    delete().header("If-Match", &seen).send().await.refused(412, "version_mismatch");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_roles_are_defined_read_replaced_and_deleted() {
    let app = TestApp::cluster().await;
    let root = app.granted("root", "--role admin").await;
    let get = async |path: &str| app.get(path).bearer(&root.token).send().await;
    let list = get("/v1/admin/roles").await.expect(200).body;
    assert_eq!((list["items"].as_array().unwrap().len(), &list["next_cursor"]), (1, &json!(null)));
    let admin = &list["items"][0];
    assert_eq!((&admin["name"], &admin["built_in"]), (&json!("admin"), &json!(true)));
    assert!(admin["permissions"].as_array().unwrap().contains(&json!("latchkey:users:write")));

    let body = json!({"permissions": ["b", "a", "b"], "description": " Writes "});
    let put = || app.request("PUT", "/v1/admin/roles/editor").bearer(&root.token);
    let made = put().json(&body).send().await.expect(200);
    let editor = json!({"name": "editor", "permissions": ["a", "b"], "description": "Writes", "built_in": false});
    assert_eq!(made.body, editor);
    let first = made.header("etag").to_owned();
    let version = first.trim_matches('"').parse::<u64>().unwrap();
    assert!(version < 1 << 53, "a program that has doubles alone reads {version} as another number");
    assert_eq!(put().json(&body).send().await.header("etag"), first, "nothing is new");
    assert_eq!(get("/v1/admin/roles/editor").await.expect(200).body, editor);
    let other = json!({"permissions": []});
    put().header("If-Match", "\"2\"").json(&other).send().await.refused(412, "version_mismatch");
    let made = put().header("If-Match", &first).json(&other).send().await.expect(200);
    assert_eq!(made.body["description"], json!(null));
    let second = made.header("etag").to_owned();
    assert_ne!(second, first);
    let names =
        |list: &Answer| list.body["items"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    let listed: Vec<Value> = names(&get("/v1/admin/roles").await.expect(200));
    assert_eq!(listed, ["admin", "editor"]);

    let delete = |name: &str| app.delete(&format!("/v1/admin/roles/{name}")).bearer(&root.token);
    delete("editor").header("If-Match", &first).send().await.refused(412, "version_mismatch");
    delete("editor").header("If-Match", &second).send().await.expect(204);
    delete("editor").send().await.refused(404, "role_not_found");
    get("/v1/admin/roles/editor").await.refused(404, "role_not_found");
    get("/v1/admin/roles/Editor").await.refused(404, "role_not_found");
    delete("admin").send().await.refused(409, "role_built_in");
    app.put_role(&root.token, "admin", &[]).await.refused(409, "role_built_in");
    app.put_role(&root.token, "Editor", &[]).await.refused(400, "invalid_parameter");
    let wrong = json!({"permissions": ["A"], "description": "", "more": 1});
    let refused = put().json(&wrong).send().await.refused(422, "validation_failed");
    let fields = refused.wrong_fields().into_iter().collect::<BTreeSet<_>>();
    assert_eq!(fields, [("description", "invalid"), ("more", "unknown"), ("permissions", "invalid")].into());
    let many = (0..128).map(|n| format!("p{n}")).collect::<Vec<_>>();
    let many = many.iter().map(String::as_str).collect::<Vec<_>>();
    app.put_role(&root.token, "many", &many).await.expect(200);
    let refused = app.put_role(&root.token, "more", &["one-more"]).await.refused(422, "validation_failed");
    assert_eq!(refused.wrong_fields(), [("permissions", "too_long")]);
    app.put_role(&root.token, "same", &many).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nobody_gives_or_takes_by_a_role_what_they_may_not_do_themselves() {
    let app = TestApp::redis().await;
    let root = app.granted("root", "--role admin").await;
    let (ada, bob) =
        (app.granted("ada", "--permission latchkey:roles:write latchkey:roles:read").await, app.person("bob").await);
    app.get("/v1/admin/roles").send().await.refused(401, "authentication_required");
    let denied = app.get("/v1/admin/roles").bearer(&bob.token).send().await.refused(403, "permission_denied");
    assert!(denied.body["detail"].as_str().unwrap().contains("latchkey:roles:read"), "{}", denied.body);
    app.put_role(&bob.token, "x", &[]).await.refused(403, "permission_denied");

    app.put_role(&ada.token, "helper", &["latchkey:roles:read", "application:all"]).await.expect(200);
    app.put_role(&ada.token, "helper", &["latchkey:users:delete"]).await.refused(403, "permission_denied");
    app.put_role(&root.token, "helper", &["latchkey:users:delete"]).await.expect(200);
    app.put_role(&ada.token, "helper", &[]).await.refused(403, "permission_denied");
    app.delete("/v1/admin/roles/helper").bearer(&ada.token).send().await.refused(403, "permission_denied");
    // A permission that only looks like one of ours is one of the application's.
    app.put_role(&ada.token, "other", &["users:delete", "latchkey:everything"]).await.expect(200);

    // By their role, and at once.
    app.put_role(&root.token, "reader", &["latchkey:roles:read"]).await.expect(200);
    assert!(app.operator(&format!("users grant {} --role reader", bob.id)).await.status.success());
    app.get("/v1/admin/roles").bearer(&bob.token).send().await.expect(200);
    app.put_role(&root.token, "reader", &[]).await.expect(200);
    app.get("/v1/admin/roles").bearer(&bob.token).send().await.refused(403, "permission_denied");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_api_key_does_what_its_scopes_say() {
    let app = TestApp::redis().await;
    let (_, key) = app.api_key("roles:read users:delete").await;
    app.get("/v1/admin/roles").bearer(&key).send().await.expect(200);
    let refused = app.put_role(&key, "x", &[]).await.refused(403, "insufficient_scope");
    let challenge = "Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"roles:write\"";
    assert_eq!(refused.header("www-authenticate"), challenge);
    let (_, writer) = app.api_key("roles:write").await;
    app.put_role(&writer, "x", &["latchkey:roles:write"]).await.expect(200);
    let refused = app.put_role(&writer, "x", &["latchkey:users:read"]).await.refused(403, "insufficient_scope");
    assert!(refused.header("www-authenticate").contains("users:read"));
    app.get("/v1/admin/roles").bearer(&format!("{key}A")).send().await.refused(401, "api_key_invalid");
    app.get("/v1/admin/roles").basic("x", &key).send().await.refused(401, "authentication_required");
    app.stop().await;
}
