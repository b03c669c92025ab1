//! What letters do not give to somebody who knows a password, or had an account before.

use std::time::Duration;

use serde_json::json;

use crate::support::{NEW_PASSWORD, PASSWORD, on_every_store};

const ADA: &str = "ada@example.com";
const THIEF: &str = "thief@example.com";
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

on_every_store! { with ["--mails-per-address", "none"]
    async fn another_password_ends_the_change_of_address_that_somebody_with_the_old_one_began(app: TestApp) {
        let ada = app.verified("ada").await;
        let thief = app.person_with(ADA, PASSWORD).await;
        let letter = app.letter_of(THIEF, app.want_email(&thief, THIEF)).await;
        let patch = json!({"password": NEW_PASSWORD, "current_password": PASSWORD});
        let patched = app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
        assert_eq!(patched.body["pending_email"], json!(null));
        app.confirm(json!({"token": letter.token()})).await.refused(403, "confirmation_invalid");
        assert_eq!(app.me(&ada.token).await.body["email"], ADA);
    }

    async fn a_change_that_is_asked_for_ends_the_letter_of_the_one_before_also_when_none_comes(app: TestApp) {
        let (ada, _) = (app.verified("ada").await, app.register("bob").await);
        let letter = app.letter_of("own@example.com", app.want_email(&ada, "own@example.com")).await;
        app.want_email(&ada, "bob@example.com").await.expect(200);
        app.want_email(&ada, "own@example.com").await.expect(200);
        let token = json!({"token": letter.token()});
        app.confirm(token).await.refused(403, "confirmation_invalid");
        // As for an address that nobody has: whether another letter has come by now says nothing.
        let latest = app.letter_after("own@example.com", 1).await;
        app.confirm(json!({"token": latest.token()})).await.expect(204);
    }

    async fn what_may_be_another_mailbox_is_confirmed_anew(app: TestApp) {
        let body = json!({"email": "stra\u{df}e@example.com", "password": PASSWORD});
        app.post("/v1/users").json(&body).send().await.expect(201);
        let letter = app.letter_of("stra\u{df}e@example.com", app.request_verification("strasse@example.com")).await;
        app.confirm(json!({"token": letter.token()})).await.expect(204);
        let person = app.person_with("strasse@example.com", PASSWORD).await;
        let wanted = app.want_email(&person, "strasse@example.com").await.expect(200).body;
        assert_eq!((&wanted["email"], &wanted["pending_email"]), (&json!("stra\u{df}e@example.com"), &json!("strasse@example.com")));
        let letter = app.letter("strasse@example.com").await;
        app.confirm(json!({"token": letter.token()})).await.expect(204);
        let me = app.me(&person.token).await.body;
        assert_eq!((&me["email"], &me["email_verified"]), (&json!("strasse@example.com"), &json!(true)));
        let spelled = app.want_email(&person, "Strasse@EXAMPLE.com").await.expect(200).body;
        assert_eq!((&spelled["email"], &spelled["email_verified"]), (&json!("Strasse@EXAMPLE.com"), &json!(true)));
    }

    async fn whoever_moves_to_an_address_of_long_ago_can_be_stopped_from_the_present_one(app: TestApp) {
        let ada = app.verified("ada").await;
        let move_to = async |email: &str, from: &str| {
            let letter = app.letter_of(email, app.want_email(&ada, email)).await;
            app.letter_of(from, app.confirm(json!({"token": letter.token()}))).await
        };
        move_to("new@example.com", ADA).await;
        app.clock.advance(WEEK);
        let ada = app.person_with("new@example.com", PASSWORD).await;
        let letter = app.letter_of(ADA, app.want_email(&ada, ADA)).await;
        let told = app.letter_of("new@example.com", app.confirm(json!({"token": letter.token()}))).await;
        app.undo(&told.token()).await.expect(204);
        app.register("new").await.refused(409, "email_taken");
        app.register("ada").await.expect(201);
    }

    async fn a_code_that_was_right_is_not_used_up_by_a_weak_password(app: TestApp) {
        app.register("ada").await.expect(201);
        let code = app.letter_of(ADA, app.request_reset(ADA)).await.code();
        for _ in 0..6 {
            app.reset(json!({"email": ADA, "code": code}), "password1").await.refused(422, "validation_failed");
        }
        app.reset(json!({"email": ADA, "code": code}), NEW_PASSWORD).await.expect(204);
    }
}

on_every_store! { with ["--mails-per-address", "none", "--require-verification"]
    async fn registering_with_a_former_address_sends_another_letter_that_gives_it_back(app: TestApp) {
        let ada = app.verified("ada").await;
        let letter = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await;
        app.letter_of(ADA, app.confirm(json!({"token": letter.token()}))).await;
        let again = app.letter_of(ADA, app.register("ada")).await;
        app.undo(&again.token()).await.expect(204);
        app.me(&ada.token).await.refused(401, "token_invalid");
    }
}
