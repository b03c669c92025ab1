//! Another address: the present one stays until the new one is confirmed, is told, and can undo it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{NEW_PASSWORD, PASSWORD, Person, TestApp, letters::Letter, on_every_store};

const ADA: &str = "ada@example.com";
const NEXT: &str = "next@example.com";
const LAST: &str = "last@example.com";
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// The address of somebody, whether it is confirmed, and the one that they want instead.
async fn addresses(app: &TestApp, who: &Person) -> [Value; 3] {
    let me = app.me(&who.token).await.expect(200).body;
    ["email", "email_verified", "pending_email"].map(|field| me[field].clone())
}

/// Gives somebody another address by letter, and answers the letter to the one before.
async fn change(app: &TestApp, who: &Person, to: &str) -> Letter {
    let from = app.me(&who.token).await.expect(200).body["email"].as_str().unwrap().to_owned();
    let token = app.letter_of(to, app.want_email(who, to)).await.token();
    app.letter_of(&from, app.confirm(json!({"token": token}))).await
}

on_every_store! { with ["--mails-per-address", "none"]
    async fn an_address_is_replaced_once_the_new_one_is_confirmed(app: TestApp) {
        let ada = app.verified("ada").await;
        let wanted = app.want_email(&ada, NEXT).await.expect(200);
        assert_eq!((&wanted.body["email"], &wanted.body["pending_email"]), (&json!(ADA), &json!(NEXT)));
        let letter = app.letter(NEXT).await;
        assert!(letter.subject.contains("Confirm"), "{letter:?}");
        assert_eq!(addresses(app, &ada).await, [json!(ADA), json!(true), json!(NEXT)]);
        app.sign_in(NEXT, PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in(ADA, PASSWORD).await.expect(201);
        app.let_letters_arrive().await;
        assert_eq!(app.letters(ADA).len(), 1, "it is told when there is something to tell");

        let told = app.letter_of(ADA, app.confirm(json!({"token": letter.token()}))).await;
        assert!(told.subject.contains("address") && told.text.contains("7 days"), "{told:?}");
        assert!(!told.text.contains(NEXT), "whoever had the address need not know the new one: {told:?}");
        assert_eq!(addresses(app, &ada).await, [json!(NEXT), json!(true), json!(null)]);
        app.sign_in(ADA, PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in(NEXT, PASSWORD).await.expect(201);
        app.confirm(json!({"token": letter.token()})).await.refused(403, "confirmation_invalid");
    }

    async fn an_address_is_replaced_by_the_code_and_the_present_one(app: TestApp) {
        let ada = app.verified("ada").await;
        let code = app.letter_of(NEXT, app.want_email(&ada, NEXT)).await.code();
        app.confirm(json!({"email": NEXT, "code": code})).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"email": ADA, "code": code})).await.expect(204);
        assert_eq!(addresses(app, &ada).await, [json!(NEXT), json!(true), json!(null)]);
    }

    async fn whoever_had_the_address_undoes_the_change(app: TestApp) {
        let thief = app.verified("ada").await;
        let told = change(app, &thief, NEXT).await;
        app.letter_of(NEXT, app.request_reset(NEXT)).await;
        let pending = app.letter_of(LAST, app.want_email(&thief, LAST)).await;
        let body = json!({"password": "of the thief, a quite long one", "current_password": PASSWORD});
        app.letter_of(NEXT, app.patch("/v1/users/me").bearer(&thief.token).json(&body).send()).await;
        let reset = app.letter_of(NEXT, app.request_reset(NEXT)).await;

        let letter = app.letter_of(ADA, app.undo(&told.token())).await;
        assert!(letter.subject.contains("new password"), "{letter:?}");
        app.me(&thief.token).await.refused(401, "token_invalid");
        app.refresh(&thief.refresh_token).await.refused(401, "refresh_token_invalid");
        for login in [ADA, NEXT, thief.id.as_str()] {
            for password in [PASSWORD, "of the thief, a quite long one"] {
                app.sign_in(login, password).await.refused(401, "invalid_credentials");
            }
            app.clock.advance(Duration::from_secs(2 * 60 * 60));
        }
        for dead in [&pending, &reset] {
            app.confirm(json!({"token": dead.token()})).await.refused(403, "confirmation_invalid");
            app.reset(json!({"token": dead.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        }
        app.undo(&told.token()).await.refused(403, "confirmation_invalid");
        let letter = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.letter_of(ADA, app.reset(json!({"token": letter.token()}), NEW_PASSWORD)).await;
        let ada = app.person_with(ADA, NEW_PASSWORD).await;
        assert_eq!(ada.id, thief.id);
        assert_eq!(addresses(app, &ada).await, [json!(ADA), json!(true), json!(null)]);
    }

    async fn an_undone_change_leaves_the_new_address_free_at_once(app: TestApp) {
        let thief = app.verified("ada").await;
        let told = change(app, &thief, NEXT).await;
        app.register("next").await.refused(409, "email_taken");
        app.undo(&told.token()).await.expect(204);
        app.register("next").await.expect(201);
        let next = app.person_with(NEXT, PASSWORD).await;
        assert_ne!(next.id, thief.id);
    }

    async fn a_change_can_be_undone_for_seven_days(app: TestApp) {
        let ada = app.verified("ada").await;
        let bob = app.verified("bob").await;
        let told = change(app, &ada, NEXT).await;
        let in_time = change(app, &bob, LAST).await;
        app.clock.advance(WEEK.checked_sub(MINUTE).unwrap());
        app.register("ada").await.refused(409, "email_taken");
        app.undo(&in_time.token()).await.expect(204);
        app.clock.advance(MINUTE);
        app.undo(&told.token()).await.refused(403, "confirmation_invalid");
        app.register("ada").await.expect(201);
        app.sign_in(NEXT, PASSWORD).await.expect(201);
        assert_ne!(app.person_with(ADA, PASSWORD).await.id, ada.id);
    }

    async fn the_first_of_two_addresses_undoes_both_changes(app: TestApp) {
        let ada = app.verified("ada").await;
        let first = change(app, &ada, NEXT).await;
        let second = change(app, &ada, LAST).await;
        assert!(second.text.contains("had the address next@example.com"), "{second:?}");
        assert!(!second.text.contains("lkm_"), "{second:?}");
        app.register("next").await.expect(201);
        app.register("ada").await.refused(409, "email_taken");
        app.undo(&first.token()).await.expect(204);
        app.register("last").await.expect(201);
        app.sign_in(ADA, PASSWORD).await.refused(401, "invalid_credentials");
        app.letter_after(ADA, 2).await; // to set a password
    }

    async fn whoever_goes_back_to_their_address_has_nothing_to_undo(app: TestApp) {
        let ada = app.verified("ada").await;
        let first = change(app, &ada, NEXT).await;
        let back = change(app, &ada, ADA).await;
        assert!(!back.text.contains("lkm_"), "{back:?}");
        assert_eq!(addresses(app, &ada).await, [json!(ADA), json!(true), json!(null)]);
        app.undo(&first.token()).await.refused(403, "confirmation_invalid");
        app.register("next").await.expect(201);
    }

    async fn a_change_is_called_off_by_asking_for_the_present_address(app: TestApp) {
        let ada = app.verified("ada").await;
        let token = app.letter_of(NEXT, app.want_email(&ada, NEXT)).await.token();
        let user = app.want_email(&ada, ADA).await.expect(200).body;
        assert_eq!((&user["email"], &user["pending_email"]), (&json!(ADA), &json!(null)));
        app.confirm(json!({"token": token})).await.refused(403, "confirmation_invalid");
        assert_eq!(addresses(app, &ada).await, [json!(ADA), json!(true), json!(null)]);
    }

    async fn asking_again_sends_another_letter(app: TestApp) {
        let ada = app.verified("ada").await;
        let older = app.letter_of(NEXT, app.want_email(&ada, NEXT)).await;
        let version = app.me(&ada.token).await.header("etag").to_owned();
        let newer = app.letter_of(NEXT, app.want_email(&ada, NEXT)).await;
        assert_eq!(app.me(&ada.token).await.header("etag"), version, "nothing is new");
        app.confirm(json!({"token": older.token()})).await.refused(403, "confirmation_invalid");
        let other = app.letter_of(LAST, app.want_email(&ada, LAST)).await;
        app.confirm(json!({"token": newer.token()})).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"token": other.token()})).await.expect(204);
        assert_eq!(addresses(app, &ada).await[0], LAST);
    }

    async fn an_address_that_somebody_took_meanwhile_is_taken(app: TestApp) {
        let ada = app.verified("ada").await;
        let token = app.letter_of(NEXT, app.want_email(&ada, NEXT)).await.token();
        app.register("next").await.expect(201);
        app.confirm(json!({"token": token})).await.refused(409, "email_taken");
        assert_eq!(addresses(app, &ada).await, [json!(ADA), json!(true), json!(NEXT)]);
        let next = app.person_with(NEXT, PASSWORD).await;
        app.delete("/v1/users/me").bearer(&next.token).send().await.expect(204);
        app.confirm(json!({"token": token})).await.expect(204);
        assert_eq!(addresses(app, &ada).await, [json!(NEXT), json!(true), json!(null)]);
    }

    async fn wanting_the_address_of_somebody_else_tells_them_alone(app: TestApp) {
        let (ada, bob) = (app.verified("ada").await, app.verified("bob").await);
        let mut free = app.want_email(&ada, NEXT).await.expect(200);
        let mut taken = app.want_email(&ada, &bob.email).await.expect(200);
        for body in [&mut free.body, &mut taken.body] {
            assert!(body["pending_email"].take().is_string() && body["updated_at"].take().is_string());
        }
        assert_eq!(free.body, taken.body);
        let letter = app.letter_after(&bob.email, 1).await;
        assert!(letter.subject.contains("already") && !letter.text.contains(ADA), "{letter:?}");
        assert!(!letter.text.contains("lkm_"), "{letter:?}");
        app.sign_in(ADA, PASSWORD).await.expect(201);
    }

    async fn a_new_password_by_letter_ends_a_change_that_waits(app: TestApp) {
        let ada = app.verified("ada").await;
        let pending = app.letter_of(NEXT, app.want_email(&ada, NEXT)).await;
        let reset = app.letter_of(ADA, app.request_reset(ADA)).await;
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.expect(204);
        app.confirm(json!({"token": pending.token()})).await.refused(403, "confirmation_invalid");
        let ada = app.person_with(ADA, NEW_PASSWORD).await;
        assert_eq!(addresses(app, &ada).await, [json!(ADA), json!(true), json!(null)]);
    }

    async fn a_letter_to_an_address_is_dead_when_the_account_has_another(app: TestApp) {
        let ada = app.verified("ada").await;
        let reset = app.letter_of(ADA, app.request_reset(ADA)).await;
        change(app, &ada, NEXT).await;
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        let code = json!({"email": NEXT, "code": reset.code()});
        app.reset(code, NEW_PASSWORD).await.refused(403, "confirmation_invalid");

        // Nor is one good to an address that was never confirmed.
        let bob = app.person("bob").await;
        let verification = app.letter_of(&bob.email, app.request_verification(&bob.email)).await;
        let reset = app.letter_of(&bob.email, app.request_reset(&bob.email)).await;
        let user = app.want_email(&bob, LAST).await.expect(200).body;
        assert_eq!((&user["email"], &user["pending_email"]), (&json!(LAST), &json!(null)), "it changes at once");
        app.confirm(json!({"token": verification.token()})).await.refused(403, "confirmation_invalid");
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    }

    async fn nothing_can_be_confirmed_of_an_account_that_is_gone(app: TestApp) {
        let ada = app.verified("ada").await;
        let told = change(app, &ada, NEXT).await;
        let reset = app.letter_of(NEXT, app.request_reset(NEXT)).await;
        let pending = app.letter_of(LAST, app.want_email(&ada, LAST)).await;
        app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
        app.undo(&told.token()).await.refused(403, "confirmation_invalid");
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        app.reset(json!({"email": NEXT, "code": reset.code()}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
        app.confirm(json!({"token": pending.token()})).await.refused(403, "confirmation_invalid");
        for who in ["ada", "next", "last"] {
            app.register(who).await.expect(201);
        }
    }
}
