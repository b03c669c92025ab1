//! Pages of other origins: what their browser is told.

use latchkey::http::{self, Origin, WebSettings};
use poem::{
    Server,
    endpoint::make_sync,
    listener::{Acceptor, Listener, TcpListener},
};
use serde_json::json;

use crate::support::{Answer, PASSWORD, TestApp};

const LISTED: &str = "https://app.example.com";
const OTHERS: [&str; 8] = [
    "https://app.example.com.evil.com",
    "https://evil.com",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://example.com",
    "https://APP.example.com",
    "https://app.example.com/",
    "null",
];

async fn with_cors() -> TestApp {
    TestApp::with(&["--cors-origins", "https://App.example.com:443,http://localhost:3000"]).await
}

/// The headers of CORS, by what follows `access-control-`.
fn cors(answer: &Answer) -> Vec<(&str, &str)> {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let mut headers =
        headers.filter_map(|(name, value)| Some((name.strip_prefix("access-control-")?, value))).collect::<Vec<_>>();
    headers.sort_unstable();
    headers
}

const READABLE: [(&str, &str); 2] = [
    ("allow-origin", LISTED),
    ("expose-headers", "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"),
];

#[tokio::test]
async fn without_a_list_nobody_hears_of_cors() {
    let app = TestApp::embedded().await;
    let answer = app.get("/health/live").header("origin", LISTED).send().await.expect(200);
    assert_eq!(cors(&answer), []);
    assert!(!answer.headers.contains_key("vary"));
    let preflight = app.request("OPTIONS", "/v1/sessions").header("origin", LISTED);
    preflight.header("access-control-request-method", "POST").send().await.refused(405, "method_not_allowed");
    app.stop().await;
}

#[tokio::test]
async fn a_listed_origin_may_read_every_answer() {
    let app = with_cors().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let from = |method: &str, path: &str| app.request(method, path).header("origin", LISTED);
    let answers = [
        from("POST", "/v1/users").json(&body).send().await.expect(201),
        from("POST", "/v1/users").json(&body).send().await.refused(409, "email_taken"),
        from("GET", "/v1/users/me").send().await.refused(401, "authentication_required"),
        from("GET", "/nowhere").send().await.refused(404, "not_found"),
        from("PUT", "/v1/users").send().await.refused(405, "method_not_allowed"),
        from("POST", "/v1/users").body(vec![b' '; 70_000]).send().await.refused(413, "body_too_large"),
        from("POST", "/v1/users").json(&json!({})).send().await.refused(422, "validation_failed"),
        from("GET", "/openapi.json").send().await.expect(200),
    ];
    for answer in answers {
        assert_eq!(cors(&answer), READABLE);
        assert_eq!(answer.header("vary"), "Origin");
    }
    let second = app.get("/health/live").header("origin", "http://localhost:3000").send().await;
    assert_eq!(cors(&second)[0], ("allow-origin", "http://localhost:3000"));
    app.stop().await;
}

#[tokio::test]
async fn credentials_are_allowed_when_cookies_are_on() {
    let app = TestApp::with(&["--cookies", "--cors-origins", LISTED]).await;
    let request = |method: &str, origin: &str| app.request(method, "/v1/users/me").header("origin", origin);
    let answer = request("GET", LISTED).send().await.refused(401, "authentication_required");
    assert_eq!(cors(&answer), [("allow-credentials", "true"), READABLE[0], READABLE[1]]);
    let preflight = request("OPTIONS", LISTED).header("access-control-request-method", "PATCH").send().await;
    assert_eq!(cors(&preflight.expect(204))[0], ("allow-credentials", "true"));
    let answer = request("GET", "https://evil.com").send().await.refused(401, "authentication_required");
    assert_eq!(cors(&answer), []);
    app.stop().await;
}

#[tokio::test]
async fn the_answer_to_a_panic_may_be_read_too() {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    let settings = WebSettings { origins: vec![Origin::parse(LISTED).unwrap()], ..WebSettings::default() };
    let endpoint = http::guarded(make_sync(|_| -> String { panic!("as it should") }), &settings);
    let server = tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint));
    let request = reqwest::Client::new().get(format!("http://{address}/")).header("origin", LISTED);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["access-control-allow-origin"], LISTED);
    server.abort();
}

#[tokio::test]
async fn others_are_answered_as_ever_but_cannot_read_it() {
    let app = with_cors().await;
    app.register("ada").await.expect(201);
    let own = app.url.clone();
    for origin in OTHERS.into_iter().chain([own.as_str()]) {
        let body = json!({"login": "ada@example.com", "password": PASSWORD});
        let answer = app.post("/v1/sessions").header("origin", origin).json(&body).send().await.expect(201);
        assert_eq!(cors(&answer), [], "{origin}");
        assert_eq!(answer.header("vary"), "Origin");
    }
    let twice = app.get("/health/live").header("origin", LISTED).header("origin", LISTED).send().await.expect(200);
    assert_eq!(cors(&twice), []);
    let nowhere = app.get("/health/live").send().await.expect(200);
    assert_eq!((cors(&nowhere), nowhere.header("vary")), (vec![], "Origin"));
    app.stop().await;
}

#[tokio::test]
async fn a_preflight_is_told_what_the_path_takes() {
    let app = with_cors().await;
    for (path, methods) in [
        ("/v1/users", "POST"),
        ("/v1/users/me", "DELETE, GET, HEAD, PATCH"),
        ("/v1/sessions", "DELETE, GET, HEAD, POST"),
        ("/v1/sessions/019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10", "DELETE"),
        ("/openapi.json", "GET, HEAD"),
    ] {
        let preflight = || app.request("OPTIONS", path).header("access-control-request-method", "DELETE");
        let answer = preflight().header("origin", LISTED).send().await.expect(204);
        let told = [
            ("allow-headers", "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"),
            ("allow-methods", methods),
            READABLE[0],
            READABLE[1],
            ("max-age", "7200"),
        ];
        assert_eq!(cors(&answer), told, "{path}");
        assert_eq!(answer.header("vary"), "Origin");
        assert!(answer.headers.contains_key("x-request-id"));
        for origin in OTHERS {
            let answer = preflight().header("origin", origin).send().await.refused(405, "method_not_allowed");
            assert_eq!(cors(&answer), [], "{origin}");
        }
    }
    let no_preflight = app.request("OPTIONS", "/v1/users").header("origin", LISTED).send().await;
    assert_eq!(no_preflight.refused(405, "method_not_allowed").header("allow"), "POST");
    app.stop().await;
}
