//! What people do with letters: ask for them, and show what was in them.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Answer, PASSWORD, Person, TestApp, letters::Letter};

/// Another password of somebody.
pub const NEW_PASSWORD: &str = "a quite different staple battery";

impl TestApp {
    pub async fn request_verification(&self, email: &str) -> Answer {
        self.post("/v1/email-verifications").json(&json!({"email": email})).send().await
    }

    pub async fn request_reset(&self, email: &str) -> Answer {
        self.post("/v1/password-resets").json(&json!({"email": email})).send().await
    }

    /// Confirms an address by `token`, or by `email` and `code`.
    pub async fn confirm(&self, proof: Value) -> Answer {
        self.post("/v1/email-verifications/confirm").json(&proof).send().await
    }

    /// Sets a password by `token`, or by `email` and `code`.
    pub async fn reset(&self, mut proof: Value, password: &str) -> Answer {
        proof["password"] = password.into();
        self.post("/v1/password-resets/confirm").json(&proof).send().await
    }

    pub async fn undo(&self, token: &str) -> Answer {
        self.post("/v1/email-changes/undo").json(&json!({"token": token})).send().await
    }

    /// Asks for another address.
    pub async fn want_email(&self, who: &Person, email: &str) -> Answer {
        let body = json!({"email": email, "current_password": PASSWORD});
        self.patch("/v1/users/me").bearer(&who.token).json(&body).send().await
    }

    /// The letter that this act sends somebody, who must have had all others.
    pub async fn letter_of(&self, to: &str, act: impl Future<Output = Answer>) -> Letter {
        let before = self.letters(to).len();
        let answer = act.await;
        assert!(answer.status < 300, "{}", answer.body);
        self.letter_after(to, before).await
    }

    /// Somebody who has registered, confirmed their address and signed in. They have had one letter.
    pub async fn verified(&self, who: &str) -> Person {
        let email = format!("{who}@example.com");
        let registered = self.register(who).await;
        if registered.status == 201 {
            self.request_verification(&email).await.expect(202);
        }
        let token = self.letter(&email).await.token();
        self.confirm(json!({"token": token})).await.expect(204);
        self.person_with(&email, PASSWORD).await
    }

    /// Signs somebody in who is not known yet.
    pub async fn person_with(&self, login: &str, password: &str) -> Person {
        let body = self.sign_in(login, password).await.expect(201).body;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, email) = (text(&body["user"]["id"]), text(&body["user"]["email"]));
        Person { id, email, token: text(&body["access_token"]), refresh_token: text(&body["refresh_token"]) }
    }

    /// Waits until every letter that was asked for by now has gone out, as far as that can be seen: one that is asked for
    /// after them has.
    pub async fn let_letters_arrive(&self) {
        static MARKERS: AtomicU32 = AtomicU32::new(0);
        let marker = format!("marker{}", MARKERS.fetch_add(1, Ordering::Relaxed));
        self.register(&marker).await;
        let to = format!("{marker}@example.com");
        self.request_reset(&to).await.expect(202);
        self.letter(&to).await;
    }
}
