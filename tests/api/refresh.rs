//! `/v1/sessions/refresh`, and how long a session lasts.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use latchkey::accounts::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp, on_every_store};

fn text<'a>(answer: &'a Answer, field: &str) -> &'a str {
    answer.body[field].as_str().unwrap()
}

/// What a JWT says.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Refreshes every 100 hours for so long, and answers the last tokens.
async fn use_for(app: &TestApp, person: &Person, hours: u64) -> Answer {
    let mut answer = app.refresh(&person.refresh_token).await;
    for _ in 0..hours / 100 {
        app.clock.advance(Duration::from_secs(100 * 3600));
        answer = app.refresh(text(&answer, "refresh_token")).await;
    }
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_ends_with_the_second_in_which_its_session_does() {
    let app = TestApp::with(&["--session-lifetime", "5m"]).await;
    let claims = claims(&app.person("ada").await.token);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 301);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_is_for_the_audience_that_is_set() {
    let audience = "urn:example:articles";
    let app = TestApp::with(&["--audience", audience]).await;
    let ada = app.person("ada").await;
    assert_eq!(claims(&ada.token)["aud"], audience);
    app.me(&ada.token).await.expect(200);
}

on_every_store! {
    async fn a_refresh_token_gives_two_new_tokens(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(601));
        app.me(&ada.token).await.refused(401, "token_expired");
        let answer = app.refresh(&ada.refresh_token).await.expect(200);
        assert_eq!(answer.body["user"]["id"], ada.id);
        assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_ne!(text(&answer, "refresh_token"), ada.refresh_token);
        app.me(text(&answer, "access_token")).await.expect(200);
        let next = app.refresh(text(&answer, "refresh_token")).await.expect(200);
        assert_eq!(next.body["session"]["id"], answer.body["session"]["id"]);
    }

    async fn an_access_token_tells_what_other_services_need(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(5));
        let answer = app.refresh(&ada.refresh_token).await.expect(200);
        let (first, second) = (claims(&ada.token), claims(text(&answer, "access_token")));
        assert_eq!((&second["iss"], &second["aud"]), (&json!(app.url), &json!(app.url)));
        assert_eq!((&second["sub"], &second["sid"]), (&json!(ada.id), &answer.body["session"]["id"]));
        assert_eq!(second["email_verified"], false);
        let seconds = |claims: &Value, name: &str| claims[name].as_i64().unwrap();
        assert_eq!(seconds(&second, "exp") - seconds(&second, "iat"), 600);
        assert!(seconds(&second, "iat") - seconds(&first, "iat") >= 5);
        assert_eq!(second["auth_time"], first["auth_time"]);
        assert_ne!(second["jti"], first["jti"]);
    }

    async fn two_tabs_that_refresh_at_once_stay_signed_in(app: TestApp) {
        let ada = app.person("ada").await;
        let answers = join_all((0..8).map(|_| app.refresh(&ada.refresh_token))).await;
        let tokens = answers.iter().map(|answer| answer.body["refresh_token"].clone()).collect::<Vec<_>>();
        assert!(answers.iter().all(|answer| answer.status == 200 && tokens[0] == answer.body["refresh_token"]), "{answers:?}");
        app.clock.advance(Duration::from_secs(3));
        let late = app.refresh(&ada.refresh_token).await.expect(200);
        assert_eq!(late.body["refresh_token"], tokens[0]);
        app.refresh(text(&late, "refresh_token")).await.expect(200);
    }

    async fn a_refresh_token_that_comes_again_later_ends_its_session(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.token(&ada.email).await;
        let next = app.refresh(&ada.refresh_token).await.expect(200);
        app.clock.advance(Duration::from_secs(10));
        let refused = app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_reused");
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"latchkey\"");
        app.me(&ada.token).await.refused(401, "token_invalid");
        app.me(text(&next, "access_token")).await.refused(401, "token_invalid");
        app.refresh(text(&next, "refresh_token")).await.refused(401, "refresh_token_invalid");
        app.me(&other).await.expect(200);
    }

    async fn a_tab_that_is_two_steps_behind_stays_signed_in_as_well(app: TestApp) {
        let ada = app.person("ada").await;
        let second = app.refresh(&ada.refresh_token).await.expect(200);
        let third = app.refresh(text(&second, "refresh_token")).await.expect(200);
        let late = app.refresh(&ada.refresh_token).await.expect(200);
        assert_eq!(late.body["refresh_token"], third.body["refresh_token"]);
        app.clock.advance(Duration::from_secs(10));
        app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_reused");
        app.refresh(text(&third, "refresh_token")).await.refused(401, "refresh_token_invalid");
    }

    async fn a_refresh_token_that_was_never_given_out_ends_nothing(app: TestApp) {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        // 43 characters of a token are user id and session id. The rest is secret.
        let (names, _) = ada.refresh_token.split_at(4 + 43);
        let (_, secrets) = bob.refresh_token.split_at(4 + 43);
        for token in ["", "x", &ada.token, &ada.refresh_token[..60], &format!("{names}{secrets}")] {
            app.refresh(token).await.refused(401, "refresh_token_invalid");
        }
        app.refresh(&ada.refresh_token).await.expect(200);
    }

    async fn a_session_that_is_not_used_ends(app: TestApp) {
        let ada = app.person("ada").await;
        let list = app.get("/v1/sessions").bearer(&ada.token).send().await.expect(200).body;
        let session = &list["items"][0];
        let idle = Duration::from_secs(168 * 3600);
        assert_eq!(moment(&session["expires_at"]), moment(&session["created_at"]).plus(idle));
        app.clock.advance(idle.saturating_sub(Duration::from_secs(60)));
        let answer = app.refresh(&ada.refresh_token).await.expect(200);
        app.clock.advance(idle);
        app.refresh(text(&answer, "refresh_token")).await.refused(401, "refresh_token_invalid");
    }

    async fn no_session_is_older_than_its_lifetime(app: TestApp) {
        let ada = app.person("ada").await;
        let answer = use_for(app, &ada, 700).await.expect(200);
        app.clock.advance(Duration::from_secs(20 * 3600 - 100));
        let last = app.refresh(text(&answer, "refresh_token")).await.expect(200);
        // Nor is a token.
        assert!(last.body["expires_in"].as_u64().unwrap() <= 101, "{}", last.body);
        app.clock.advance(Duration::from_secs(101));
        app.refresh(text(&last, "refresh_token")).await.refused(401, "refresh_token_invalid");
    }

    async fn signing_out_ends_the_refresh_token_as_well(app: TestApp) {
        let ada = app.person("ada").await;
        app.delete("/v1/sessions/current").bearer(&ada.token).send().await.expect(204);
        app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_invalid");
    }

    async fn a_new_password_ends_the_refresh_tokens_of_other_sessions(app: TestApp) {
        let ada = app.person("ada").await;
        let other = app.sign_in(&ada.email, PASSWORD).await.expect(201);
        let body = json!({"current_password": PASSWORD, "password": "another battery staple"});
        app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.expect(200);
        app.refresh(text(&other, "refresh_token")).await.refused(401, "refresh_token_invalid");
        app.refresh(&ada.refresh_token).await.expect(200);
    }

    async fn giving_the_password_again_makes_a_session_fresh(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(Duration::from_secs(601));
        let token = text(&app.refresh(&ada.refresh_token).await.expect(200), "access_token").to_owned();
        app.delete("/v1/users/me").bearer(&token).send().await.refused(403, "reauthentication_required");
        let again = async |password: &str| {
            let request = app.post("/v1/sessions/current/reauthenticate").bearer(&token);
            request.json(&json!({"current_password": password})).send().await
        };
        again("wrong password").await.refused(403, "current_password_incorrect");
        app.delete("/v1/users/me").bearer(&token).send().await.refused(403, "reauthentication_required");
        let before = app.clock.now();
        let fresh = again(PASSWORD).await.expect(200);
        let (told, given) = (&claims(text(&fresh, "access_token")), moment(&fresh.body["session"]["authenticated_at"]));
        assert!(given >= before, "{given}");
        assert_eq!(told["auth_time"].as_i64().unwrap(), given.as_millis() / 1000);
        app.delete("/v1/users/me").bearer(&token).send().await.expect(204);
    }

    async fn it_is_noted_once_a_minute_that_a_session_is_used(app: TestApp) {
        let ada = app.person("ada").await;
        let used = async || {
            let list = app.get("/v1/sessions").bearer(&ada.token).send().await.expect(200).body;
            moment(&list["items"][0]["last_used_at"])
        };
        for _ in 0..2 {
            let before = used().await;
            for seconds in [30, 60] {
                app.clock.advance(Duration::from_secs(seconds));
                app.me(&ada.token).await.expect(200);
            }
            // It is noted behind the back of the request.
            let deadline = Instant::now() + Duration::from_secs(10);
            let noted = loop {
                let noted = used().await;
                if noted != before {
                    break noted;
                }
                assert!(Instant::now() < deadline, "it was never noted");
            };
            assert!(noted >= before.plus(Duration::from_secs(90)), "{noted}");
        }
    }

    async fn one_use_of_a_session_is_enough_to_be_noted(app: TestApp) {
        let (ada, other) = (app.person("ada").await, app.token("ada@example.com").await);
        let used = async || {
            let list = app.get("/v1/sessions").bearer(&other).send().await.expect(200).body;
            let session = list["items"].as_array().unwrap().iter().find(|session| session["current"] == false);
            moment(&session.unwrap()["last_used_at"])
        };
        let before = used().await;
        app.clock.advance(Duration::from_secs(60));
        app.me(&ada.token).await.expect(200);
        let deadline = Instant::now() + Duration::from_secs(10);
        while used().await == before {
            assert!(Instant::now() < deadline, "it was never noted");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_session_that_was_used_within_the_minute_is_only_read() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let before = app.writes().await;
    for _ in 0..50 {
        app.me(&ada.token).await.expect(200);
    }
    assert_eq!(app.writes().await, before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_person_has_so_many_sessions_and_the_oldest_ends() {
    let first = TestApp::redis().await;
    let app = TestApp::beside(&first, &["--max-sessions", "3"]).await;
    let ada = app.person("ada").await;
    let mut tokens = vec![ada.token.clone()];
    for _ in 0..4 {
        app.clock.advance(Duration::from_secs(1));
        tokens.push(app.token(&ada.email).await);
    }
    for (n, token) in tokens.iter().enumerate() {
        assert_eq!(app.me(token).await.status, if n < 2 { 401 } else { 200 }, "{n}");
    }
    // Many at once are no way around it.
    join_all((0..10).map(|_| app.sign_in(&ada.email, PASSWORD))).await;
    let token = app.token(&ada.email).await;
    let list = app.get("/v1/sessions").bearer(&token).send().await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    app.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_no_refresh_token_is_stored() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let next = app.refresh(&ada.refresh_token).await.expect(200);
    for token in [&ada.refresh_token, text(&next, "refresh_token")] {
        let bytes = URL_SAFE_NO_PAD.decode(&token[4..]).unwrap();
        let (family, current) = bytes[32..].split_at(16); // the rest is user id and session id
        app.expect_only_the_digest_of(family).await;
        app.expect_only_the_digest_of(current).await;
    }
    app.stop().await;
}
