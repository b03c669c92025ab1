//! Every way to fail: each code of the catalogue is provoked here, on a real Redis that is got into trouble.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use latchkey::http::{self, Code, WebSettings};
use poem::{
    Server,
    endpoint::make_sync,
    listener::{Acceptor, Listener, TcpListener},
};
use poem_openapi::types::ToJSON;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    draining::until_unready,
    redis_server::command,
    sealing::without_a_key,
    support::{Answer, PASSWORD, Process, TestApp, on_every_store},
};

on_every_store! {
    async fn a_wrong_path_or_method_is_a_problem_too(app: TestApp) {
        for path in ["/", "/v1", "/v1/nothing", "/v1/users/me/more", "/v1/users/%00"] {
            app.get(path).send().await.refused(404, "not_found");
        }
        for path in ["/%ff", "/docs/%ff", "/v1/users/%ff", "/v1/%c3%28/x"] {
            app.get(path).send().await.refused(404, "not_found");
        }
        app.delete("/v1/sessions/%ff").send().await.refused(404, "session_not_found");
        for (method, path, allow) in [
            ("PUT", "/v1/users/me", "DELETE, GET, HEAD, PATCH"),
            ("GET", "/v1/users", "POST"),
            ("PATCH", "/v1/sessions", "DELETE, GET, HEAD, POST"),
            ("GET", "/v1/sessions/x", "DELETE"),
            ("POST", "/health/live", "GET, HEAD"),
            ("DELETE", "/openapi.json", "GET, HEAD"),
            ("OPTIONS", "/v1/sessions/current", "DELETE"),
            ("DELETE", "/v1/sessions/refresh", "POST"),
        ] {
            let answer = app.request(method, path).send().await.refused(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }

    async fn a_body_must_be_a_json_object_of_bounded_size(app: TestApp) {
        let post = |body: Vec<u8>| app.post("/v1/users").header("content-type", "application/json").body(body).send();
        for body in ["", "{", "[]", "null", "\"x\"", "{\"email\": \u{1}}", "{} {}"] {
            post(body.into()).await.refused(400, "malformed_json");
        }
        post(vec![0xff, 0xfe]).await.refused(400, "malformed_json");
        post(format!("{{\"a\": {}1", "[".repeat(5_000)).into()).await.refused(400, "malformed_json");
        for twice in [r#"{"email": "a@b.example", "email": "a@b.example"}"#, r#"{"metadata": {"a": 1, "a": 2}}"#] {
            let answer = post(twice.into()).await.refused(400, "malformed_json");
            assert!(answer.body["detail"].as_str().unwrap().contains("twice"), "{}", answer.body);
        }
        post(vec![b' '; 64 * 1024 + 1]).await.refused(413, "body_too_large");
        post(vec![b' '; 64 * 1024]).await.refused(400, "malformed_json");
        app.post("/v1/users").body("{}").send().await.refused(415, "unsupported_media_type");
        let form = app.post("/v1/users").header("content-type", "text/plain").body("{}");
        form.send().await.refused(415, "unsupported_media_type");
    }

    async fn a_chunked_body_is_counted_as_well(app: TestApp) {
        let chunks = futures_util::stream::iter((0..200).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
        let body = reqwest::Body::wrap_stream(chunks);
        let request = app.post("/v1/users").header("content-type", "application/json").body(body);
        request.send().await.refused(413, "body_too_large");
    }

    async fn unknown_fields_are_named_but_not_without_end(app: TestApp) {
        let fields = (0..500).map(|n| (format!("{n}{}", "x".repeat(90)), json!(1)));
        let body = Value::Object(fields.collect::<Map<_, _>>());
        let answer = app.post("/v1/sessions").json(&body).send().await;
        let answer = answer.refused(422, "validation_failed");
        let unknown = answer.wrong_fields().into_iter().filter(|(_, code)| *code == "unknown").collect::<Vec<_>>();
        assert_eq!(unknown.len(), 20);
        assert!(unknown.iter().all(|(field, _)| field.len() == 64));
    }

    async fn a_body_that_breaks_off_is_a_problem_on_every_path(app: TestApp) {
        for (head, body) in [
            ("GET /health/live HTTP/1.1\r\nTransfer-Encoding: chunked", "zz\r\n"),
            ("POST /v1/users HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 50", "{}"),
        ] {
            let answer = raw(app, &format!("{head}\r\nHost: localhost\r\n\r\n{body}")).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            assert_eq!(code_of(&answer).as_deref(), Some("malformed_body"), "{answer}");
        }
    }

    async fn what_a_client_sent_is_not_quoted_back(app: TestApp) {
        let body = r#"{"email": "ada@example.com", "password": "hunter22hunter22" oops}"#;
        let answer = app.post("/v1/users").header("content-type", "application/json").body(body).send().await;
        assert!(!answer.refused(400, "malformed_json").body.to_string().contains("hunter"));
        let body = json!({"email": "ada-example.com", "password": "hunter2"});
        let answer = app.post("/v1/users").json(&body).send().await.refused(422, "validation_failed");
        assert!(!answer.body.to_string().contains("hunter") && !answer.body.to_string().contains("ada-"));
    }
}

/// Sends bytes as they are, says that no more will come, and reads what is answered.
async fn raw(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

/// The code in an answer as it came over the wire.
fn code_of(answer: &str) -> Option<String> {
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(serde_json::from_str::<Value>(body).ok()?["code"].as_str()?.to_owned())
}

/// Collects the codes that were seen.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn note(&mut self, answer: &Answer) {
        self.0.insert(answer.body["code"].as_str().unwrap_or("none").to_owned());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_every_code_of_the_catalogue_is_provoked() {
    let mut app = TestApp::redis().await;
    let mut seen = Seen::default();
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": "ada"});
    let keyed = |key, body: &Value| app.post("/v1/users").header("Idempotency-Key", key).json(body).send();
    let ada = keyed("key", &body).await.expect(201).body;
    let signed_in = app.sign_in("ada", PASSWORD).await.expect(201).body;
    let token = signed_in["access_token"].as_str().unwrap().to_owned();

    seen.note(&keyed("key", &json!({"email": "x@example.com", "password": PASSWORD})).await);
    seen.note(
        &keyed("key", &json!({"email": "ada@example.com", "password": "another one entirely", "username": "ada"}))
            .await,
    );
    seen.note(&keyed("", &body).await);
    seen.note(&app.register("ada").await);
    let same_name = json!({"email": "bob@example.com", "password": PASSWORD, "username": "ada"});
    seen.note(&app.post("/v1/users").json(&same_name).send().await);
    seen.note(&app.post("/v1/users").json(&json!({})).send().await);
    seen.note(&app.post("/v1/users").body("{}").send().await);
    seen.note(&app.post("/v1/users").header("content-type", "application/json").body("{").send().await);
    seen.note(&app.post("/v1/users").body(vec![b' '; 70_000]).send().await);
    seen.note(&dripping(&app).await);
    seen.note(&app.get("/v1/users/me").send().await);
    seen.note(&app.me("lk_x").await);
    seen.note(&app.sign_in("ada", "wrong").await);
    seen.note(&app.undo("lkm_x").await);
    for _ in 0..6 {
        seen.note(&app.sign_in("nobody", "wrong").await);
    }
    turned_away(&app).await.iter().for_each(|answer| seen.note(answer));
    seen.note(&app.get("/nowhere").send().await);
    let broken =
        raw(&app, "GET /health/live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await;
    seen.0.extend(code_of(&broken));
    seen.note(&app.request("PUT", "/v1/users/me").send().await);
    seen.note(&app.delete("/v1/sessions/x").bearer(&token).send().await);
    app.refused_to_administrators(&token).await.iter().for_each(|answer| seen.note(answer));
    let patch = app.patch("/v1/users/me").bearer(&token);
    seen.note(&patch.json(&json!({"email": "b@example.com", "current_password": "wrong"})).send().await);
    let patch = app.patch("/v1/users/me").bearer(&token).header("If-Match", "\"9\"");
    seen.note(&patch.json(&json!({"name": "x"})).send().await);
    seen.note(&app.post("/v1/tokens/introspect").form("token=x").send().await);
    seen.note(&app.introspect("lkk_x", "x").await);
    seen.note(&app.post("/v1/tokens/revoke").form("").send().await);
    seen.note(&app.import_too_much().await);
    let (id, key) = app.api_key("").await;
    let scopes = format!("HSET latchkey:{{api-keys}}:key:{id} scopes other");
    let _: i64 = command(&app.redis.as_ref().unwrap().client().await, &scopes).await;
    seen.note(&app.introspect(&key, "x").await);
    seen.note(&contended(&app, &ada, &token).await);
    seen.note(&overloaded(&app).await);
    app.clock.advance(Duration::from_secs(601));
    seen.note(&app.me(&token).await);
    let renewed = app.refresh(signed_in["refresh_token"].as_str().unwrap()).await.expect(200).body;
    let token = renewed["access_token"].as_str().unwrap().to_owned();
    let id = app.me(&token).await.expect(200).body["id"].as_str().unwrap().to_owned();
    app.operator(&format!("users grant {id} --permission latchkey:users:write")).await;
    let own = app.patch(&format!("/v1/admin/users/{id}")).bearer(&token).json(&json!({"name": "Ada"}));
    seen.note(&own.send().await);
    seen.note(&app.delete("/v1/users/me").bearer(&token).send().await);
    let stolen = app.sign_in("ada", PASSWORD).await.expect(201).body["refresh_token"].as_str().unwrap().to_owned();
    app.refresh(&stolen).await.expect(200);
    app.clock.advance(Duration::from_secs(11));
    seen.note(&app.refresh(&stolen).await);
    seen.note(&app.refresh(&stolen).await);
    seen.0.extend(draining().await);
    let (_redis, keyless, ..) = without_a_key().await;
    seen.note(&keyless.get("/health/ready").send().await);
    seen.note(&full(&app).await);
    seen.note(&corrupt(&app, &ada, &token).await);
    app.redis.as_mut().unwrap().kill();
    seen.note(&app.me(&token).await);
    let catalogue = Code::ALL.iter().map(|code| code.to_json().unwrap().as_str().unwrap().to_owned());
    assert_eq!(seen.0, catalogue.collect());
    app.stop().await;
}

/// Another request of the same person has claimed the address, and neither takes it nor gives it up.
async fn contended(app: &TestApp, user: &Value, token: &str) -> Answer {
    app.leave_claim("new@example.com", user["id"].as_str().unwrap(), 1).await;
    let patch = json!({"email": "new@example.com", "current_password": PASSWORD});
    let started = Instant::now();
    let answer = app.patch("/v1/users/me").bearer(token).json(&patch).send().await;
    assert!(started.elapsed() < Duration::from_millis(3_300), "{:?}", started.elapsed());
    assert_eq!(app.me(token).await.body["email"], "ada@example.com");
    answer
}

/// More people sign in than one slow thread with a short queue can take.
async fn overloaded(app: &TestApp) -> Answer {
    let slow = ["--hash-threads", "1", "--hash-queue", "1", "--argon2-memory-kib", "65536"];
    let slow = TestApp::beside(app, &slow).await;
    let answers = join_all((0..10).map(|n| slow.sign_in(["person1", "person2", "person3"][n % 3], PASSWORD))).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 401 | 503)), "{answers:?}");
    let refused = answers.into_iter().find(|answer| answer.status == 503).unwrap();
    assert_eq!(refused.header("retry-after"), "1");
    slow.stop().await;
    refused
}

/// A body does not come in time.
async fn dripping(app: &TestApp) -> Answer {
    let twin = TestApp::beside(app, &["--body-timeout", "100ms"]).await;
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let answer = twin.post("/v1/users").body(reqwest::Body::wrap_stream(never)).send().await;
    twin.stop().await;
    answer
}

/// The service was told to stop.
async fn draining() -> Option<String> {
    let process = Process::start(&[("LATCHKEY_DRAIN_DELAY", "5m")]);
    process.signal("-TERM");
    Some(until_unready(&process).await)
}

/// A page somewhere signs somebody in, and somebody else has not confirmed their address.
async fn turned_away(app: &TestApp) -> [Answer; 2] {
    let twin = TestApp::beside(app, &["--cookies", "--require-verification"]).await;
    let body = json!({"login": "ada", "password": PASSWORD, "token_delivery": "cookie"});
    let forged = twin.post("/v1/sessions").header("origin", "https://evil.com").json(&body).send().await;
    let unverified = twin.sign_in("ada", PASSWORD).await;
    twin.stop().await;
    [forged, unverified]
}

async fn full(app: &TestApp) -> Answer {
    let client = app.redis.as_ref().unwrap().client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    let answer = app.register("carl").await;
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    app.register("carl").await.expect(201);
    answer
}

async fn corrupt(app: &TestApp, user: &Value, token: &str) -> Answer {
    let client = app.redis.as_ref().unwrap().client().await;
    let keys: Vec<String> =
        command(&client, &format!("KEYS latchkey:{{b*}}:user:{}", user["id"].as_str().unwrap())).await;
    let _: i64 = command(&client, &format!("HSET {} created_at nonsense", keys[0])).await;
    app.me(token).await
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_service_goes_on() {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    let endpoint =
        http::guarded(make_sync(|_| -> String { panic!("a secret that is not told") }), &WebSettings::default());
    let server = tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint));
    for _ in 0..2 {
        let answer = reqwest::get(format!("http://{address}/")).await.unwrap();
        assert_eq!(answer.status(), 500);
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((&body["code"], &body["instance"]), (&json!("internal_error"), &json!(format!("urn:uuid:{id}"))));
        assert!(!body.to_string().contains("secret"));
    }
    server.abort();
}
