//! What the pages that letters lead to make of input that no letter and no browser sends.

use serde_json::{Value, json};

use crate::support::{Process, TestApp};

const PATHS: [&str; 3] = ["/account/verify", "/account/reset", "/account/undo"];

const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "' onfocus='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "</title><img src=x onerror=alert(1)>",
    "lkm_\"><svg/onload=alert(1)>",
    "&lt;b&gt;",
    "\u{0}\u{feff}\r\n\u{202e}",
    "javascript:alert(1)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_input_becomes_a_part_of_a_page() {
    let app = TestApp::embedded().await;
    let harmless = app.send_form("/account/verify", &[("email", "x"), ("code", "x")]).await.expect(422);
    for text in HOSTILE {
        let encoded = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        for path in PATHS {
            // `Page::check` looks for scripts, styles and addresses in what comes.
            let link = app.page(&format!("{path}?token={encoded}")).await.expect(403);
            link.saying(&["This link does not work"]).not_saying(&[text, "alert(1)"]);
            app.page(&format!("{path}?done={encoded}&{encoded}={encoded}")).await.expect(200).not_saying(&["alert(1)"]);
            let fields = [("token", text), ("password", text), (text, text)];
            let page = app.send_form(path, &fields).await;
            assert!(matches!(page.status, 403 | 422), "{} {}", page.status, page.html);
            page.not_saying(&["alert(1)"]);
        }
        // What was typed is shown again, and is no more markup than what is harmless.
        let page = app.send_form("/account/verify", &[("email", text), ("code", text)]).await.expect(422);
        for sign in ['<', '>', '"', '\''] {
            assert_eq!(page.html.matches(sign).count(), harmless.html.matches(sign).count(), "{}", page.html);
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_of_a_link_leads_to_the_form_for_codes() {
    let app = TestApp::embedded().await;
    for path in ["/account/verify", "/account/reset"] {
        for token in ["", "lkm_", "lkm_half", &format!("lkm_{}", "A".repeat(65)), "x"] {
            let page = app.page(&format!("{path}?token={token}")).await.expect(403);
            page.saying(&["id=\"code\"", "id=\"email\"", "This link does not work"]);
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_forms_are_taken_and_only_by_post() {
    let app = TestApp::embedded().await;
    for path in PATHS {
        let json = app.post(path).json(&json!({"token": "lkm_x"})).send().await;
        assert!(json.refused(415, "unsupported_media_type").body["detail"].as_str().unwrap().contains("x-www-form"));
        let multipart = app.post(path).header("content-type", "multipart/form-data; boundary=x").body("--x--");
        multipart.send().await.refused(415, "unsupported_media_type");
        app.post(path).body("token=x").send().await.refused(415, "unsupported_media_type");
        app.post(path).form(&"x".repeat(64 * 1024 + 1)).send().await.refused(413, "body_too_large");
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let refused = app.request(method, path).send().await.refused(405, "method_not_allowed");
            assert_eq!(refused.header("allow"), "GET, HEAD, POST");
        }
        for (body, status) in [("token=lkm_x&token=lkm_x", 403), ("email=a&email=b&code=1&password=x", 422)] {
            let sent = app.page_by("POST", path, body, &[]).await;
            assert_eq!(sent.status, if path.ends_with("undo") { 403 } else { status }, "{}", sent.html);
        }
    }
    app.get("/account").send().await.refused(404, "not_found");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_says_why_a_page_refused_and_nothing_of_what_was_sent() {
    let process = Process::start(&[("LATCHKEY_LOG", "trace"), ("LATCHKEY_LOG_FORMAT", "json")]);
    let client = reqwest::Client::new();
    let url = format!("{}/account/reset", process.url);
    client.get(format!("{url}?token=lkm_zqtoken7391")).send().await.unwrap();
    for body in
        ["email=zqmail7391&code=zqcode7391&password=zqpassword7391", "token=lkm_zqtoken7391&password=zqpassword7391"]
    {
        let form = client.post(&url).header("content-type", "application/x-www-form-urlencoded");
        form.body(body).send().await.unwrap();
    }
    process.signal("-TERM");
    let (_, log) = process.end();
    assert!(!log.contains("7391"), "{log}");
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let answered = lines.filter(|line| line["message"] == "answered");
    let told =
        answered.map(|line| json!([line["http.route"], line["http.response.status_code"], line["problem.code"]]));
    let expected = [(403, "confirmation_invalid"), (422, "validation_failed"), (403, "confirmation_invalid")];
    assert_eq!(told.collect::<Vec<_>>(), expected.map(|(status, code)| json!(["/account/reset", status, code])));
}
