//! Which passwords may be chosen: long enough, and not too easy to guess.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp, on_every_store};

/// The message of an answer that refuses nothing but the password, with this code.
#[track_caller]
fn refusal(answer: Answer, code: &str) -> String {
    let answer = answer.refused(422, "validation_failed");
    assert_eq!(answer.wrong_fields(), [("password", code)]);
    answer.body["errors"][0]["message"].as_str().unwrap().to_owned()
}

async fn register(app: &TestApp, body: Value) -> Answer {
    app.post("/v1/users").json(&body).send().await
}

async fn change(app: &TestApp, person: &Person, password: &str, mut patch: Value) -> Answer {
    patch["password"] = password.into();
    patch["current_password"] = PASSWORD.into();
    app.patch("/v1/users/me").bearer(&person.token).json(&patch).send().await
}

on_every_store! {
    async fn a_password_that_is_easy_to_guess_is_refused_with_the_reason(app: TestApp) {
        for (password, reason) in [
            ("password", "is too easy to guess. It is one of the ten most common passwords. Add another word or two; uncommon words are better."),
            ("P@ssw0rd1", "It is like a common password."),
            ("25.12.1984", "Dates are easy to guess."),
            ("aaaaaaaaaaaaaaaa", "Avoid repetition."),
        ] {
            let answer = register(app, json!({"email": "ada@example.com", "password": password})).await;
            let message = refusal(answer, "too_guessable");
            assert!(message.contains(reason), "{message}");
            assert!(password == "password" || !message.contains(password), "{message}");
        }
        register(app, json!({"email": "ada@example.com", "password": PASSWORD})).await.expect(201);
    }

    async fn a_password_of_ones_own_name_and_address_is_refused(app: TestApp) {
        for password in ["gwendolyn.vandersnoot", "toonsredna51", "G0rgonzola-1972", "quiltmaker!"] {
            let own = json!({"email": "gwendolyn.vandersnoot@quiltmaker.example", "username": "andersnoot",
                "name": "Gorgonzola Pye", "password": password});
            let answer = register(app, own).await;
            assert_eq!(answer.status, 422, "{password}");
            let message = refusal(answer, "too_guessable");
            assert!(message.contains("It has your name, your address"), "{password}: {message}");
            assert!(!message.contains("gwendolyn") && !message.contains("quilt"), "{message}");
        }
        let other = json!({"email": "bob@example.com", "password": "gwendolyn.vandersnoot"});
        register(app, other).await.expect(201);
    }

    async fn a_new_password_is_judged_by_who_one_is_and_who_one_will_be(app: TestApp) {
        let ada = app.person("gwendolyn.vandersnoot").await;
        let kept = change(app, &ada, "vandersnoot7", json!({})).await;
        refusal(kept, "too_guessable");
        let next = change(app, &ada, "humperdinck7", json!({"name": "Engelbert Humperdinck"})).await;
        refusal(next, "too_guessable");
        let email = json!({"email": "engelbert@humperdinck.example"});
        refusal(change(app, &ada, "humperdinck7", email).await, "too_guessable");
        assert_eq!(app.me(&ada.token).await.body["name"], Value::Null);
        change(app, &ada, "humperdinck7 and tea", json!({})).await.expect(200);
        app.sign_in(&ada.email, "humperdinck7 and tea").await.expect(201);
    }

    async fn a_weak_password_is_told_before_anything_that_depends_on_who_has_an_account(app: TestApp) {
        let ada = app.person("ada").await;
        let taken = register(app, json!({"email": "ada@example.com", "password": "password1"})).await;
        let free = register(app, json!({"email": "bob@example.com", "password": "password1"})).await;
        assert_eq!(refusal(taken, "too_guessable"), refusal(free, "too_guessable"));
        // Also before the current password costs a hash.
        let body = json!({"password": "password1", "current_password": "wrong"});
        let answer = app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await;
        refusal(answer, "too_guessable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_least_length_and_the_least_score_are_settings() {
    let app = TestApp::with(&["--password-min-length", "15", "--password-min-score", "0"]).await;
    let answer = register(&app, json!({"email": "ada", "password": "fourteen chars"})).await;
    let answer = answer.refused(422, "validation_failed");
    assert_eq!(answer.wrong_fields(), [("email", "invalid"), ("password", "too_short")], "all at once");
    assert_eq!(answer.body["errors"][1]["message"], "must have at least 15 characters");
    register(&app, json!({"email": "ada@example.com", "password": "aaaaaaaaaaaaaaa"})).await.expect(201);
    let token = app.sign_in("ada@example.com", "aaaaaaaaaaaaaaa").await.expect(201).body["access_token"].clone();
    let body = json!({"password": "fourteen chars", "current_password": "aaaaaaaaaaaaaaa"});
    let answer = app.patch("/v1/users/me").bearer(token.as_str().unwrap()).json(&body).send().await;
    assert_eq!(refusal(answer, "too_short"), "must have at least 15 characters");
    app.stop().await;

    let app = TestApp::with(&["--password-min-score", "4"]).await;
    // zxcvbn gives it 3.
    let body = json!({"email": "ada@example.com", "password": "a new password"});
    refusal(register(&app, body).await, "too_guessable");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_password_that_was_good_enough_once_stays_good() {
    let app = TestApp::redis().await;
    let strict = TestApp::beside(&app, &["--password-min-length", "40", "--password-min-score", "4"]).await;
    let ada = app.person("ada").await;
    let token = strict.token(&ada.email).await;
    let body = json!({"email": "ada@king.example", "current_password": PASSWORD});
    strict.patch("/v1/users/me").bearer(&token).json(&body).send().await.expect(200);
    strict.stop().await;
    app.stop().await;
}
