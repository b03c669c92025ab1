//! Who has an account is told by no answer: not by signing in, not by asking for letters or showing what was in them, and
//! not by registering where that is set so.

use serde_json::{Value, json};

use crate::support::{Answer, NEW_PASSWORD, PASSWORD, TestApp, on_every_store};

/// What a stranger sees of an answer, without what differs each time.
fn seen(mut answer: Answer) -> (u16, Vec<(String, String)>, Value) {
    if let Some(body) = answer.body.as_object_mut() {
        body.remove("instance");
    }
    for changing in ["x-request-id", "date"] {
        answer.headers.remove(changing);
    }
    let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, headers.collect(), answer.body)
}

on_every_store! {
    async fn a_failed_sign_in_says_nothing_of_the_account(app: TestApp) {
        app.register("ada").await.expect(201);
        app.register("bob").await.expect(201);
        let stranger = seen(app.sign_in("nobody@example.com", PASSWORD).await.refused(401, "invalid_credentials"));
        let long = "x".repeat(60_000);
        for (login, password) in [
            ("ada@example.com", "a wrong one"),
            ("nobody", PASSWORD),
            ("no login at all", PASSWORD),
            ("", ""),
            (long.as_str(), PASSWORD),
            ("ada@example.com", long.as_str()),
            ("nobody@example.com", long.as_str()),
            ("019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10", PASSWORD),
        ] {
            assert_eq!(seen(app.sign_in(login, password).await), stranger, "{login:.20} {password:.20}");
        }
        for login in ["ada@example.com", "nobody@example.com"] {
            app.sign_in(login, &"x".repeat(70_000)).await.refused(413, "body_too_large");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_suspended_account_is_like_none() {
    let app = TestApp::redis().await;
    app.register("ada").await.expect(201);
    assert!(app.operator("users suspend ada@example.com").await.status.success());
    let stranger = seen(app.sign_in("nobody@example.com", PASSWORD).await);
    for password in [PASSWORD, "a wrong one"] {
        assert_eq!(seen(app.sign_in("ada@example.com", password).await), stranger);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registering_says_nothing_of_the_address_where_accounts_are_concealed() {
    conceals(&TestApp::with(&["--conceal-accounts"]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_registering_says_nothing_of_the_address_where_accounts_are_concealed() {
    let app = TestApp::redis_with(&["--conceal-accounts"]).await;
    conceals(&app).await;
    app.check(false).await.expect_clean();
    app.stop().await;
}

async fn conceals(app: &TestApp) {
    let register = async |body: Value, key: &str| {
        let request = app.post("/v1/users").json(&body);
        if key.is_empty() { request.send().await } else { request.header("idempotency-key", key).send().await }
    };
    let (ada, bob) = ("ada@example.com", "bob@example.com");
    let fresh = seen(register(json!({"email": ada, "password": PASSWORD, "username": "ada"}), "").await.expect(202));
    assert_eq!(fresh.2, json!({}));
    assert!(fresh.1.iter().all(|(name, _)| name != "location" && name != "etag"), "{:?}", fresh.1);

    // The same for a known one, whose account it leaves alone; and the username stays free.
    let known = register(json!({"email": ada, "password": "another password of mine", "username": "grace"}), "").await;
    assert_eq!(seen(known), fresh);
    app.sign_in(ada, PASSWORD).await.expect(201);
    app.sign_in(ada, "another password of mine").await.refused(401, "invalid_credentials");

    // Which usernames are taken may be known, and is decided before the address.
    for email in [ada, bob] {
        let taken = register(json!({"email": email, "password": PASSWORD, "username": "ADA"}), "").await;
        taken.refused(409, "username_taken");
    }
    // What the first one claimed for nothing is let go behind its answer.
    let body = json!({"email": bob, "password": PASSWORD, "username": "grace"});
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while register(body.clone(), "").await.status == 409 {
        assert!(std::time::Instant::now() < deadline, "the username is not let go");
    }
    app.sign_in("grace", PASSWORD).await.expect(201);

    // A key is answered alike too, again and with another password.
    for (email, key) in [(ada, "key-of-ada"), ("cleo@example.com", "key-of-cleo")] {
        for password in [PASSWORD, PASSWORD, "another password of mine"] {
            let answer = register(json!({"email": email, "password": password}), key).await;
            assert_eq!(seen(answer), fresh, "{email} {password}");
        }
        let other = json!({"email": email, "password": PASSWORD, "name": "Another"});
        register(other, key).await.refused(422, "idempotency_key_mismatch");
    }
    app.sign_in("cleo@example.com", PASSWORD).await.expect(201);
    app.sign_in(ada, PASSWORD).await.expect(201);
}

/// Everybody of whom a stranger could want to know: who has confirmed their address, who has not, who is suspended, who had
/// the address until now, and nobody.
const EVERYBODY: [&str; 5] = ["ada", "bob", "cleo", "former", "nobody"];

async fn everybody(arguments: &[&str]) -> TestApp {
    let app = TestApp::redis_with(&[&["--mails-per-address", "none"], arguments].concat()).await;
    app.verified("ada").await;
    app.register("bob").await;
    app.verified("cleo").await;
    assert!(app.operator("users suspend cleo@example.com").await.status.success());
    let dora = app.verified("former").await;
    let token = app.letter_of("dora@example.com", app.want_email(&dora, "dora@example.com")).await.token();
    app.letter_of("former@example.com", app.confirm(json!({"token": token}))).await;
    app
}

/// The one thing that everybody is answered.
async fn one(answer: impl AsyncFn(String) -> Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut answers = Vec::new();
    for who in EVERYBODY {
        answers.push(seen(answer(format!("{who}@example.com")).await));
    }
    assert!(answers.iter().all(|other| *other == answers[0]), "{answers:?}");
    answers.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_letters_say_nothing_of_the_account_to_whoever_asks_for_them() {
    let app = everybody(&[]).await;
    for before in [0, 1] {
        assert_eq!(one(async |to| app.request_reset(&to).await).await.0, 202);
        assert_eq!(one(async |to| app.request_verification(&to).await).await.0, 202);
        // Of two that are asked for at once, the newer may leave the older nothing to say.
        app.letter_after("ada@example.com", 1 + before).await;
        app.letter_after("bob@example.com", 1 + 2 * before).await;
    }
    // More often than a code can be tried.
    for _ in 0..6 {
        let verified = one(async |email| app.confirm(json!({"email": email, "code": "x"})).await).await;
        assert_eq!((verified.0, &verified.2["code"]), (403, &json!("confirmation_invalid")));
        for password in [NEW_PASSWORD, "password1234"] {
            let proof = |email| json!({"email": email, "code": "x"});
            assert_eq!(one(async |email| app.reset(proof(email), password).await).await, verified);
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_registering_says_nothing_of_the_address_where_it_has_to_be_confirmed() {
    let app = everybody(&["--require-verification"]).await;
    let register = async |email: String| {
        let body = json!({"email": email, "password": NEW_PASSWORD});
        app.post("/v1/users").json(&body).send().await
    };
    let fresh = one(register).await;
    assert_eq!((fresh.0, &fresh.2), (202, &json!({})));
    app.letter_after("nobody@example.com", 0).await;
    assert_eq!(one(register).await, fresh, "again");
    app.letter_after("ada@example.com", 2).await;
    app.letter_after("nobody@example.com", 1).await;
    // Whoever registered first has the right password, unless accounts are concealed.
    for who in ["ada", "cleo", "former"] {
        app.sign_in(&format!("{who}@example.com"), NEW_PASSWORD).await.refused(401, "invalid_credentials");
    }
    app.sign_in("nobody@example.com", NEW_PASSWORD).await.refused(403, "email_not_verified");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_where_accounts_are_concealed_the_right_password_of_an_unconfirmed_one_is_like_a_wrong_one() {
    let app = everybody(&["--require-verification", "--conceal-accounts"]).await;
    for who in EVERYBODY {
        let body = json!({"email": format!("{who}@example.com"), "password": NEW_PASSWORD});
        app.post("/v1/users").json(&body).send().await.expect(202);
    }
    for _ in 0..5 {
        let answer = one(async |email| app.sign_in(&email, NEW_PASSWORD).await).await;
        assert_eq!((answer.0, &answer.2["code"]), (401, &json!("invalid_credentials")));
    }
    for who in EVERYBODY {
        app.sign_in(&format!("{who}@example.com"), NEW_PASSWORD).await.refused(429, "too_many_attempts");
    }
    let token = app.letter("nobody@example.com").await.token();
    app.confirm(json!({"token": token})).await.expect(204);
    app.stop().await;
}
