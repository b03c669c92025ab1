//! An address that somebody had and may have back: it is nobody else's until its week is over, and signs nobody in.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{FutureExt, future::join};
use latchkey::accounts::{Clock, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    check::{long_ago, service},
    claims::OPERATION,
    support::{PASSWORD, Person, TestApp, on_every_store},
};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const FORMER: &str = "former@example.com";

impl TestApp {
    /// Lets a user have an address back until then, as a change that was confirmed would have left it.
    pub async fn give_former_address(&self, id: &str, email: &str, until: Timestamp) {
        self.leave_claim(email, id, 0).await;
        let fields = format!("previous_email {email} previous_email_op {OPERATION} previous_email_until {until}");
        self.damage(id, &format!("HSET BUCKET:user:ID {fields}")).await;
    }

    async fn expect_no_former_address(&self, id: &str) {
        assert!(!self.stored_user(id).await.keys().any(|field| field.starts_with("previous_email")));
    }

    /// The token that undoes their change, as it would have been mailed to the former address.
    async fn undo_token(&self, id: &str, email: &str, until: Timestamp) -> String {
        let secret = [7; 32];
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(secret));
        let fields = format!("email {email} digest {digest} expires_at {until} rev {}", "A".repeat(22));
        self.damage(id, &format!("HSET BUCKET:confirmation:ID:undo {fields}")).await;
        let id = id.parse::<Uuid>().unwrap();
        format!("lkm_{}", URL_SAFE_NO_PAD.encode([id.as_bytes().as_slice(), &secret].concat()))
    }

    /// Lets so many other requests go first, so that two that race meet at different moments.
    async fn pass(&self, turns: usize) {
        for _ in 0..turns {
            self.get("/health/ready").send().await.expect(200);
        }
    }

    /// Somebody who has moved from one address to the next, and the token that undoes it.
    pub async fn somebody_moved(&self, from: &str, to: &str) -> (Person, String) {
        let ada = self.verified(from).await;
        let before = self.letters(&ada.email).len();
        self.move_to(&ada, &format!("{to}@example.com")).await;
        (ada.clone(), self.letter_after(&ada.email, before).await.token())
    }

    /// Changes the address of somebody who has shown that the present one is theirs, and confirms it.
    async fn move_to(&self, person: &Person, email: &str) {
        let token = self.letter_of(email, self.want_email(person, email)).await.token();
        self.confirm(json!({"token": token})).await.expect(204);
        assert_eq!(self.me(&person.token).await.body["email"], email);
    }

    fn in_a_week(&self) -> Timestamp {
        self.clock.now().plus(WEEK)
    }
}

on_every_store! {
    async fn a_change_of_address_is_undone_within_a_week(app: TestApp) {
        let (ada, undo) = app.somebody_moved("ada", "new").await;
        app.clock.advance(WEEK.checked_sub(HOUR).unwrap());
        app.register("ada").await.refused(409, "email_taken");
        app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
        app.sign_in("new@example.com", PASSWORD).await.expect(201);
        app.undo(&undo).await.expect(204);
        app.register("ada").await.refused(409, "email_taken");
        app.register("new").await.expect(201);
        app.undo(&undo).await.refused(403, "confirmation_invalid");
    }

    async fn a_former_address_is_free_after_a_week(app: TestApp) {
        let (ada, undo) = app.somebody_moved("ada", "new").await;
        app.clock.advance(WEEK);
        app.undo(&undo).await.refused(403, "confirmation_invalid");
        app.register("ada").await.expect(201);
        app.undo(&undo).await.refused(403, "confirmation_invalid");
        let newcomer = app.sign_in(&ada.email, PASSWORD).await.expect(201).body;
        assert_ne!(newcomer["user"]["id"], ada.id.as_str());
        assert_eq!(app.sign_in("new@example.com", PASSWORD).await.expect(201).body["user"]["id"], ada.id.as_str());
    }

    async fn whoever_moves_twice_does_not_shake_off_the_first_address(app: TestApp) {
        let (ada, undo) = app.somebody_moved("ada", "new").await;
        app.move_to(&ada, "newer@example.com").await;
        app.register("new").await.expect(201);
        app.register("ada").await.refused(409, "email_taken");
        app.undo(&undo).await.expect(204);
        app.register("newer").await.expect(201);
        app.register("ada").await.refused(409, "email_taken");
    }

    async fn whoever_moves_back_claims_nothing_and_leaves_nothing(app: TestApp) {
        let (ada, undo) = app.somebody_moved("ada", "new").await;
        app.move_to(&ada, &ada.email).await;
        app.undo(&undo).await.refused(403, "confirmation_invalid");
        app.register("new").await.expect(201);
        app.register("ada").await.refused(409, "email_taken");
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_former_address_is_nobody_elses_for_a_week_and_signs_nobody_in() {
    let (app, ada) = service().await;
    app.give_former_address(&ada.id, FORMER, app.in_a_week()).await;
    let revision = app.stored_user(&ada.id).await["rev"].clone();
    app.clock.advance(WEEK.checked_sub(HOUR).unwrap());
    app.register("former").await.refused(409, "email_taken");
    app.sign_in(FORMER, PASSWORD).await.refused(401, "invalid_credentials");
    assert!(!app.operator(&format!("users suspend {FORMER}")).await.status.success(), "nor does an operator find her");
    assert_eq!(app.stored_user(&ada.id).await["rev"], revision, "nobody touched her");

    app.clock.advance(HOUR);
    let ada = app.person_with(&ada.email, PASSWORD).await; // her session is over too
    app.register("former").await.expect(201);
    app.expect_no_former_address(&ada.id).await;
    assert_eq!(app.me(&ada.token).await.header("etag"), "\"1\"", "a client does not see it");
    let newcomer = app.sign_in(FORMER, PASSWORD).await.expect(201).body;
    assert_ne!(newcomer["user"]["id"], ada.id.as_str());
    app.check(false).await.expect_clean();
    app.stop().await;
}

/// The address that they are moved away from may be why they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_whoever_is_moved_by_an_administrator_has_no_former_address() {
    let app = TestApp::redis().await;
    let (ada, undo) = app.somebody_moved("ada", "new").await;
    let body = json!({"email": "safe@example.com"});
    let path = format!("/v1/admin/users/{}", ada.id);
    app.admin("PATCH", &path).await.json(&body).send().await.expect(200);
    app.expect_no_former_address(&ada.id).await;
    app.undo(&undo).await.refused(403, "confirmation_invalid");
    app.register("ada").await.expect(201);
    app.register("new").await.expect(201);
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_former_address_is_had_back_also_after_its_week() {
    let (app, ada) = service().await;
    for until in [app.in_a_week(), long_ago()] {
        app.give_former_address(&ada.id, FORMER, until).await;
        app.want_email(&ada, FORMER).await.expect(200);
        app.expect_no_former_address(&ada.id).await;
        assert_eq!(app.stored_user(&ada.id).await["email_op"], OPERATION, "by the claim that it had");
        app.sign_in(FORMER, PASSWORD).await.expect(201);
        app.check(false).await.expect_clean(); // also the claim that she leaves is gone
        app.want_email(&ada, &ada.email).await.expect(200);
        app.register("former").await.expect(201);
        let newcomer = app.person_with(FORMER, PASSWORD).await;
        app.delete("/v1/users/me").bearer(&newcomer.token).send().await.expect(204);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_former_address_outlasts_another_change_and_no_deletion() {
    let (app, ada) = service().await;
    app.give_former_address(&ada.id, FORMER, app.in_a_week()).await;
    app.want_email(&ada, "new@example.com").await.expect(200);
    app.register("ada").await.expect(201);
    app.register("former").await.refused(409, "email_taken");
    app.check(false).await.expect_clean();
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    app.check(false).await.expect_clean();
    app.register("former").await.expect(201);
    app.register("new").await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_registering_says_nothing_of_a_former_address_where_accounts_are_concealed() {
    let app = TestApp::redis_with(&["--conceal-accounts"]).await;
    app.register("ada").await.expect(202);
    let ada = app.person_with("ada@example.com", PASSWORD).await;
    app.give_former_address(&ada.id, FORMER, app.in_a_week()).await;
    let fresh = app.register("bob").await.expect(202).body;
    assert_eq!(app.register("former").await.expect(202).body, fresh);
    app.sign_in(FORMER, PASSWORD).await.refused(401, "invalid_credentials");
    app.clock.advance(WEEK);
    assert_eq!(app.register("former").await.expect(202).body, fresh);
    app.sign_in(FORMER, PASSWORD).await.expect(201);
    app.check(false).await.expect_clean();
    app.stop().await;
}

/// How often somebody is raced with.
const ROUNDS: usize = 16;

const UNLIMITED: [&str; 4] = ["--password-attempts", "none", "--registrations-per-address", "none"];

/// Whoever is first has it, and the other one is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_newcomer_and_whoever_had_an_address_do_not_both_get_it() {
    let app = TestApp::redis_with(&UNLIMITED).await;
    let mut won = [0, 0];
    for round in 0..ROUNDS {
        let (name, former) = (format!("ada{round}"), format!("former{round}"));
        let ada = app.person(&name).await;
        let address = format!("{former}@example.com");
        app.give_former_address(&ada.id, &address, long_ago()).await;
        let [late, later] = [round % 8, round / 8].map(|turns| app.pass(turns));
        let back = late.then(|()| app.want_email(&ada, &address));
        let (back, newcomer) = join(back, later.then(|()| app.register(&former))).await;
        let signed_in = app.sign_in(&address, PASSWORD).await.expect(201).body;
        let owner = signed_in["user"]["id"] == ada.id.as_str();
        match (back.status, newcomer.status) {
            (200, 409) => assert!(owner, "round {round}"),
            (409, 201) => assert!(!owner, "round {round}"),
            statuses => panic!("round {round}: {statuses:?}"),
        }
        won[usize::from(owner)] += 1;
    }
    let [newcomers, owners] = won;
    assert!(newcomers > 0 && owners > 0, "no race: newcomers won {newcomers} times, and owners {owners} times");
    eprintln!("newcomers won {newcomers} times, and owners {owners} times");
    app.check(false).await.expect_clean();
    app.stop().await;
}

/// The clocks of two instances differ, so at one of them the week is over, and at the other one it is not. Both may be
/// wrong: the address is one person's for all that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_newcomer_and_an_undoing_do_not_both_succeed_when_clocks_differ() {
    let app = TestApp::redis_with(&UNLIMITED).await;
    let ahead = TestApp::on(&app.redis.as_ref().unwrap().url()).await;
    ahead.clock.advance(HOUR);
    let mut won = [0, 0];
    for round in 0..ROUNDS {
        let former = format!("former{round}");
        let ada = app.person(&format!("ada{round}")).await;
        let (address, until) = (format!("{former}@example.com"), app.clock.now().plus(HOUR / 2));
        app.give_former_address(&ada.id, &address, until).await;
        let token = app.undo_token(&ada.id, &address, until).await;
        let [late, later] = [round % 8, round / 8].map(|turns| app.pass(turns));
        let undoing = late.then(|()| app.undo(&token));
        let (undone, newcomer) = join(undoing, later.then(|()| ahead.register(&former))).await;
        let owner = app.stored_user(&ada.id).await["email"] == address;
        match (undone.status, newcomer.status) {
            (204, 409) => assert!(owner, "round {round}"),
            (403, 201) => {
                assert!(!owner, "round {round}");
                app.sign_in(&address, PASSWORD).await.expect(201);
            }
            statuses => panic!("round {round}: {statuses:?}"),
        }
        app.expect_no_former_address(&ada.id).await;
        won[usize::from(owner)] += 1;
    }
    let [newcomers, owners] = won;
    assert!(newcomers > 0 && owners > 0, "no race: newcomers won {newcomers} times, and owners {owners} times");
    eprintln!("newcomers won {newcomers} times, and owners {owners} times");
    ahead.stop().await;
    app.check(false).await.expect_clean();
    app.stop().await;
}
