//! The pages for people.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::support::{TestApp, on_every_store};

on_every_store! {
    async fn the_document_is_served_in_both_forms(app: TestApp) {
        let json = app.get("/openapi.json").send().await.expect(200);
        assert_eq!(json.header("content-type"), "application/json");
        assert_eq!(json.body["info"]["title"], "Latchkey");
        let yaml = app.get("/openapi.yaml").send().await.expect(200);
        assert_eq!(yaml.header("content-type"), "application/yaml");
        assert_eq!(serde_yaml::from_str::<serde_json::Value>(yaml.body.as_str().unwrap()).unwrap(), json.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swagger_ui_needs_nothing_from_elsewhere_and_may_run_only_what_it_came_with() {
    let app = TestApp::embedded().await;
    let page = app.get("/docs").send().await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(policy.contains("connect-src 'self'") && !policy.contains("http"), "{policy}");

    let html = page.body.as_str().unwrap();
    assert!(html.contains("idempotency_key_mismatch"), "the page shows the completed document");
    assert!(!html.contains("<script src") && !html.contains("<link"), "something is loaded from elsewhere");
    let mut scripts = 0;
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once("<script") {
        let (script, after) = tag.split_once('>').unwrap().1.split_once("</script>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(script));
        assert!(policy.contains(&format!("'sha256-{hash}'")), "a script that the policy does not allow");
        (rest, scripts) = (after, scripts + 1);
    }
    assert_eq!(scripts, 2);
    app.stop().await;
}
