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
