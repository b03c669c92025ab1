//! `/health`.

use serde_json::json;

use crate::support::{TestApp, on_every_store};

on_every_store! {
    async fn a_healthy_service_is_alive_and_ready(app: TestApp) {
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(app.get(path).send().await.expect(200).body, json!({"status": "ok"}));
            app.request("HEAD", path).send().await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_tells_browsers_to_be_careful() {
    let app = TestApp::embedded().await;
    for (path, policy) in [("/health/live", true), ("/nowhere", true), ("/openapi.json", true), ("/docs", false)] {
        let answer = app.get(path).send().await;
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(header), value, "{path}");
        }
        let nothing = answer.header("content-security-policy")
            == "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        assert_eq!(nothing, policy, "{path}");
        assert!(!answer.headers.contains_key("strict-transport-security"), "not over plain HTTP (RFC 6797, 7.2)");
        assert!(!answer.headers.contains_key("server"));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_without_its_store_a_service_is_alive_but_not_ready() {
    let mut app = TestApp::redis().await;
    app.redis.as_mut().unwrap().kill();
    app.get("/health/ready").send().await.refused(503, "store_unavailable");
    app.get("/health/live").send().await.expect(200);
    app.redis.as_mut().unwrap().restart();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while app.get("/health/ready").send().await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "it did not recover");
    }
    app.stop().await;
}
