//! Too many attempts: wrong passwords for an account, from an address, by somebody signed in; registrations.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    redis_server::command,
    support::{
        Answer, PASSWORD, Person, TestApp,
        browser::{self, Browser},
        on_every_store,
    },
};

/// The limits of [`TestApp`]: so many wrong passwords in two hours, and more in a day.
const HOURS: u64 = 2 * 60 * 60;

on_every_store! {
    async fn after_five_wrong_passwords_there_is_a_pause(app: TestApp) {
        let ada = app.person("ada").await;
        wrong_passwords(app, &ada.email, 5).await;
        let refused = app.sign_in(&ada.email, PASSWORD).await.refused(429, "too_many_attempts");
        let seconds = refused.header("retry-after").parse::<u64>().unwrap();
        assert!((1..=HOURS).contains(&seconds), "{seconds}");
        assert_eq!(refused.header("ratelimit"), format!("\"account\";r=0;t={seconds}"));
        assert_eq!(refused.header("ratelimit-policy"), "\"account\";q=5;w=7200");
        app.sign_in(" ADA@Example.com ", PASSWORD).await.refused(429, "too_many_attempts");
        app.me(&ada.token).await.expect(200);

        app.clock.advance(Duration::from_secs(seconds));
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
    }

    async fn the_pauses_grow(app: TestApp) {
        app.register("ada").await.expect(201);
        let mut reached = Vec::new();
        // Within a day or two, whenever a day begins for this account.
        for _ in 0..20 {
            while app.sign_in("ada@example.com", "a wrong one").await.status == 401 {}
            let refused = app.sign_in("ada@example.com", "a wrong one").await.refused(429, "too_many_attempts");
            reached.push(refused.header("ratelimit-policy").to_owned());
            app.clock.advance(Duration::from_secs(refused.header("retry-after").parse().unwrap()));
        }
        assert!(reached.iter().any(|policy| policy.ends_with("q=5;w=7200")), "{reached:?}");
        assert!(reached.iter().any(|policy| policy.ends_with("q=20;w=86400")), "{reached:?}");
    }

    async fn an_account_that_does_not_exist_is_throttled_alike(app: TestApp) {
        app.register("ada").await.expect(201);
        let mut answers = Vec::new();
        for login in ["ada@example.com", "nobody@example.com", "no login at all"] {
            wrong_passwords(app, login, 5).await;
            let refused = app.sign_in(login, "a wrong one").await.refused(429, "too_many_attempts");
            let mut body = refused.body.clone();
            body["instance"] = json!(null);
            answers.push((body, refused.header("ratelimit-policy").to_owned()));
        }
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
    }

    async fn right_passwords_do_not_count(app: TestApp) {
        let ada = app.person("ada").await;
        for _ in 0..3 {
            wrong_passwords(app, &ada.email, 1).await;
            for _ in 0..4 {
                app.sign_in(&ada.email, PASSWORD).await.expect(201);
            }
        }
        wrong_passwords(app, &ada.email, 2).await;
        app.sign_in(&ada.email, PASSWORD).await.refused(429, "too_many_attempts");
    }

    async fn many_guesses_at_once_are_no_way_around(app: TestApp) {
        app.register("ada").await.expect(201);
        let guesses = join_all((0..40).map(|_| app.sign_in("ada@example.com", "a wrong one"))).await;
        let judged = guesses.iter().filter(|answer| answer.status == 401).count();
        assert!((1..=5).contains(&judged), "{judged} guesses were judged");
        assert_eq!(guesses.iter().filter(|answer| answer.status == 429).count(), 40 - judged);
    }

    async fn a_device_that_signed_in_before_is_not_kept_out(app: TestApp) {
        app.register("ada").await.expect(201);
        let device = device_token(&app.sign_in("ada@example.com", PASSWORD).await.expect(201));
        while app.sign_in("ada@example.com", "a wrong one").await.status == 401 {}
        let again = sign_in_on(app, "ada@example.com", PASSWORD, &device).await.expect(201);
        assert_eq!(device_token(&again), device, "it stays the same device");
        app.sign_in("ada@example.com", PASSWORD).await.refused(429, "too_many_attempts");

        // Nor does it have more guesses than others.
        for _ in 0..5 {
            sign_in_on(app, "ada@example.com", "a wrong one", &device).await.refused(401, "invalid_credentials");
        }
        let refused = sign_in_on(app, "ada@example.com", PASSWORD, &device).await.refused(429, "too_many_attempts");
        assert_eq!(refused.header("ratelimit-policy"), "\"device\";q=5;w=7200");
    }

    async fn a_device_token_is_good_for_its_account_alone(app: TestApp) {
        app.register("ada").await.expect(201);
        app.register("bob").await.expect(201);
        let device = device_token(&app.sign_in("bob@example.com", PASSWORD).await.expect(201));
        wrong_passwords(app, "ada@example.com", 5).await;
        for other in [device.as_str(), "", "lkd_", "lkd_AAAA"] {
            sign_in_on(app, "ada@example.com", PASSWORD, other).await.refused(429, "too_many_attempts");
        }
    }

    async fn the_current_password_cannot_be_guessed_without_end(app: TestApp) {
        let ada = app.person("ada").await;
        for _ in 0..3 {
            reauthenticate(app, &ada, "a wrong one").await.refused(403, "current_password_incorrect");
            let body = json!({"current_password": "a wrong one", "email": "ada@example.org"});
            let patch = app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await;
            assert!(matches!(patch.status, 403 | 429), "{}", patch.body);
        }
        reauthenticate(app, &ada, PASSWORD).await.refused(429, "too_many_attempts");
        let body = json!({"current_password": PASSWORD, "email": "ada@example.org"});
        app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.refused(429, "too_many_attempts");
        app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": "Ada"})).send().await.expect(200);
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_all_instances_count_together() {
    let app = TestApp::redis().await;
    let twin = app.twin().await;
    app.register("ada").await.expect(201);
    wrong_passwords(&app, "ada@example.com", 3).await;
    wrong_passwords(&twin, "ada@example.com", 2).await;
    for instance in [&app, &twin] {
        instance.sign_in("ada@example.com", PASSWORD).await.refused(429, "too_many_attempts");
    }
    let device = device_token(&app.sign_in("ada@example.com", PASSWORD).await);
    assert_eq!(device, "", "a refusal gives nothing");
    twin.stop().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_device_is_recognised_by_every_instance() {
    let app = TestApp::redis().await;
    let twin = app.twin().await;
    app.register("ada").await.expect(201);
    let device = device_token(&app.sign_in("ada@example.com", PASSWORD).await.expect(201));
    wrong_passwords(&twin, "ada@example.com", 5).await;
    sign_in_on(&twin, "ada@example.com", PASSWORD, &device).await.expect(201);
    twin.stop().await;
    app.stop().await;
}

/// Without room for a session a sign-in fails, and a wrong password is told from a right one by how.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_cannot_count_is_no_way_around() {
    let app = TestApp::redis().await;
    app.register("ada").await.expect(201);
    let client = app.redis.as_ref().unwrap().client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    wrong_passwords(&app, "ada@example.com", 5).await;
    app.sign_in("ada@example.com", PASSWORD).await.refused(429, "too_many_attempts");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttles_can_be_turned_off() {
    let app = TestApp::with(&["--password-attempts", "none"]).await;
    app.register("ada").await.expect(201);
    wrong_passwords(&app, "ada@example.com", 60).await;
    app.sign_in("ada@example.com", PASSWORD).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_leaves_no_attempt_behind() {
    let app = TestApp::with(&["--argon2-memory-kib", "65536", "--hash-threads", "1"]).await;
    app.register("ada").await.expect(201);
    for _ in 0..5 {
        // It is under way by then, and far from done.
        drop(tokio::time::timeout(Duration::from_millis(20), app.sign_in("ada@example.com", PASSWORD)).await);
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while app.sign_in("ada@example.com", PASSWORD).await.status != 201 {
        assert!(std::time::Instant::now() < deadline, "attempts that nobody waits for still run");
    }
    app.stop().await;
}

async fn wrong_passwords(app: &TestApp, login: &str, times: usize) {
    for _ in 0..times {
        app.sign_in(login, "a wrong one").await.refused(401, "invalid_credentials");
    }
}

async fn sign_in_on(app: &TestApp, login: &str, password: &str, device: &str) -> Answer {
    let body = json!({"login": login, "password": password, "device_token": device});
    app.post("/v1/sessions").json(&body).send().await
}

async fn reauthenticate(app: &TestApp, who: &Person, password: &str) -> Answer {
    let body = json!({"current_password": password});
    app.post("/v1/sessions/current/reauthenticate").bearer(&who.token).json(&body).send().await
}

pub fn device_token(answer: &Answer) -> String {
    answer.body["device_token"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_recognised_by_a_cookie_that_outlives_its_session() {
    let app = TestApp::with(&["--cookies"]).await;
    let ada = app.register("ada").await.expect(201).body;
    let browser = Browser::signed_in(&app).await;
    let device = browser::device(&browser::sign_in(&app, &app.url).await.expect(201));
    let signed_out = browser.send("DELETE", "/v1/sessions/current", json!(null)).await.expect(204);
    assert!(browser::set_cookies(&signed_out).iter().all(|(name, ..)| name != browser::DEVICE));
    wrong_passwords(&app, ada["email"].as_str().unwrap(), 5).await;
    browser::sign_in(&app, &app.url).await.refused(429, "too_many_attempts");

    let body = json!({"login": ada["email"], "password": PASSWORD, "token_delivery": "cookie"});
    let request = app.post("/v1/sessions").header("origin", &app.url).json(&body);
    let again = request.header("cookie", &format!("{}={device}", browser::DEVICE)).send().await.expect(201);
    assert_eq!(browser::device(&again), device);
    app.stop().await;
}
