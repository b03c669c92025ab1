//! Showing that an address is one's own, by link and by code.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, NEW_PASSWORD, PASSWORD, TestApp, on_every_store};

const ADA: &str = "ada@example.com";

async fn register(app: &TestApp, key: &str, body: Value) -> Answer {
    app.post("/v1/users").header("idempotency-key", key).json(&body).send().await
}

/// The statuses of many requests that are sent at once, sorted.
async fn statuses(requests: impl Iterator<Item = impl Future<Output = Answer>>) -> Vec<u16> {
    let mut statuses = join_all(requests).await.iter().map(|answer| answer.status).collect::<Vec<_>>();
    statuses.sort_unstable();
    statuses
}

/// Another code.
fn wrong(code: &str, number: usize) -> String {
    format!("{:06}", (code.parse::<usize>().unwrap() + 1 + number) % 1_000_000)
}

on_every_store! { with ["--require-verification", "--mails-per-address", "none"]
    async fn nobody_signs_in_before_they_have_confirmed_their_address(app: TestApp) {
        let answer = app.register("ada").await.expect(202);
        assert_eq!(answer.body, json!({}));
        let letter = app.letter(ADA).await;
        assert!(letter.subject.contains("Confirm"), "{letter:?}");
        app.sign_in(ADA, PASSWORD).await.refused(403, "email_not_verified");
        app.sign_in(ADA, "a wrong one").await.refused(401, "invalid_credentials");
        app.sign_in("bob@example.com", PASSWORD).await.refused(401, "invalid_credentials");

        let proof = json!({"token": letter.token()});
        app.confirm(proof.clone()).await.expect(204);
        let user = app.sign_in(ADA, PASSWORD).await.expect(201).body["user"].clone();
        assert_eq!((&user["email_verified"], &user["pending_email"]), (&json!(true), &json!(null)));
        app.confirm(proof).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"email": ADA, "code": letter.code()})).await.refused(403, "confirmation_invalid");
    }

    async fn an_address_is_confirmed_by_a_code(app: TestApp) {
        app.register("ada").await.expect(202);
        let letter = app.letter(ADA).await;
        let code = letter.code();
        let (first, last) = code.split_at(3);
        for code in [wrong(&code, 0), first.to_owned(), String::new(), "\u{e4}".repeat(1000)] {
            app.confirm(json!({"email": ADA, "code": code})).await.refused(403, "confirmation_invalid");
        }
        // The right one after four wrong ones, as a person types it.
        app.confirm(json!({"email": "ADA@Example.com", "code": format!(" {first} {last}")})).await.expect(204);
        app.sign_in(ADA, PASSWORD).await.expect(201);
        app.confirm(json!({"email": ADA, "code": code})).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"token": letter.token()})).await.refused(403, "confirmation_invalid");
    }

    async fn whoever_registers_with_a_known_address_gets_a_letter_that_says_so(app: TestApp) {
        app.verified("ada").await;
        let fresh = app.register("bob").await.expect(202);
        let body = json!({"email": "ADA@example.com", "password": "another password of mine", "username": "ada"});
        let known = app.letter_of(ADA, app.post("/v1/users").json(&body).send()).await;
        assert!(known.subject.contains("already") && known.text.contains("nothing has changed"), "{known:?}");
        assert_eq!(fresh.body, json!({}));
        app.sign_in(ADA, "another password of mine").await.refused(401, "invalid_credentials");
        app.sign_in("ada", PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in(ADA, PASSWORD).await.expect(201);
        assert!(!known.text.contains("lkm_"), "{known:?}");
    }

    async fn a_stranger_who_registers_with_an_address_leaves_its_letters_good(app: TestApp) {
        app.verified("ada").await;
        let reset = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.letter_of(ADA, app.register("ada")).await;
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.expect(204);
    }

    // Somebody else may have registered it: whoever has the address gets the account.
    async fn an_address_that_was_registered_and_never_confirmed_is_its_owners(app: TestApp) {
        app.register("ada").await.expect(202);
        let first = app.letter(ADA).await;
        let body = json!({"email": ADA, "password": "another password of mine"});
        app.letter_of(ADA, app.post("/v1/users").json(&body).send()).await;
        let reset = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.expect(204);
        app.sign_in(ADA, PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in(ADA, NEW_PASSWORD).await.expect(201);
        app.confirm(json!({"token": first.token()})).await.refused(403, "confirmation_invalid");
    }

    async fn a_registration_that_is_sent_again_sends_one_letter(app: TestApp) {
        app.verified("ada").await;
        for (email, before) in [(ADA, 1), ("bob@example.com", 0)] {
            for password in [PASSWORD, PASSWORD, "another password of mine"] {
                let body = json!({"email": email, "password": password});
                let answer = register(app, &format!("key-of-{email}"), body).await;
                assert_eq!(answer.expect(202).body, json!({}));
            }
            app.letter_after(email, before).await;
            app.let_letters_arrive().await;
            assert_eq!(app.letters(email).len(), before + 1, "{email}");
        }
    }

    async fn a_username_that_is_taken_is_told_and_sends_no_letter(app: TestApp) {
        app.verified("ada").await;
        register(app, "key", json!({"email": "bob@example.com", "password": PASSWORD, "username": "bob"})).await.expect(202);
        for email in [ADA, "cleo@example.com"] {
            let body = json!({"email": email, "password": PASSWORD, "username": "BOB"});
            app.post("/v1/users").json(&body).send().await.refused(409, "username_taken");
        }
        app.let_letters_arrive().await;
        assert_eq!((app.letters(ADA).len(), app.letters("cleo@example.com").len()), (1, 0));
    }
}

on_every_store! {
    async fn whoever_has_not_confirmed_their_address_gets_a_letter_and_nobody_else(app: TestApp) {
        let ada = app.person("ada").await;
        let bob = app.verified("bob").await;
        assert_eq!(app.me(&ada.token).await.body["email_verified"], false);
        for email in [bob.email.as_str(), "nobody@example.com", "ADA@example.com"] {
            assert_eq!(app.request_verification(email).await.expect(202).body, json!({}));
        }
        let letter = app.letter(ADA).await;
        app.confirm(json!({"token": letter.token()})).await.expect(204);
        let me = app.me(&ada.token).await.expect(200);
        assert_eq!((&me.body["email_verified"], me.header("etag")), (&json!(true), "\"2\""));
        app.let_letters_arrive().await;
        assert_eq!((app.letters(&bob.email).len(), app.letters("nobody@example.com").len()), (1, 0));
    }

    async fn a_newer_letter_ends_the_older_one(app: TestApp) {
        app.register("ada").await.expect(201);
        let older = app.letter_of(ADA, app.request_verification(ADA)).await;
        let newer = app.letter_of(ADA, app.request_verification(ADA)).await;
        app.confirm(json!({"token": older.token()})).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"token": newer.token()})).await.expect(204);
    }

    async fn a_link_works_once_however_often_it_is_followed_at_once(app: TestApp) {
        app.register("ada").await.expect(201);
        let token = app.letter_of(ADA, app.request_verification(ADA)).await.token();
        let statuses = statuses((0..20).map(|_| app.confirm(json!({"token": token})))).await;
        assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 204 | 403)), "{statuses:?}");
    }

    async fn a_link_is_good_for_its_purpose_as_it_was_sent(app: TestApp) {
        app.register("ada").await.expect(201);
        let verification = app.letter_of(ADA, app.request_verification(ADA)).await.token();
        app.reset(json!({"token": verification}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        app.undo(&verification).await.refused(403, "confirmation_invalid");
        for at in [0, 4, 5, 24, 25, 26, 46, 67] {
            let mut other = verification.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            app.confirm(json!({"token": other})).await.refused(403, "confirmation_invalid");
        }
        for other in ["", "lkm_", &verification[..67], &format!("{verification}A"), &format!("{verification}=")] {
            app.confirm(json!({"token": other})).await.refused(403, "confirmation_invalid");
        }
        app.confirm(json!({"token": verification})).await.expect(204);
    }

    async fn five_tries_of_a_code_are_all_however_many_come_at_once(app: TestApp) {
        app.register("ada").await.expect(201);
        let letter = app.letter_of(ADA, app.request_verification(ADA)).await;
        let code = letter.code();
        let guess = |code: String| app.confirm(json!({"email": ADA, "code": code}));
        let statuses = statuses((0..50).map(|number| guess(wrong(&code, number)))).await;
        // Those that others kept from being counted were not compared.
        assert!(statuses.iter().all(|status| matches!(status, 403 | 503)), "{statuses:?}");
        assert!(statuses.iter().filter(|status| **status == 403).count() >= 5, "{statuses:?}");
        guess(code).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"token": letter.token()})).await.expect(204);
    }

    async fn what_is_wrong_with_the_form_is_told(app: TestApp) {
        for (proof, wrong) in [
            (json!({}), ("token", "required")),
            (json!({"code": "123456"}), ("email", "required")),
            (json!({"email": ADA}), ("code", "required")),
            (json!({"token": "lkm_", "email": ADA, "code": "123456"}), ("token", "invalid")),
            (json!({"token": "lkm_", "code": "123456"}), ("token", "invalid")),
            (json!({"token": 1}), ("token", "wrong_type")),
            (json!({"email": "ada", "code": "123456"}), ("email", "invalid")),
            (json!({"token": "lkm_", "other": 1}), ("other", "unknown")),
        ] {
            let answer = app.confirm(proof.clone()).await.refused(422, "validation_failed");
            assert_eq!(answer.wrong_fields(), [wrong], "{proof}");
            let mut reset = proof.clone();
            reset["password"] = "short".into();
            let answer = app.post("/v1/password-resets/confirm").json(&reset).send().await;
            let answer = answer.refused(422, "validation_failed");
            let fields = answer.wrong_fields();
            assert!(fields.contains(&wrong) && fields.contains(&("password", "too_short")), "{proof} {fields:?}");
        }
        for path in ["/v1/email-verifications", "/v1/password-resets"] {
            for (body, wrong) in [(json!({}), ("email", "required")), (json!({"email": "x"}), ("email", "invalid"))] {
                let answer = app.post(path).json(&body).send().await.refused(422, "validation_failed");
                assert_eq!(answer.wrong_fields(), [wrong]);
            }
        }
        let answer = app.post("/v1/email-changes/undo").json(&json!({})).send().await;
        assert_eq!(answer.refused(422, "validation_failed").wrong_fields(), [("token", "required")]);
    }
}

on_every_store! { with ["--verification-lifetime", "1h", "--mails-per-address", "none"]
    async fn a_link_is_good_for_its_time_and_a_code_for_ten_minutes(app: TestApp) {
        app.register("ada").await.expect(201);
        let early = app.letter_of(ADA, app.request_verification(ADA)).await;
        app.clock.advance(Duration::from_secs(601));
        app.confirm(json!({"email": ADA, "code": early.code()})).await.refused(403, "confirmation_invalid");
        app.clock.advance(Duration::from_secs(3001));
        app.confirm(json!({"token": early.token()})).await.refused(403, "confirmation_invalid");

        let late = app.letter_of(ADA, app.request_verification(ADA)).await;
        assert!(late.text.contains("1 hour"), "{}", late.text);
        app.clock.advance(Duration::from_secs(590));
        app.confirm(json!({"email": ADA, "code": wrong(&late.code(), 0)})).await.refused(403, "confirmation_invalid");
        app.clock.advance(Duration::from_secs(3000));
        app.confirm(json!({"token": late.token()})).await.expect(204);
        let user = app.sign_in(ADA, PASSWORD).await.expect(201).body["user"].clone();
        assert_eq!(user["email_verified"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_link_stays_good_when_something_else_is_changed() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.post("/v1/email-verifications").json(&json!({"email": ADA})).send().await.expect(202);
    let token = app.letter(ADA).await.token();
    app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": "Ada"})).send().await.expect(200);
    app.confirm(json!({"token": token})).await.expect(204);
    app.stop().await;
}
