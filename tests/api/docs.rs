//! The pages for people.

use std::{fs, path::Path, process::Command};

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
    let inline = html.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    assert!(inline.contains("url: 'openapi.json'"), "the page shows the document that we made");
    let mut allowed = vec![format!("sha256-{}", STANDARD.encode(Sha256::digest(inline)))];
    let mut media_types = Vec::new();
    for (path, rest) in html.match_indices("=\"docs/").map(|(at, _)| html[at + 2..].split_once('"').unwrap()) {
        let digest = rest.strip_prefix(" integrity=\"").unwrap().split('"').next().unwrap();
        let file = app.get(&format!("/{path}")).send().await.expect(200);
        let name = digest.strip_prefix("sha256-").unwrap()[..12].replace('+', "-").replace('/', "_");
        assert!(path.contains(&name), "what is kept forever is named for what is in it: {path} {digest}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("content-encoding"), "gzip");
        let media_type = file.header("content-type").to_owned();
        if media_type.contains("javascript") {
            allowed.push(digest.to_owned());
        }
        media_types.push(media_type);
    }
    assert_eq!(media_types, ["text/css; charset=utf-8", "text/javascript; charset=utf-8"]);
    assert_eq!(html.matches("<script").count() + html.matches("<link").count(), 3);
    assert_eq!(policy.matches("'sha256-").count(), 2);
    assert!(allowed.iter().all(|hash| policy.contains(&format!("'{hash}'"))), "{policy} {allowed:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_is_answered_as_get_but_for_the_body_over_http_1_and_2() {
    let app = TestApp::embedded().await;
    let clients = [reqwest::Client::new(), reqwest::Client::builder().http2_prior_knowledge().build().unwrap()];
    for (client, version) in clients.iter().zip([reqwest::Version::HTTP_11, reqwest::Version::HTTP_2]) {
        for path in ["/health/live", "/openapi.json", "/docs", "/nowhere"] {
            let url = format!("{}{path}", app.url);
            let get = client.get(&url).send().await.unwrap();
            let head = client.head(&url).send().await.unwrap();
            assert_eq!((head.version(), head.status()), (version, get.status()), "{path}");
            assert_eq!(head.headers()["content-length"], get.headers()["content-length"], "{path}");
            assert_eq!(head.bytes().await.unwrap(), "", "{path}");
        }
    }
    app.stop().await;
}

#[test]
fn the_files_that_chromium_is_given_are_those_of_npm() {
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/node/node_modules/swagger-ui-dist");
    let package = Path::new(package);
    assert!(package.exists(), "`make test-tools` installs what this test needs; `--skip chromium` leaves it out");
    let ours = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/swagger-ui"));
    let (read_me, code) =
        (include_str!("../../src/http/swagger-ui/README.md"), include_str!("../../src/http/swagger_ui.rs"));
    let description: serde_json::Value =
        serde_json::from_slice(&fs::read(package.join("package.json")).unwrap()).unwrap();
    assert!(read_me.contains(&format!("swagger-ui-dist) {} ", description["version"].as_str().unwrap())));
    for file in ["swagger-ui.css", "swagger-ui-bundle.js"] {
        let unpacked = Command::new("gzip").arg("-dc").arg(ours.join(format!("{file}.gz"))).output().unwrap().stdout;
        assert!(unpacked == fs::read(package.join(file)).unwrap(), "{file} is not that of the package");
        let digest = STANDARD.encode(Sha256::digest(unpacked));
        assert!(code.contains(&digest), "the digest of {file} is {digest}");
    }
    for license in ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"] {
        assert_eq!(fs::read(ours.join(license)).unwrap(), fs::read(package.join(license)).unwrap(), "{license}");
    }
}
