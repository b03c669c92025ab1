//! `/v1/sessions`: signing in, listing, signing out.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::Duration,
};

use latchkey::accounts::Clock;
use serde_json::json;

use crate::{
    cluster_of_servers::calls,
    proxy::{Fault, Proxy},
    redis_server::{RedisServer, command},
    support::{PASSWORD, TestApp, on_every_store},
};

on_every_store! {
    async fn a_login_is_an_address_a_username_or_an_id(app: TestApp) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": "ada"});
        let id = app.post("/v1/users").json(&body).send().await.expect(201).body["id"].clone();
        for login in ["ada@example.com", " ADA@example.com", "ada", "ADA", id.as_str().unwrap()] {
            let answer = app.sign_in(login, PASSWORD).await.expect(201);
            assert_eq!(answer.body["user"]["id"], id, "{login}");
        }
    }

    async fn a_username_that_looks_like_an_id_is_still_a_username(app: TestApp) {
        let username = "abcdefabcdefabcdefabcdefabcdefab";
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": username});
        app.post("/v1/users").json(&body).send().await.expect(201);
        app.sign_in(username, PASSWORD).await.expect(201);
    }

    async fn ending_a_session_that_is_being_rewritten_ends_it(app: TestApp) {
        for _ in 0..20 {
            let ada = app.person(&format!("ada{}", app.clock.now().as_millis())).await;
            let other = app.sign_in(&ada.email, PASSWORD).await.expect(201).body;
            let token = other["access_token"].as_str().unwrap();
            let path = format!("/v1/sessions/{}", other["session"]["id"].as_str().unwrap());
            let (ended, carried) = tokio::join!(
                app.delete(&path).bearer(&ada.token).send(),
                app.delete("/v1/sessions?scope=others").bearer(token).send(),
            );
            // Whichever came first, what was answered is so.
            assert!(matches!((ended.status, carried.status), (204, 204 | 401) | (401, 204)), "{ended:?} {carried:?}");
            assert_eq!(app.me(token).await.status == 401, ended.status == 204, "{ended:?} {carried:?}");
        }
    }

    async fn whatever_is_wrong_the_answer_is_the_same(app: TestApp) {
        let id = app.register("ada").await.expect(201).body["id"].as_str().unwrap().to_owned();
        let unknown = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";
        let huge = "x".repeat(10_000);
        for (login, password) in [
            ("ada@example.com", "wrong password"), ("ada@example.com", ""), ("ada@example.com", &huge),
            (&id, "wrong password"), ("nobody@example.com", PASSWORD), ("nobody", PASSWORD), (unknown, PASSWORD),
            ("", PASSWORD), (" ", ""), ("@", PASSWORD), (&huge, PASSWORD),
        ] {
            let answer = app.sign_in(login, password).await.refused(401, "invalid_credentials");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"latchkey\"");
        }
    }

    async fn an_access_token_is_good_for_ten_minutes(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(590));
        app.me(&ada.token).await.expect(200);
        app.clock.advance(Duration::from_secs(20));
        let refused = app.me(&ada.token).await.refused(401, "token_expired");
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"latchkey\", error=\"invalid_token\"");
    }

    async fn what_is_not_quite_a_token_is_refused(app: TestApp) {
        let ada = app.person("ada").await;
        let bob = app.person("bob").await;
        let (head, signature) = ada.token.rsplit_once('.').unwrap();
        let mixed = format!("{head}.{}", bob.token.rsplit_once('.').unwrap().1);
        let changed = format!("{head}.{}", signature.chars().rev().collect::<String>());
        let longer = format!("{}A", ada.token);
        for token in ["x", head, &ada.token.to_uppercase(), &mixed, &changed, &longer, &ada.refresh_token] {
            app.me(token).await.refused(401, "token_invalid");
        }
        app.get("/v1/users/me").send().await.refused(401, "authentication_required");
        let twice = app.get("/v1/users/me").bearer(&ada.token).header("authorization", &format!("Bearer {}", bob.token));
        twice.send().await.refused(401, "token_invalid");
        let basic = app.get("/v1/users/me").header("authorization", "Basic YWRhOng=");
        basic.send().await.refused(401, "authentication_required");
    }

    async fn sessions_are_listed_the_latest_first(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(5));
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let request = app.post("/v1/sessions").header("user-agent", firefox);
        let phone = request.json(&json!({"login": ada.email, "password": PASSWORD})).send().await.expect(201).body;
        let list = app.get("/v1/sessions").bearer(&ada.token).send().await.expect(200).body;
        let items = list["items"].as_array().unwrap();
        assert_eq!(list["next_cursor"], json!(null));
        assert_eq!(items.len(), 2);
        assert_eq!((&items[0]["id"], &items[0]["current"]), (&phone["session"]["id"], &json!(false)));
        assert_eq!((&items[0]["user_agent"], &items[0]["ip_address"]), (&json!(firefox), &json!("127.0.0.1")));
        assert_eq!(items[0]["device"], "Firefox 145 on Linux");
        assert_eq!(items[1]["current"], true);
    }

    async fn expired_sessions_are_not_listed(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(168 * 3600 + 1));
        let token = app.token(&ada.email).await;
        let list = app.get("/v1/sessions").bearer(&token).send().await.expect(200).body;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }

    async fn signing_out_ends_this_session_at_once(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.token(&ada.email).await;
        app.delete("/v1/sessions/current").bearer(&ada.token).send().await.expect(204);
        app.me(&ada.token).await.refused(401, "token_invalid");
        app.me(&other).await.expect(200);
        app.delete("/v1/sessions/current").bearer(&ada.token).send().await.refused(401, "token_invalid");
    }

    async fn one_of_several_sessions_can_be_ended(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.sign_in(&ada.email, PASSWORD).await.expect(201).body;
        let path = format!("/v1/sessions/{}", other["session"]["id"].as_str().unwrap());
        app.delete(&path).bearer(&ada.token).send().await.expect(204);
        app.me(other["access_token"].as_str().unwrap()).await.refused(401, "token_invalid");
        app.me(&ada.token).await.expect(200);
        app.delete(&path).bearer(&ada.token).send().await.refused(404, "session_not_found");
        let nonsense = app.delete("/v1/sessions/nonsense").bearer(&ada.token);
        nonsense.send().await.refused(404, "session_not_found");
    }

    async fn all_other_sessions_can_be_ended(app: TestApp) {
        let (ada, others) = with_sessions(app).await;
        app.delete("/v1/sessions?scope=others").bearer(&ada).send().await.expect(204);
        app.me(&ada).await.expect(200);
        for token in others {
            app.me(&token).await.refused(401, "token_invalid");
        }
        app.token("ada@example.com").await;
    }

    async fn all_sessions_can_be_ended(app: TestApp) {
        let (ada, others) = with_sessions(app).await;
        app.delete("/v1/sessions?scope=all").bearer(&ada).send().await.expect(204);
        for token in others.into_iter().chain([ada]) {
            app.me(&token).await.refused(401, "token_invalid");
        }
        app.token("ada@example.com").await;
    }

    async fn the_scope_must_be_said(app: TestApp) {
        let ada = app.person("ada").await;
        for path in ["/v1/sessions", "/v1/sessions?scope=", "/v1/sessions?scope=mine"] {
            app.delete(path).bearer(&ada.token).send().await.refused(400, "invalid_parameter");
        }
        app.me(&ada.token).await.expect(200);
    }
}

async fn with_sessions(app: &TestApp) -> (String, Vec<String>) {
    let ada = app.person("ada").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(app.token(&ada.email).await);
    }
    (ada.token, others)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_signing_out_of_one_instance_signs_out_of_all() {
    let app = TestApp::redis().await;
    let twin = app.twin().await;
    let ada = app.person("ada").await;
    twin.me(&ada.token).await.expect(200);
    twin.delete("/v1/sessions/current").bearer(&ada.token).send().await.expect(204);
    app.me(&ada.token).await.refused(401, "token_invalid");
    twin.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_expired_sessions_are_cleared_away_when_signing_in() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.clock.advance(Duration::from_secs(168 * 3600 + 1));
    app.token(&ada.email).await;
    let client = app.redis.as_ref().unwrap().client().await;
    for pattern in ["session:*", "sessions:*"] {
        let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:{pattern}")).await;
        assert_eq!(keys.len(), 1, "{keys:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_sessions_can_be_ended_in_a_full_store() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let (one, two, three) =
        (app.sign_in(&ada.email, PASSWORD).await, app.token(&ada.email).await, app.token(&ada.email).await);
    let client = app.redis.as_ref().unwrap().client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    app.sign_in(&ada.email, PASSWORD).await.refused(503, "store_full");
    app.refresh(&ada.refresh_token).await.refused(503, "store_full");
    app.me(&ada.token).await.expect(200);
    let path = format!("/v1/sessions/{}", one.body["session"]["id"].as_str().unwrap());
    app.delete(&path).bearer(&ada.token).send().await.expect(204);
    app.me(one.body["access_token"].as_str().unwrap()).await.refused(401, "token_invalid");
    app.delete("/v1/sessions/current").bearer(&two).send().await.expect(204);
    app.me(&two).await.refused(401, "token_invalid");
    app.delete("/v1/sessions?scope=others").bearer(&three).send().await.expect(204);
    app.me(&ada.token).await.refused(401, "token_invalid");
    app.me(&three).await.expect(200);
    app.delete("/v1/sessions?scope=all").bearer(&three).send().await.expect(204);
    app.me(&three).await.refused(401, "token_invalid");
    app.stop().await;
}

/// Between what the commit that ends it has read and its EXEC.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_signing_out_of_a_session_that_is_written_meanwhile_ends_it() {
    let server = RedisServer::start();
    let write = Arc::new(Mutex::new(None::<String>));
    let (port, at_exec) = (server.port(), Arc::clone(&write));
    let before_exec = move |_| {
        if let Some(words) = at_exec.lock().unwrap().take() {
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            server.write_all(words.as_bytes()).unwrap();
            assert_eq!(server.read(&mut [0; 100]).unwrap(), ":0\r\n".len());
        }
        false
    };
    let proxy = Proxy::start(&server.url(), Fault::LoseReply, before_exec, || {}).await;
    let app = TestApp::on(&proxy.url).await;
    let (ada, client) = (app.person("ada").await, server.client().await);
    let session = command::<Vec<String>>(&client, "KEYS latchkey:{*}:session:*").await.remove(0);
    let revision: String = command(&client, &format!("HGET {session} rev")).await;
    *write.lock().unwrap() = Some(format!("HSET {session} rev {revision}\r\n"));
    let execs = calls(&client, "exec").await;
    app.delete("/v1/sessions/current").bearer(&ada.token).send().await.expect(204);
    assert_eq!(calls(&client, "exec").await - execs, 2, "the first one conflicts");
    app.me(&ada.token).await.refused(401, "token_invalid");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nothing_is_left_of_sessions_that_were_ended_together() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    for (scope, left) in [("others", 1), ("all", 0)] {
        let token = app.token(&ada.email).await;
        app.token(&ada.email).await;
        app.delete(&format!("/v1/sessions?scope={scope}")).bearer(&token).send().await.expect(204);
        let found = app.check(false).await;
        assert_eq!(found.summary["checked"]["sessions"], left, "{}", found.text);
        found.expect_clean();
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_signing_in_makes_the_hash_as_costly_as_new_ones() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let costly = TestApp::beside(&app, &["--argon2-memory-kib", "64"]).await;
    let stored = async || app.stored_user(&ada.id).await["password_setting"].clone();
    assert!(stored().await.contains("$m=8,"), "{}", stored().await);
    costly.token(&ada.email).await;
    assert!(stored().await.contains("$m=64,"), "{}", stored().await);
    costly.token(&ada.email).await;
    costly.me(&ada.token).await.expect(200);
    costly.stop().await;
    app.stop().await;
}
