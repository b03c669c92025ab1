//! What those who run the service do with one user: read and change them, and end their sessions.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, PASSWORD, TestApp, metrics::OWN_ADDRESS, on_every_store};

/// The id of nobody.
const NOBODY: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";

impl TestApp {
    async fn read(&self, id: &str) -> Answer {
        self.admin("GET", &format!("/v1/admin/users/{id}")).await.send().await
    }

    async fn change(&self, id: &str, patch: serde_json::Value) -> Answer {
        self.admin("PATCH", &format!("/v1/admin/users/{id}")).await.json(&patch).send().await
    }
}

on_every_store! { administered
    async fn a_user_is_read_and_changed(app: TestApp) {
        let ada = app.person("ada").await;
        let read = app.read(&ada.id).await.expect(200);
        assert_eq!((&read.body["email"], &read.body["status"]), (&json!(ada.email), &json!("active")));
        assert_eq!(read.body["suspended_at"], json!(null));
        assert!(read.body["last_sign_in_at"].is_string());

        let patch = json!({"username": "lovelace", "name": "Ada", "locale": "de", "metadata": {"plan": "pro"},
            "email": "new@example.com", "email_verified": true});
        let changed = app.change(&ada.id, patch).await.expect(200);
        assert_eq!((read.header("etag"), changed.header("etag")), ("\"1\"", "\"2\""));
        let me = app.me(&ada.token).await.expect(200).body;
        for (field, value) in [("username", json!("lovelace")), ("name", json!("Ada")), ("locale", json!("de")),
            ("metadata", json!({"plan": "pro"})), ("email", json!("new@example.com")), ("email_verified", json!(true))] {
            assert_eq!((&me[field], &changed.body[field]), (&value, &value), "{field}");
        }
        app.sign_in("new@example.com", PASSWORD).await.expect(201);
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        app.register("ada").await.expect(201);

        // Another address is not confirmed by being another one, and the list knows it by its new one.
        let moved = app.change(&ada.id, json!({"email": "newer@example.com"})).await.expect(200);
        assert_eq!((&moved.body["email_verified"], &moved.body["pending_email"]), (&json!(false), &json!(null)));
        let found = app.admin("GET", "/v1/admin/users?email_prefix=new").await.send().await.expect(200);
        assert_eq!(found.body["items"][0]["email"], "newer@example.com");
        assert_eq!(found.body["items"].as_array().unwrap().len(), 1);
        let confirmed = app.change(&ada.id, json!({"email_verified": true})).await.expect(200);
        assert_eq!((moved.header("etag"), confirmed.header("etag")), ("\"3\"", "\"4\""));
    }

    async fn what_changes_nothing_makes_no_version(app: TestApp) {
        let ada = app.person("ada").await;
        let before = app.read(&ada.id).await.expect(200);
        let same = app.change(&ada.id, json!({"email": ada.email, "email_verified": false})).await.expect(200);
        assert_eq!(same.header("etag"), before.header("etag"));
        assert_eq!(app.change(&ada.id, json!({})).await.expect(200).header("etag"), before.header("etag"));
    }

    async fn a_change_is_refused_and_changes_nothing(app: TestApp) {
        let ada = app.person("ada").await;
        let eve = json!({"email": "eve@example.com", "password": PASSWORD, "username": "eve"});
        app.post("/v1/users").json(&eve).send().await.expect(201);
        let before = app.read(&ada.id).await.expect(200).body;
        let patch = json!({"name": "Else", "username": "ada2", "email": "Eve@example.com"});
        app.change(&ada.id, patch).await.refused(409, "email_taken");
        app.change(&ada.id, json!({"name": "Else", "username": "EVE"})).await.refused(409, "username_taken");
        app.change(&ada.id, json!({"password": PASSWORD})).await.refused(422, "validation_failed");
        app.change(&ada.id, json!({"email": null, "email_verified": "yes"})).await.refused(422, "validation_failed");
        app.change(NOBODY, json!({"name": "Else"})).await.refused(404, "user_not_found");
        app.change("ada", json!({"name": "Else"})).await.refused(404, "user_not_found");
        let stale = app.admin("PATCH", &format!("/v1/admin/users/{}", ada.id)).await.header("if-match", "\"7\"");
        stale.json(&json!({"name": "Else"})).send().await.refused(412, "version_mismatch");
        assert_eq!(app.read(&ada.id).await.expect(200).body, before);
        // What was claimed for a change that was refused is free.
        let body = json!({"email": "ada2@example.com", "password": PASSWORD, "username": "ada2"});
        app.post("/v1/users").json(&body).send().await.expect(201);
    }

    async fn sessions_of_a_user_are_listed_and_ended_at_once(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.token("ada@example.com").await;
        let path = format!("/v1/admin/users/{}/sessions", ada.id);
        let listed = app.admin("GET", &path).await.send().await.expect(200).body;
        let items = listed["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["current"]), (2, &json!(false)));
        let latest = items[0]["id"].as_str().unwrap();
        app.admin("DELETE", &format!("{path}/{latest}")).await.send().await.expect(204);
        app.me(&other).await.refused(401, "token_invalid");
        app.me(&ada.token).await.expect(200);
        app.admin("DELETE", &format!("{path}/{latest}")).await.send().await.refused(404, "session_not_found");
        app.admin("DELETE", &format!("{path}/x")).await.send().await.refused(404, "session_not_found");
        app.admin("DELETE", &path).await.send().await.expect(204);
        app.me(&ada.token).await.refused(401, "token_invalid");
        let listed = app.admin("GET", &path).await.send().await.expect(200).body;
        assert_eq!(listed["items"], json!([]));
        app.admin("DELETE", &format!("/v1/admin/users/{NOBODY}/sessions")).await.send().await.refused(404, "user_not_found");
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
    }

    async fn the_figures_are_exact(app: TestApp) {
        let read = async |days: u32| {
            let path = format!("/v1/admin/statistics?days={days}");
            app.admin("GET", &path).await.send().await.expect(200).body
        };
        let figures = read(1).await;
        assert_eq!((&figures["users"], &figures["verified"], &figures["active_30d"]), (&json!(0), &json!(0), &json!(0)));
        let (ada, eve) = (app.person("ada").await, app.person("eve").await);
        app.register("idle").await.expect(201);
        app.token("ada@example.com").await;
        app.change(&ada.id, json!({"email_verified": true})).await.expect(200);
        app.change(&eve.id, json!({"email_verified": true})).await.expect(200);
        app.change(&eve.id, json!({"email_verified": false})).await.expect(200);
        let events = app.admin("GET", &format!("/v1/admin/users/{}/events?limit=1", eve.id)).await.send().await.body;
        assert_eq!(events["items"][0]["details"], json!({"fields": ["email_verified"]}));
        let figures = read(2).await;
        assert_eq!((&figures["users"], &figures["verified"]), (&json!(3), &json!(1)));
        assert_eq!((&figures["active_1d"], &figures["active_7d"], &figures["active_30d"]), (&json!(2), &json!(2), &json!(2)));
        let today = &figures["days"][0];
        assert_eq!((&today["registrations"], &today["sign_ins"]), (&json!(3), &json!(3)));
        assert_eq!((&figures["days"][1]["registrations"], figures["days"].as_array().unwrap().len()), (&json!(0), 2));

        app.clock.advance(std::time::Duration::from_secs(3 * 24 * 60 * 60));
        let token = app.token("eve@example.com").await;
        app.delete("/v1/users/me").bearer(&app.token("ada@example.com").await).send().await.expect(204);
        // However many ask at once.
        let all = join_all((0..8).map(|_| read(4))).await;
        assert!(all.iter().all(|figures| *figures == all[0]), "{all:?}");
        let figures = read(4).await;
        assert_eq!(figures, all[0]);
        assert_eq!((&figures["users"], &figures["verified"]), (&json!(2), &json!(0)));
        assert_eq!((&figures["active_1d"], &figures["active_7d"]), (&json!(1), &json!(1)));
        assert_eq!((&figures["days"][0]["sign_ins"], &figures["days"][3]["sign_ins"]), (&json!(2), &json!(3)));
        app.clock.advance(std::time::Duration::from_secs(2 * 24 * 60 * 60));
        let figures = read(1).await;
        assert_eq!((&figures["active_1d"], &figures["active_7d"]), (&json!(0), &json!(1)));
        app.me(&token).await.refused(401, "token_expired");
    }

    async fn nobody_without_the_permission_gets_in(app: TestApp) {
        let ada = app.person("ada").await;
        for (method, path) in [
            ("GET", "/v1/admin/users".to_owned()),
            ("GET", "/v1/admin/statistics".to_owned()),
            ("GET", format!("/v1/admin/users/{}", ada.id)),
            ("PATCH", format!("/v1/admin/users/{}", ada.id)),
            ("GET", format!("/v1/admin/users/{}/sessions", ada.id)),
            ("DELETE", format!("/v1/admin/users/{}/sessions", ada.id)),
            ("DELETE", format!("/v1/admin/users/{}/sessions/{NOBODY}", ada.id)),
        ] {
            let request = || app.request(method, &path).json(&json!({}));
            request().send().await.refused(401, "authentication_required");
            request().bearer(&ada.token).send().await.refused(403, "permission_denied");
            request().bearer("lkk_nonsense").send().await.refused(401, "api_key_invalid");
            request().bearer("nonsense").send().await.refused(401, "token_invalid");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_key_is_good_for_its_scopes_and_nothing_else() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let key = app.api_key_for("users:read").await;
    app.get("/v1/admin/users").bearer(&key).send().await.expect(200);
    app.get(&format!("/v1/admin/users/{}", ada.id)).bearer(&key).send().await.expect(200);
    let refused = app.patch(&format!("/v1/admin/users/{}", ada.id)).bearer(&key).json(&json!({})).send().await;
    refused.refused(403, "insufficient_scope");
    app.get("/v1/admin/statistics").bearer(&key).send().await.refused(403, "insufficient_scope");
    // A user with the permission that an application gave them by the same name gets in nowhere.
    app.operator(&format!("users grant {} --permission users:read", ada.id)).await;
    app.get("/v1/admin/users").bearer(&ada.token).send().await.refused(403, "permission_denied");
    app.operator(&format!("users grant {} --permission latchkey:users:read", ada.id)).await;
    app.get("/v1/admin/users").bearer(&ada.token).send().await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_those_who_run_the_service_do_is_counted_too() {
    let app = TestApp::redis_with(&OWN_ADDRESS).await;
    let ada = app.person("ada").await;
    let made = json!({"email": "bob@example.com"});
    app.admin("POST", "/v1/admin/users").await.json(&made).send().await.expect(201);
    app.admin("POST", "/v1/admin/users").await.json(&made).send().await.refused(409, "email_taken");
    let sessions = format!("/v1/admin/users/{}/sessions", ada.id);
    let listed = app.admin("GET", &sessions).await.send().await.expect(200).body;
    let session = listed["items"][0]["id"].as_str().unwrap();
    app.admin("DELETE", &format!("{sessions}/{session}")).await.send().await.expect(204);
    app.admin("DELETE", &sessions).await.send().await.expect(204);
    let page = app.scrape().await;
    for (sample, value) in [
        (r#"latchkey_registrations_total{outcome="ok"}"#, 2),
        (r#"latchkey_registrations_total{outcome="taken"}"#, 1),
        (r#"latchkey_sign_outs_total{scope="one"}"#, 1),
        (r#"latchkey_sign_outs_total{scope="all"}"#, 1),
    ] {
        page.is(sample, value);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_address_that_an_administrator_gives_is_asked_where_it_has_to_be_and_the_one_before_is_told() {
    for (arguments, is_asked) in [([].as_slice(), false), (&["--require-verification"], true)] {
        let app = TestApp::redis_with(arguments).await;
        let ada = app.verified("ada").await;
        let before = app.letters(&ada.email).len();
        let addresses = ["b@example.com", "c@example.com", "d@example.com"];
        for (address, email_verified) in addresses.into_iter().zip([false, true, false]) {
            let body = json!({"email": address, "email_verified": email_verified});
            app.change(&ada.id, body).await.expect(200);
            // Of an address that is another one by then, nobody is asked.
            if is_asked && !email_verified {
                app.letter(address).await;
            }
        }
        for (address, before) in [(ada.email.as_str(), before), (addresses[1], 0)] {
            app.letter_after(address, before).await;
            assert_eq!(app.letters(address).len(), before + 1, "{address} is told once, {arguments:?}");
        }
        let asked = usize::from(is_asked);
        assert_eq!(addresses.map(|address| app.letters(address).len()), [asked, 1, asked], "{arguments:?}");
        app.stop().await;
    }
}
