//! API keys: `latchkey api-keys`, and what they are good for.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use fred::interfaces::KeysInterface;
use serde_json::{Value, json};

use crate::{
    redis_server::command,
    support::{Answer, Request, TestApp, check, line, run},
};

/// What was made: its id and the key.
#[track_caller]
fn made(output: &std::process::Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (key, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((key.lines().count(), said.lines().count()), (1, 1), "{said}");
    assert!(key.starts_with("lkk_") && said.contains("is not shown again"), "{said}");
    assert!(!said.contains(key.trim()));
    let id = said.split([' ', ',']).find(|word| word.len() == 36).expect(&said);
    (id.to_owned(), key.trim().to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl TestApp {
    /// Makes an API key for introspection.
    pub async fn api_key(&self, more: &str) -> (String, String) {
        made(&self.operator(&format!("api-keys create --name billing --scope tokens:introspect {more}")).await)
    }

    /// Asks about a token.
    pub async fn introspect(&self, key: &str, token: &str) -> Answer {
        self.post("/v1/tokens/introspect").bearer(key).form(&format!("token={token}")).send().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_api_key_is_made_listed_used_and_revoked() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    assert_eq!(text(&app.operator("api-keys list").await.stdout), "");
    let (id, key) = app.api_key("").await;
    let (other, other_key) = app.api_key("--expires-in 2h").await;
    assert_eq!(app.introspect(&key, &ada.token).await.expect(200).body["active"], true);
    assert_eq!(app.introspect(&other_key, &ada.token).await.expect(200).body["active"], true);

    let listed = text(&app.operator("api-keys list").await.stdout);
    let lines = listed.lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].starts_with(&format!("{id}  tokens:introspect  created 2")), "{listed}");
    assert!(lines[0].ends_with("  never expires  billing") && lines[1].contains("  expires 2"), "{listed}");
    let json: Value = serde_json::from_slice(&app.operator("api-keys list --json").await.stdout).unwrap();
    assert_eq!((&json[0]["id"], &json[0]["expires_at"], &json[1]["id"]), (&json!(id), &json!(null), &json!(other)));
    assert_eq!((&json[0]["name"], &json[0]["scopes"]), (&json!("billing"), &json!(["tokens:introspect"])));

    let revoked = app.operator(&format!("api-keys revoke {id}")).await;
    assert_eq!(text(&revoked.stdout), format!("API key {id} is revoked\n"));
    app.introspect(&key, &ada.token).await.refused(401, "api_key_invalid");
    let said = line(&app.operator(&format!("api-keys revoke {id}")).await, 1);
    assert!(said.contains("no API key with this id"), "{said}");
    app.introspect(&other_key, &ada.token).await.expect(200);
    app.clock.advance(Duration::from_secs(7000));
    app.introspect(&other_key, &ada.token).await.expect(200);
    app.clock.advance(Duration::from_secs(300));
    app.introspect(&other_key, &ada.token).await.refused(401, "api_key_invalid");
    assert_eq!(text(&app.operator("api-keys list").await.stdout).lines().count(), 1, "it can still be seen");
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_keys_and_grants_are_made_and_taken_away() {
    let app = TestApp::cluster().await;
    let ada = app.person("ada").await;
    let ((id, key), (other, _)) = (app.api_key("").await, app.api_key("").await);
    app.operator(&format!("users grant {} --role admin --permission a", ada.email)).await;
    let told = app.introspect(&key, &ada.token).await.expect(200).body;
    assert_eq!((&told["roles"], &told["permissions"]), (&json!(["admin"]), &json!(["a"])));
    assert_eq!(app.operator(&format!("api-keys revoke {id}")).await.status.code(), Some(0));
    app.introspect(&key, &ada.token).await.refused(401, "api_key_invalid");
    let listed = text(&app.operator("api-keys list").await.stdout);
    assert!(listed.starts_with(&other) && listed.lines().count() == 1, "{listed}");
    assert_eq!(app.operator("check").await.status.code(), Some(0));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_key_is_refused_unless_it_is_whole_and_good_for_this() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let (id, key) = app.api_key("").await;
    let request = || app.post("/v1/tokens/introspect").form(&format!("token={}", ada.token));
    let challenges = async |request: Request<'_>, code: &str| {
        let refused = request.send().await.refused(401, code);
        assert_eq!(refused.body["error"], "invalid_client", "for clients of OAuth");
        refused
            .headers
            .get_all("www-authenticate")
            .iter()
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (bearer, basic) = ("Bearer realm=\"latchkey\"".to_owned(), "Basic realm=\"latchkey\"".to_owned());
    assert_eq!(challenges(request(), "api_key_required").await, [bearer.clone(), basic.clone()]);
    let invalid = [format!("{bearer}, error=\"invalid_token\""), basic];
    for user in ["", "billing", "lkk_"] {
        request().basic(user, &key).send().await.expect(200);
        assert_eq!(challenges(request().basic(user, "wrong"), "api_key_invalid").await, invalid);
    }
    let end = if key.ends_with('A') { "E" } else { "A" };
    let other_secret = format!("{}{end}", &key[..67]);
    let other_id = format!("lkk_{}{}", if &key[4..5] == "A" { "B" } else { "A" }, &key[5..]);
    for wrong in [&ada.token, &key[..67], &key[4..], &other_secret, &other_id, &format!("{key}AAAA"), "lkk_"] {
        assert_eq!(challenges(request().bearer(wrong), "api_key_invalid").await, invalid);
    }
    assert_eq!(challenges(request().bearer(&key).basic("", &key), "api_key_invalid").await, invalid);
    app.me(&key).await.refused(401, "token_invalid");
    let client = app.redis.as_ref().unwrap().client().await;
    let scopes = format!("HSET latchkey:{{api-keys}}:key:{id} scopes users:read");
    assert_eq!(command::<i64>(&client, &scopes).await, 0);
    let refused = app.introspect(&key, &ada.token).await.refused(403, "insufficient_scope");
    let challenge = "Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"tokens:introspect\"";
    assert_eq!(refused.header("www-authenticate"), challenge);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_curl_finds_out_by_itself_how_a_key_is_sent() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let (_, key) = app.api_key("").await;
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--anyauth", "--user", &format!("svc:{key}")]);
    curl.args(["--data", &format!("token={}", ada.token), &format!("{}/v1/tokens/introspect", app.url)]);
    let output = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["active"], true);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_of_a_key_only_the_digest_is_stored() {
    let app = TestApp::redis().await;
    let (id, key) = app.api_key("--expires-in 1h").await;
    let client = app.redis.as_ref().unwrap().client().await;
    let record = format!("latchkey:{{api-keys}}:key:{id}");
    let stored: std::collections::BTreeMap<String, String> = command(&client, &format!("HGETALL {record}")).await;
    let fields = ["created_at", "digest", "expires_at", "name", "rev", "scopes"];
    assert_eq!(stored.keys().collect::<Vec<_>>(), fields);
    let keys: Vec<String> = command(&client, "KEYS latchkey:{api-keys}*").await;
    assert_eq!(keys.len(), 3, "the key, the list and the trail: {keys:?}");
    let bytes = URL_SAFE_NO_PAD.decode(&key[4..]).unwrap();
    app.expect_only_the_digest_of(&bytes[16..]).await; // after the id
    assert_eq!(client.ttl::<i64, _>(&record).await.unwrap(), -1, "it stays in the list");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_damaged_list_of_keys_is_found_and_repaired() {
    let app = TestApp::redis().await;
    let (id, _) = app.api_key("").await;
    let client = app.redis.as_ref().unwrap().client().await;
    let index = "latchkey:{api-keys}:index:created";
    let damage = async |line: String| assert_eq!(command::<i64>(&client, &line).await, 1, "{line}");
    damage(format!("ZREM {index} {id}")).await;
    app.expect_repair_of(&["unlisted_api_key"]).await;
    assert!(text(&app.operator("api-keys list").await.stdout).starts_with(&id));
    damage(format!("ZADD {index} 7 somebody")).await;
    damage(format!("ZADD {index} 7 01a1fcec-ccf1-71d2-b65c-217aec7c1112")).await;
    damage(format!("ZADD {index} CH 7 {id}")).await;
    app.expect_repair_of(&["dangling_api_key", "dangling_api_key", "unlisted_api_key"]).await;
    damage(format!("HDEL latchkey:{{api-keys}}:key:{id} name")).await;
    let left = app.check(true).await;
    assert_eq!((left.code, left.codes("left")), (1, vec!["unreadable"]));
    app.operator(&format!("api-keys revoke {id}")).await;
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_key_is_revoked_in_a_full_store_too() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let (id, key) = app.api_key("").await;
    let client = app.redis.as_ref().unwrap().client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    let said = line(&app.operator("api-keys create --name x --scope tokens:introspect").await, 1);
    assert!(said.contains("full"), "{said}");
    assert_eq!(app.operator(&format!("api-keys revoke {id}")).await.status.code(), Some(0));
    app.introspect(&key, &ada.token).await.refused(401, "api_key_invalid");
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    assert_eq!(text(&app.operator("api-keys list").await.stdout), "");
    app.expect_repair_of(&["dangling_api_key"]).await;
    app.stop().await;
}

#[test]
fn embedded_keys_are_made_while_the_service_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = [("LATCHKEY_DATA_DIR", data.to_str().unwrap())];
    let create = ["api-keys", "create", "--name", "the billing service", "--scope", "tokens:introspect"];
    assert!(line(&run(&settings, &create), 1).contains("there is no store"));
    let process = crate::support::Process::start(&settings);
    assert!(line(&run(&settings, &create), 1).contains("in use by another process"));
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));
    let (id, _) = made(&run(&settings, &create));
    assert!(text(&run(&settings, &["api-keys", "list"]).stdout).trim_end().ends_with("  the billing service"));
    check(&settings, false).expect_clean();
    assert_eq!(run(&settings, &["api-keys", "revoke", &id]).status.code(), Some(0));
    assert_eq!(text(&run(&settings, &["api-keys", "list", "--json"]).stdout).trim(), "[]");
}

#[test]
fn a_wrong_api_key_command_is_told_in_a_line() {
    let create = |arguments: &[&str]| run(&[], &[&["api-keys", "create"], arguments].concat());
    for (arguments, allowed) in [
        (["--name", "x", "--scope", "everything"].as_slice(), "one of these is needed: tokens:introspect"),
        (&["--name", "\u{7}", "--scope", "tokens:introspect"], "1 to 64 characters"),
        (&["--name", "x", "--scope", "tokens:introspect", "--expires-in", "1s"], "from 1m to 3650d"),
    ] {
        let said = line(&create(arguments), 2);
        assert!(said.contains(allowed), "{said}");
    }
    for arguments in [["--name", "x"], ["--scope", "tokens:introspect"]] {
        assert_eq!(create(&arguments).status.code(), Some(2));
    }
    let said = line(&run(&[], &["api-keys", "revoke", "nope"]), 2);
    assert!(said.contains("<ID>") && said.contains("an id out of `latchkey api-keys list` is needed"), "{said}");
}
