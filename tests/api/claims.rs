//! Claims that somebody left behind by dying at the wrong moment, written here as they would be found.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::accounts::{Clock, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    redis_server::command,
    support::{PASSWORD, TestApp},
};

pub const NOBODY: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";
pub const OPERATION: &str = "AAECAwQFBgcICQoLDA0ODw";

impl TestApp {
    /// Writes a claim of `user` on an email address, as an attempt that died at this moment would have left it.
    pub async fn leave_claim(&self, email: &str, user: &str, fence: u64) {
        self.leave_claim_at(email, user, fence, self.clock.now()).await;
    }

    /// Writes a claim as an attempt that died at that moment would have left it.
    pub async fn leave_claim_at(&self, email: &str, user: &str, fence: u64, at: Timestamp) {
        let client = self.redis.as_ref().unwrap().client().await;
        let fields = format!("user {user} fence {fence} op {OPERATION} at {at} rev {}", "A".repeat(22));
        let _: i64 = command(&client, &format!("HSET {} {fields}", email_claim(email))).await;
    }
}

/// The key of the claim on an email address.
pub fn email_claim(email: &str) -> String {
    format!("latchkey:{{email:{}}}", URL_SAFE_NO_PAD.encode(Sha256::digest(email)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_pending_claim_of_nobody_is_respected_and_then_healed() {
    let app = TestApp::redis().await;
    app.leave_claim("ada@example.com", NOBODY, 0).await;
    app.register("ada").await.refused(409, "email_taken");
    app.sign_in("ada@example.com", PASSWORD).await.refused(401, "invalid_credentials");
    app.clock.advance(Duration::from_secs(11));
    app.register("ada").await.expect(201);
    assert_eq!(app.stored_user(NOBODY).await["state"], "fenced", "the dead attempt can never succeed");
    app.sign_in("ada@example.com", PASSWORD).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_pending_claim_of_somebody_is_healed_by_raising_their_fence() {
    let app = TestApp::redis().await;
    let bob = app.person("bob").await;
    let fence = async || app.stored_user(&bob.id).await["fence"].parse::<u64>().unwrap();
    let before = fence().await;
    app.leave_claim("ada@example.com", &bob.id, before).await;
    app.register("ada").await.refused(409, "email_taken");
    app.clock.advance(Duration::from_secs(11));
    app.register("ada").await.expect(201);
    assert_eq!(fence().await, before + 1);
    assert_eq!(app.me(&bob.token).await.header("etag"), "\"1\"", "a client does not see it");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_dead_claim_is_taken_over_at_once() {
    let app = TestApp::redis().await;
    let bob = app.person("bob").await;
    app.leave_claim("ada@example.com", &bob.id, 0).await;
    app.register("ada").await.expect(201);
    app.leave_claim("eve@example.com", NOBODY, 7).await;
    app.register("eve").await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_own_old_claim_does_not_keep_a_person_out() {
    let app = TestApp::redis().await;
    let bob = app.person("bob").await;
    app.leave_claim("new@example.com", &bob.id, 1).await;
    let patch = json!({"email": "new@example.com", "current_password": PASSWORD});
    let change = async || app.patch("/v1/users/me").bearer(&bob.token).json(&patch).send().await;
    change().await.refused(503, "contended"); // it looks like another request of their own
    app.clock.advance(Duration::from_secs(11));
    assert_eq!(change().await.expect(200).body["email"], "new@example.com");
    app.register("bob").await.expect(201);
    app.stop().await;
}
