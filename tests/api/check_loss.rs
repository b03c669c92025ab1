//! `latchkey check` where a repair would lose something, or cannot be made: it is told, and everything else goes on.

use fred::interfaces::KeysInterface;

use crate::{
    check::{bucket, long_ago, service},
    claims::email_claim,
    redis_server::command,
    support::{PASSWORD, TestApp},
};

impl TestApp {
    /// Looks, then repairs: these are left both times, and nothing else is found.
    async fn expect_left(&self, codes: &[&str], why: &str) {
        for repair in [false, true] {
            let left = self.check(repair).await;
            assert_eq!((left.code, left.codes("left")), (1, codes.to_vec()), "{}", left.text);
            assert!(left.text.contains(why), "{}", left.text);
        }
    }

    async fn set_memory(&self, bytes: u32) {
        let client = self.redis.as_ref().unwrap().client().await;
        let _: () = command(&client, &format!("CONFIG SET maxmemory {bytes}")).await;
    }
}

/// All at once, since each check waits before it looks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_no_repair_may_touch_is_told_and_left() {
    tokio::join!(
        a_lost_user_is_told_and_every_trace_of_them_is_kept(),
        a_claim_is_not_made_while_a_user_cannot_be_read(),
        an_unreadable_index_of_sessions_hides_nothing_and_stops_nothing(),
        a_full_store_stops_no_check(),
        what_another_repair_has_done_is_not_told_as_repaired(),
    );
}

async fn a_lost_user_is_told_and_every_trace_of_them_is_kept() {
    let (app, ada) = service().await;
    let (email, username) = (email_claim(&ada.email), email_claim("ada").replace("email", "username"));
    let session = app.session_of(&ada).await;
    assert_eq!(app.damage(&ada.id, &format!("DEL BUCKET:sessions:ID BUCKET:session:ID:{session}")).await, 2);
    assert_eq!(app.damage(&ada.id, "DEL BUCKET:user:ID").await, 1);
    // One claim would be stale, and the other one dead.
    app.damage(&ada.id, &format!("HSET {email} at {}", long_ago())).await;
    app.damage(&ada.id, &format!("HSET {username} fence 3")).await;
    let traces = async || app.damage(&ada.id, &format!("EXISTS {email} {username}")).await;
    app.expect_left(&["lost_user"], &format!("user {}", ada.id)).await;
    app.expect_left(&["lost_user"], "restore").await;
    assert_eq!((traces().await, app.damage(&ada.id, "EXISTS BUCKET:user:ID").await), (2, 0));

    // Whoever takes the address leaves a tombstone where they were, and they were not deleted for all that.
    app.register("ada").await.expect(201);
    assert_eq!(app.stored_user(&ada.id).await["state"], "fenced");
    app.expect_left(&["lost_user"], "restore").await;
    assert_eq!(traces().await, 2);
    assert_eq!(app.damage(&ada.id, "ZREM BUCKET:index:created ID").await, 1);
    let entries = ["dangling_entry"; 3].into_iter().chain(["dead_claim", "orphan_events", "orphan_events"]);
    app.expect_repair_of(&entries.collect::<Vec<_>>()).await;
    app.stop().await;
}

async fn a_claim_is_not_made_while_a_user_cannot_be_read() {
    let (app, ada) = service().await;
    let bob = app.token("bob@example.com").await;
    let bob = app.me(&bob).await.body["id"].as_str().unwrap().to_owned();
    app.damage(&bob, &format!("HSET BUCKET:user:ID email {} fence many", ada.email)).await;
    app.damage(&ada.id, &format!("DEL {}", email_claim(&ada.email))).await;
    app.expect_left(&["missing_claim", "unreadable"], "a user who cannot be read may have it").await;
    assert_eq!(app.damage(&ada.id, &format!("EXISTS {}", email_claim(&ada.email))).await, 0);
    app.stop().await;
}

async fn an_unreadable_index_of_sessions_hides_nothing_and_stops_nothing() {
    let (app, ada) = service().await;
    app.damage(&ada.id, "HINCRBY BUCKET:user:ID session_epoch 1").await;
    let client = app.redis.as_ref().unwrap().client().await;
    let index = format!("{}:sessions:{}", bucket(&ada.id), ada.id);
    let _: () = client.set(index, "text", None, None, false).await.unwrap();
    app.expect_left(&["unreadable"], "sessions").await;
    assert_eq!(app.damage(&ada.id, "DEL BUCKET:sessions:ID").await, 1);
    app.expect_repair_of(&["ended_session"]).await;
    app.stop().await;
}

async fn a_full_store_stops_no_check() {
    let (app, ada) = service().await;
    app.leave_claim("eve@example.com", &ada.id, 0).await;
    app.damage(&ada.id, "ZREM BUCKET:index:created ID").await;
    app.damage(&ada.id, &format!("DEL {}", email_claim("bob@example.com"))).await;
    app.set_memory(1).await;
    let left = app.check(true).await;
    let codes = vec!["dead_claim", "missing_claim", "unlisted_user"];
    assert_eq!((left.code, left.codes("left")), (1, codes.clone()), "{}", left.text);
    assert_eq!(left.text.matches("the store is full").count(), 3, "{}", left.text);
    app.set_memory(0).await;
    app.expect_repair_of(&codes).await;
    app.sign_in("bob@example.com", PASSWORD).await.expect(201);
    app.stop().await;
}

async fn what_another_repair_has_done_is_not_told_as_repaired() {
    let (app, ada) = service().await;
    for eve in 0..100 {
        app.leave_claim(&format!("eve{eve}@example.com"), &ada.id, 0).await;
    }
    let (one, other) = tokio::join!(app.check(true), app.check(true));
    assert_eq!((one.code, other.code), (0, 0), "{} {}", one.text, other.text);
    assert_eq!(one.codes("repaired").len() + other.codes("repaired").len(), 100);
    app.stop().await;
}
