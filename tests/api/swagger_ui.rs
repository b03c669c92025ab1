//! Swagger UI at `/docs`, used by somebody in Chromium from registering to signing out.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, chromium::Chromium};

/// Where pictures are kept for whoever looks at a run of the tests.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots");

/// What came of an operation, as the page shows it.
struct Shown {
    status: String,
    body: Value,
}

/// Opens an operation, sends it with this body, if any, and reads the answer.
async fn execute(browser: &mut Chromium, operation: &str, body: Option<Value>) -> Shown {
    let block = format!("#operations-{operation}");
    let is_open = format!("document.querySelector('{block}')?.classList.contains('is-open') === true");
    if browser.ask(&is_open).await == false {
        browser.click(&format!("{block} .opblock-summary-control")).await;
    }
    if let Some(body) = body {
        browser.replace(&format!("{block} textarea.body-param__text"), &body.to_string()).await;
    }
    let answer = format!("{block} .live-responses-table .response");
    if browser.ask(&format!("!!document.querySelector('{answer}')")).await == true {
        browser.click(&format!("{block} .btn-clear")).await;
        browser.wait_for(&format!("!document.querySelector('{answer}')")).await;
    }
    browser.click(&format!("{block} .btn.execute")).await;
    let text = |part: &str| format!("document.querySelector('{answer} .response-col_{part}')?.innerText");
    let status = browser.wait_for(&text("status")).await.as_str().unwrap().lines().next().unwrap().to_owned();
    let said = browser.wait_for(&text("description")).await;
    let json = said.as_str().unwrap().split("Download").nth(1).unwrap_or("null").split("Response headers").next();
    Shown { status, body: serde_json::from_str(json.unwrap()).unwrap() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_swagger_ui_leads_from_registering_to_signing_out_and_asks_nobody_else() {
    let app = TestApp::embedded().await;
    let mut browser = Chromium::with_scripts().await;
    let browser = &mut browser;
    let screen = json!({"width": 1200, "height": 1300, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setDeviceMetricsOverride", screen).await;
    browser.open(&format!("{}/docs", app.url)).await;
    browser.wait_for("!!document.querySelector('#operations-Sessions-sign_in')").await;
    assert!(browser.text().await.contains("idempotency_key_mismatch"), "the problems are explained");

    let account = json!({"email": "ada@example.com", "password": PASSWORD});
    let shown = execute(browser, "Users-register", Some(account)).await;
    assert_eq!((shown.status.as_str(), &shown.body["email"]), ("201", &json!("ada@example.com")));
    let credentials = json!({"login": "ada@example.com", "password": PASSWORD});
    let shown = execute(browser, "Sessions-sign_in", Some(credentials)).await;
    assert_eq!(shown.status, "201");

    let refused = execute(browser, "Users-get_me", None).await;
    assert_eq!(refused.status, "401", "nobody is authorized yet");
    browser.click(".auth-wrapper .btn.authorize").await;
    browser.replace("#auth-bearer-value", shown.body["access_token"].as_str().unwrap()).await;
    let scheme = ".auth-container:has(#auth-bearer-value)";
    browser.click(&format!("{scheme} .authorize")).await;
    browser.click(".auth-container .btn-done").await;

    let shown = execute(browser, "Users-patch_me", Some(json!({"name": "Ada Lovelace"}))).await;
    assert_eq!((shown.status.as_str(), &shown.body["name"]), ("200", &json!("Ada Lovelace")));
    keep(browser, "#operations-Users-patch_me", "swagger-ui.png").await;
    let shown = execute(browser, "Users-get_me", None).await;
    assert_eq!((shown.status.as_str(), &shown.body["name"]), ("200", &json!("Ada Lovelace")));

    let shown = execute(browser, "Users-patch_me", Some(json!({"name": ""}))).await;
    assert_eq!((shown.status.as_str(), &shown.body["code"]), ("422", &json!("validation_failed")));
    assert_eq!(shown.body["errors"][0]["field"], "name");
    keep(browser, "#operations-Users-patch_me .live-responses-table", "swagger-ui-problem.png").await;

    let shown = execute(browser, "Sessions-sign_out", None).await;
    assert_eq!(shown.status, "204");
    let shown = execute(browser, "Users-get_me", None).await;
    assert_eq!((shown.status.as_str(), &shown.body["code"]), ("401", &json!("token_invalid")));

    browser.expect_no_complaint();
    assert_eq!(elsewhere(browser, &app), Vec::<&String>::new(), "something was asked of others");
    // What the page did not do would have been seen.
    browser.ask("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.2/picture'}))").await;
    browser.wait_for_complaint("Content Security Policy").await;
    browser.ask("document.body.append(Object.assign(new Image(), {src: '/docs/picture'}))").await;
    browser.wait_for_complaint("/docs/picture").await;
    browser.ask("console.error('zq7391')").await;
    browser.wait_for_complaint("zq7391").await;
    let other = app.url.replace("127.0.0.1", "localhost") + "/health/live";
    browser.open(&other).await;
    assert!(elsewhere(browser, &app).contains(&&other), "{:?}", browser.requests());
    app.stop().await;
}

/// What the browser has asked of anybody but the service.
fn elsewhere<'b>(browser: &'b Chromium, app: &TestApp) -> Vec<&'b String> {
    let ours = format!("{}/", app.url);
    browser.requests().iter().filter(|url| !url.starts_with(&ours) && !url.starts_with("data:")).collect()
}

/// Keeps a picture of a place on the page.
async fn keep(browser: &mut Chromium, place: &str, name: &str) {
    browser.ask(&format!("document.querySelector('{place}').scrollIntoView()")).await;
    fs::create_dir_all(PICTURES).unwrap();
    let picture = browser.screenshot().await;
    assert!(picture.starts_with(b"\x89PNG"));
    fs::write(Path::new(PICTURES).join(name), picture).unwrap();
}
