//! Mail as a way to bother somebody, and codes as something to guess: both have limits, for known and unknown alike.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestApp, on_every_store};

const ADA: &str = "ada@example.com";
const NOBODY: &str = "nobody@example.com";

/// What differs between no two refusals of the same limit.
#[track_caller]
fn refused(answer: Answer, policy: &str) -> Value {
    let mut answer = answer.refused(429, "too_many_attempts");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let seconds = answer.header("retry-after").parse::<u64>().unwrap();
    assert!((1..=7200).contains(&seconds), "{seconds}");
    answer.body["instance"].take();
    answer.body
}

on_every_store! { with ["--mails-per-address", "2/2h"]
    async fn an_address_gets_so_many_letters_whether_or_not_it_has_an_account(app: TestApp) {
        app.register("ada").await.expect(201);
        let mut seen = Vec::new();
        for email in [ADA, NOBODY] {
            // One after the other: of two that are asked for at once, the newer may leave the older nothing to say.
            for (number, spelled) in [email.to_owned(), email.to_uppercase()].iter().enumerate() {
                app.request_reset(spelled).await.expect(202);
                if email == ADA {
                    app.letter_after(ADA, number).await;
                }
            }
            seen.push(refused(app.request_reset(email).await, "\"mails\";q=2;w=7200"));
            // Whoever has one kind of letter sent to somebody keeps no other kind from them.
            for number in [2, 3] {
                app.request_verification(email).await.expect(202);
                if email == ADA {
                    app.letter_after(ADA, number).await;
                }
            }
            seen.push(refused(app.request_verification(email).await, "\"mails\";q=2;w=7200"));
        }
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "{seen:?}");
        app.let_letters_arrive().await;
        assert_eq!(app.letters(ADA).len(), 4);
        let seconds = app.request_reset(ADA).await.header("retry-after").parse().unwrap();
        app.clock.advance(Duration::from_secs(seconds));
        app.letter_of(ADA, app.request_reset(ADA)).await;
    }

    async fn wanting_an_address_counts_for_it_and_says_nothing_of_it(app: TestApp) {
        let ada = app.verified("ada").await;
        app.register("bob").await.expect(201);
        let mut seen = Vec::new();
        for email in ["bob@example.com", NOBODY] {
            app.want_email(&ada, email).await.expect(200);
            app.want_email(&ada, email).await.expect(200);
            seen.push(refused(app.want_email(&ada, email).await, "\"mails\";q=2;w=7200"));
        }
        assert_eq!(seen[0], seen[1]);
        app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": "Ada"})).send().await.expect(200);
    }
}

on_every_store! { with ["--mails-per-address", "2/2h", "--require-verification"]
    async fn registering_counts_for_the_address_where_it_sends_a_letter(app: TestApp) {
        app.verified("ada").await;
        app.request_verification(NOBODY).await.expect(202);
        let mut seen = Vec::new();
        for who in ["ada", "nobody"] {
            app.register(who).await.expect(202);
            seen.push(refused(app.register(who).await, "\"mails\";q=2;w=7200"));
        }
        assert_eq!(seen[0], seen[1]);
        app.letter(NOBODY).await;
        app.sign_in(ADA, PASSWORD).await.expect(201);
    }
}

on_every_store! { with ["--mails-per-sender", "2/2h"]
    async fn somebody_who_is_signed_in_asks_for_so_many_letters(app: TestApp) {
        let want = async |who: &Person, number: u32| app.want_email(who, &format!("next{number}@example.com")).await;
        let (ada, bob) = (app.verified("ada").await, app.verified("bob").await);
        want(&ada, 1).await.expect(200);
        let wrong = json!({"email": "next2@example.com", "current_password": "a wrong one"});
        let request = app.patch("/v1/users/me").bearer(&ada.token).json(&wrong);
        request.send().await.refused(403, "current_password_incorrect"); // which asks for none
        want(&ada, 2).await.expect(200);
        refused(want(&ada, 3).await, "\"mail_requests\";q=2;w=7200");
        let again = app.person_with(ADA, PASSWORD).await;
        refused(want(&again, 3).await, "\"mail_requests\";q=2;w=7200");
        assert_eq!(app.me(&ada.token).await.body["pending_email"], "next2@example.com");
        app.want_email(&ada, ADA).await.expect(200); // which calls it off, without a letter
        want(&bob, 3).await.expect(200);
    }
}

/// A service that believes proxies on this machine, and somebody on it.
async fn behind_proxy(arguments: &[&str]) -> TestApp {
    let app = TestApp::with(&[&["--trusted-proxies", "127.0.0.1"], arguments].concat()).await;
    app.register("ada").await.expect(201);
    app
}

async fn send(app: &TestApp, path: &str, from: &str, body: Value) -> Answer {
    app.post(path).header("x-forwarded-for", from).json(&body).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_asks_for_so_many_letters() {
    let app = behind_proxy(&["--mails-per-sender", "2/2h"]).await;
    let ask = async |path: &str, from: &str, email: &str| send(&app, path, from, json!({"email": email})).await;
    ask("/v1/password-resets", "198.51.100.7", NOBODY).await.expect(202);
    ask("/v1/email-verifications", "198.51.100.7", ADA).await.expect(202);
    let known = refused(ask("/v1/password-resets", "198.51.100.7", ADA).await, "\"mail_requests\";q=2;w=7200");
    let unknown = ask("/v1/email-verifications", "198.51.100.7", "no@example.com").await;
    assert_eq!(refused(unknown, "\"mail_requests\";q=2;w=7200"), known);
    ask("/v1/password-resets", "198.51.100.8", ADA).await.expect(202);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_codes_and_links_count_for_where_they_come_from() {
    let app = behind_proxy(&["--password-attempts-per-address", "4/2h"]).await;
    let letter = app.letter_of(ADA, app.request_verification(ADA)).await;
    let (verify, reset) = ("/v1/email-verifications/confirm", "/v1/password-resets/confirm");
    let code = |email: &str| json!({"email": email, "code": "x"});
    for (number, email) in [ADA, NOBODY].into_iter().enumerate() {
        let from = format!("198.51.100.{number}");
        send(&app, verify, &from, code(email)).await.refused(403, "confirmation_invalid");
        let mut with_password = code(email);
        with_password["password"] = PASSWORD.into();
        send(&app, reset, &from, with_password).await.refused(403, "confirmation_invalid");
        send(&app, verify, &from, json!({"token": "lkm_x"})).await.refused(403, "confirmation_invalid");
        send(&app, "/v1/email-changes/undo", &from, json!({"token": "lkm_x"}))
            .await
            .refused(403, "confirmation_invalid");
        refused(send(&app, verify, &from, code(email)).await, "\"address\";q=4;w=7200");
        let right = json!({"email": ADA, "code": letter.code()});
        refused(send(&app, verify, &from, right).await, "\"address\";q=4;w=7200");
    }
    send(&app, verify, "198.51.100.9", json!({"email": ADA, "code": letter.code()})).await.expect(204);
    app.stop().await;
}
