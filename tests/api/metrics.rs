//! `/metrics`: what is counted, and who may see it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    PASSWORD, TestApp, Wire,
    metrics::{OWN_ADDRESS, Scrape},
    on_every_store, sent_by,
    smtp_server::{Mode, SmtpServer},
};

const TOKEN: &str = "a-token-for-the-collector";

on_every_store! {
    with ["--metrics-listen", "127.0.0.1:0"]

    async fn what_is_done_is_counted(app: TestApp) {
        let ada = app.person("ada").await;
        app.register("ada").await.refused(409, "email_taken");
        app.sign_in(&ada.email, "a wrong one").await.refused(401, "invalid_credentials");
        let session = app.refresh(&ada.refresh_token).await.expect(200).body;
        app.refresh("no token").await.refused(401, "refresh_token_invalid");
        app.me(&ada.token).await.expect(200);
        app.me("no.token.ofours").await.refused(401, "token_invalid");
        app.delete("/v1/sessions/current").bearer(session["access_token"].as_str().unwrap()).send().await.expect(204);

        let page = app.scrape().await;
        for (sample, value) in [
            (r#"latchkey_registrations_total{outcome="ok"}"#, 1),
            (r#"latchkey_registrations_total{outcome="taken"}"#, 1),
            (r#"latchkey_sign_ins_total{outcome="ok"}"#, 1),
            (r#"latchkey_sign_ins_total{outcome="invalid"}"#, 1),
            (r#"latchkey_refreshes_total{outcome="ok"}"#, 1),
            (r#"latchkey_refreshes_total{outcome="invalid"}"#, 1),
            (r#"latchkey_sign_outs_total{scope="current"}"#, 1),
            ("latchkey_access_tokens_issued_total", 2),
            (r#"latchkey_access_tokens_checked_total{outcome="ok"}"#, 2),
            (r#"latchkey_access_tokens_checked_total{outcome="invalid"}"#, 1),
            // A registration, a sign-in, and one that was wrong.
            ("latchkey_hash_duration_seconds_count", 3),
            (r#"latchkey_hash_duration_seconds_bucket{le="+Inf"}"#, 3),
            ("latchkey_hash_wait_seconds_count", 3),
            ("latchkey_hash_refused_total", 0),
            ("latchkey_hash_queue_length", 0),
            (r#"latchkey_http_requests_total{route="/v1/users",method="POST",status="201"}"#, 1),
            (r#"latchkey_http_requests_total{route="/v1/users",method="POST",status="409"}"#, 1),
            (r#"latchkey_http_requests_total{route="/v1/sessions",method="POST",status="401"}"#, 1),
            (r#"latchkey_http_requests_total{route="/v1/users/me",method="GET",status="200"}"#, 1),
            (r#"latchkey_http_request_duration_seconds_count{route="/v1/users",method="POST",status_class="2xx"}"#, 1),
            (r#"latchkey_http_request_duration_seconds_count{route="/v1/users",method="POST",status_class="4xx"}"#, 1),
            ("latchkey_http_requests_in_flight", 0),
            ("latchkey_mail_queued", 0),
            ("latchkey_mail_dead", 0),
            ("latchkey_ready", 1),
        ] {
            assert!(page.samples.contains_key(sample), "there is no {sample} in\n{}", page.text);
            page.is(sample, value);
        }
        // The user, the session, its refresh and its end.
        assert!(page.of(r#"latchkey_store_calls_total{kind="commit",outcome="ok"}"#) >= 4.0, "{}", page.text);
        assert!(page.of(r#"latchkey_store_call_duration_seconds_count{kind="read"}"#) >= 4.0, "{}", page.text);
        let sent = page.sum("latchkey_store_round_trips_total");
        if app.is_embedded() {
            assert!(sent < 0.5, "{sent}");
        } else {
            let commits = page.of(r#"latchkey_store_calls_total{kind="commit",outcome="ok"}"#);
            let round_trips = page.of(r#"latchkey_store_round_trips_total{kind="commit"}"#);
            assert!(round_trips >= 2.0 * commits, "{round_trips} for {commits} commits");
            assert!(page.of(r#"latchkey_store_round_trips_total{kind="read"}"#) >= 4.0, "{}", page.text);
        }
        assert!(page.of("process_resident_memory_bytes") > 1e6 && page.of("process_cpu_seconds_total") > 0.0);
        assert!(page.of("process_open_fds") > 3.0 && page.of("process_max_fds") > page.of("process_open_fds"));
        let version = concat!("latchkey_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
        page.is(version, 1);
    }

    async fn a_conflict_is_counted(app: TestApp) {
        let ada = app.person("ada").await;
        // They change one user, at the same time.
        for _ in 0..20 {
            let renamed = (0..16).map(async |n| {
                app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": format!("Ada {n}")})).send().await
            });
            join_all(renamed).await;
            if app.scrape().await.of(r#"latchkey_store_calls_total{kind="commit",outcome="conflict"}"#) > 0.0 {
                return;
            }
        }
        panic!("nobody was in anybody's way");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_are_templates_and_what_is_made_up_makes_no_series() {
    let app = TestApp::with(&OWN_ADDRESS).await;
    let ada = app.person("ada").await;
    app.delete("/v1/sessions/0190d7a4-0000-7000-8000-000000000000").bearer(&ada.token).send().await.expect(404);
    app.get("/made/up").send().await.expect(404);
    app.request("MADEUP", "/v1/users").send().await.expect(405);
    app.request("MADEUP", "/made/up").send().await.expect(404);
    app.request("PUT", "/v1/users").send().await.expect(405);
    app.get("/docs").send().await.expect(200);
    let before = app.scrape().await;
    before.is(r#"latchkey_http_requests_total{route="/v1/sessions/{id}",method="DELETE",status="404"}"#, 1);
    before.is(r#"latchkey_http_requests_total{route="unmatched",method="GET",status="404"}"#, 1);
    before.is(r#"latchkey_http_requests_total{route="/v1/users",method="_OTHER",status="405"}"#, 2);
    before.is(r#"latchkey_http_requests_total{route="/docs",method="GET",status="200"}"#, 1);

    for n in 0..50 {
        for path in
            [format!("/made/up/{n}"), format!("/v1/sessions/{n}"), format!("/v1/users/{n}\"}} 1"), format!("/%0a{n}")]
        {
            app.get(&path).bearer(&format!("token{n}")).send().await;
            app.request(&format!("MADEUP{n}"), &path).send().await;
        }
        app.delete(&format!("/v1/sessions/made-up-{n}")).bearer(&ada.token).send().await.expect(404);
        app.sign_in(&format!("made-up-{n}"), "a wrong one").await;
    }
    let after = app.scrape().await;
    assert!(!after.text.contains("made") && !after.text.contains("MADE"), "{}", after.text);
    let routes = after.values("route");
    assert!(
        routes.iter().all(|route| before.values("route").contains(route) || known().contains(&(*route).to_owned()))
    );
    assert_eq!(after.values("method").into_iter().collect::<Vec<_>>(), ["DELETE", "GET", "POST", "_OTHER"]);
    // Of what was not there before: the answers that a known route gave to a known method.
    let more = after.samples.keys().filter(|sample| !before.samples.contains_key(*sample)).collect::<Vec<_>>();
    assert!(more.len() < 120, "{more:#?}");
    app.stop().await;
}

/// The templates of the document.
fn known() -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(&latchkey::http::openapi_json()).unwrap();
    document["paths"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_metrics_unless_a_setting_says_where_or_to_whom() {
    let app = TestApp::embedded().await;
    assert_eq!(app.metrics_url, None);
    app.get("/metrics").send().await.refused(404, "not_found");
    app.stop().await;

    let app = TestApp::with(&OWN_ADDRESS).await;
    app.get("/metrics").send().await.refused(404, "not_found");
    let url = app.metrics_url.clone().unwrap();
    let client = reqwest::Client::new();
    let elsewhere = client.get(url.replace("/metrics", "/v1/users/me")).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404, "nothing else is at that address");
    let posted = client.post(&url).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), posted.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    let head = client.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["x-content-type-options"].to_str().unwrap()), (200, "nosniff"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tokens_one_of_them_opens_the_metrics_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    fs::write(&file, format!("{TOKEN}\nanother-token-of-the-collector\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let tokens = ["--metrics-token-file", file.to_str().unwrap()];

    let app = TestApp::with(&tokens).await;
    let ada = app.person("ada").await;
    let refused = app.get("/metrics").send().await.refused(401, "authentication_required");
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"latchkey\"");
    for wrong in [ada.token.as_str(), "a-token-for-the-collector2", "a-token-for-the-collecto"] {
        app.get("/metrics").bearer(wrong).send().await.refused(401, "token_invalid");
    }
    app.get("/metrics").basic("", TOKEN).send().await.refused(401, "authentication_required");
    let twice = app.get("/metrics").bearer(TOKEN).header("authorization", "Bearer x");
    twice.send().await.refused(401, "token_invalid");
    app.post("/metrics").bearer(TOKEN).send().await.refused(405, "method_not_allowed");
    for token in [TOKEN, "another-token-of-the-collector"] {
        let page = app.get("/metrics").bearer(token).send().await.expect(200);
        assert_eq!(page.header("cache-control"), "no-store");
        let page = Scrape::read(page.body.as_str().unwrap().to_owned());
        page.is(r#"latchkey_http_requests_total{route="/metrics",method="GET",status="401"}"#, 6);
        assert!(!page.text.contains(token));
    }
    app.stop().await;

    let app = TestApp::with(&[tokens, OWN_ADDRESS].concat()).await;
    app.get("/metrics").bearer(TOKEN).send().await.refused(404, "not_found");
    let client = reqwest::Client::new();
    let url = app.metrics_url.clone().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(client.get(&url).bearer_auth(TOKEN).send().await.unwrap().status(), 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_on_the_page() {
    let app = TestApp::with(&OWN_ADDRESS).await;
    let ada = app.person("zqada").await;
    let patch = json!({"username": "zqusername", "name": "zqname"});
    app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
    app.sign_in(&ada.email, "zqwrong password").await.refused(401, "invalid_credentials");
    app.get("/zqpath?zqquery").header("user-agent", "zqagent").bearer("zqtoken").send().await;
    let page = app.scrape().await;
    for text in ["zq", "@", &ada.id, &ada.token, &ada.refresh_token, PASSWORD] {
        assert!(!page.text.contains(text), "{text} in\n{}", page.text);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_are_throttled_are_counted_by_what_they_are_counted_for() {
    let app = TestApp::with(&OWN_ADDRESS).await;
    app.register("ada").await.expect(201);
    for _ in 0..5 {
        app.sign_in("ada@example.com", "a wrong one").await.refused(401, "invalid_credentials");
    }
    for _ in 0..3 {
        app.sign_in("ada@example.com", PASSWORD).await.refused(429, "too_many_attempts");
    }
    let page = app.scrape().await;
    page.is(r#"latchkey_throttled_total{policy="account"}"#, 3);
    page.is(r#"latchkey_throttled_total{policy="address"}"#, 0);
    page.is(r#"latchkey_sign_ins_total{outcome="throttled"}"#, 3);
    page.is(r#"latchkey_sign_ins_total{outcome="invalid"}"#, 5);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_is_counted_and_not_as_under_way() {
    let app = TestApp::with(&OWN_ADDRESS).await;
    let mut wire = Wire::to(&app.url).await;
    wire.send("POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{").await;
    until(&app, |page| page.of("latchkey_http_requests_in_flight") > 0.5).await;
    until(&app, |page| page.of("latchkey_connections_open") > 0.5).await;
    drop(wire);
    let page = until(&app, |page| page.of("latchkey_http_requests_in_flight") < 0.5).await;
    // Who hangs up in the middle of a body is answered, if anybody still hears it, or is gone.
    let ended = page.of("latchkey_http_requests_abandoned_total") + page.sum("latchkey_http_requests_total");
    assert!((ended - 1.0).abs() < 0.5, "{}", page.text);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_away_leaves_a_page_that_says_so() {
    let mut app = TestApp::redis_with(&OWN_ADDRESS).await;
    app.scrape().await.is("latchkey_ready", 1);
    app.redis.as_mut().unwrap().kill();
    app.register("ada").await.refused(503, "store_unavailable");
    let page = until(&app, |page| page.of("latchkey_ready") < 0.5).await;
    let unavailable = page.samples.iter().filter(|(sample, _)| sample.contains("outcome=\"unavailable\""));
    assert!(unavailable.map(|(_, count)| count).sum::<f64>() > 0.0, "{}", page.text);
    page.is(r#"latchkey_registrations_total{outcome="failed"}"#, 1);
    assert!(!page.samples.contains_key("latchkey_mail_dead"), "what is not known is not told");
    app.redis.as_mut().unwrap().restart();
    until(&app, |page| page.of("latchkey_ready") > 0.5 && page.samples.contains_key("latchkey_mail_dead")).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_letters_that_wait_and_letters_that_were_given_up_show() {
    let server = SmtpServer::start(Mode::Reject).await;
    let url = server.url();
    let app = TestApp::redis_with(&[sent_by(&url).as_slice(), &OWN_ADDRESS].concat()).await;
    app.register("ada").await.expect(201);
    app.forget_password("ada@example.com").await;
    let given_up = r#"latchkey_mails_given_up_total{kind="password_reset"}"#;
    let page = until(&app, |page| page.of("latchkey_mail_dead") > 0.5 && page.of(given_up) > 0.5).await;
    page.is("latchkey_mail_dead", 1);
    page.is(given_up, 1);
    page.is(r#"latchkey_mails_total{kind="password_reset",outcome="failed"}"#, 1);
    server.set(Mode::Busy).await;
    app.forget_password("ada@example.com").await;
    until(&app, |page| page.of("latchkey_mail_queued") > 0.5).await.is("latchkey_mail_queued", 1);
    app.clock.advance(Duration::from_secs(60 * 60));
    server.set(Mode::Well).await;
    let page = until(&app, |page| page.of("latchkey_mail_queued") < 0.5).await;
    page.is(r#"latchkey_mails_total{kind="password_reset",outcome="sent"}"#, 1);
    page.is("latchkey_mail_overdue_seconds", 0);
    app.stop().await;
}

/// The page, as soon as it is so.
async fn until(app: &TestApp, is_so: impl Fn(&Scrape) -> bool) -> Scrape {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let page = app.scrape().await;
        if is_so(&page) {
            return page;
        }
        assert!(Instant::now() < deadline, "{}", page.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
