//! `latchkey check` on letters: what would not be sent or not be seen, and what leads nowhere.

use std::time::Duration;

use latchkey::accounts::{Clock, Timestamp};

use crate::{
    check::bucket,
    redis_server::command,
    support::{Person, TestApp},
};

const ID: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";
const OTHER: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e11";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A service with one person, and the present.
async fn service() -> (TestApp, Person, Timestamp) {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let now = app.clock.now();
    (app, ada, now)
}

/// Commands to Redis that put a letter into the bucket of a person, to be sent tomorrow, or given up now.
fn letter(id: &str, now: Timestamp, is_dead: bool) -> String {
    let tomorrow = now.plus(DAY);
    let dead = if is_dead { format!(" dead_at {now}") } else { String::new() };
    format!(
        "HSET BUCKET:mail:{id} rev AAAAAAAAAAAAAAAAAAAAAA kind password_reset to ada@example.com created_at {now} due_at \
         {tomorrow} attempts 1{dead}"
    )
}

/// All at once, since each check waits before it looks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_letters_that_are_in_the_wrong_place_are_found_and_put_right() {
    tokio::join!(
        a_letter_in_no_index_is_listed_again(),
        a_letter_in_a_wrong_place_is_moved(),
        an_entry_that_leads_to_no_letter_is_removed(),
        letters_and_confirmations_that_cannot_be_read_are_reported(),
    );
}

async fn a_letter_in_no_index_is_listed_again() {
    let (app, ada, now) = service().await;
    app.damage(&ada.id, &letter(ID, now, false)).await;
    app.damage(&ada.id, &letter(OTHER, now, true)).await;
    app.expect_repair_of(&["unlisted_mail", "unlisted_mail"]).await;
    let client = app.redis.as_ref().unwrap().client().await;
    for (index, id) in [("outbox", ID), ("dead-letters", OTHER)] {
        let members: Vec<String> = command(&client, &format!("ZRANGE {}:index:{index} 0 -1", bucket(&ada.id))).await;
        assert_eq!(members, [id]);
    }
    app.clock.advance(2 * DAY);
    app.letter("ada@example.com").await; // it is sent
    app.stop().await;
}

async fn a_letter_in_a_wrong_place_is_moved() {
    let (app, ada, now) = service().await;
    app.damage(&ada.id, &letter(ID, now, false)).await;
    app.damage(&ada.id, &format!("ZADD BUCKET:index:outbox {} {ID}", now.plus(2 * DAY).as_millis())).await;
    app.damage(&ada.id, &format!("ZADD BUCKET:index:dead-letters {} {ID}", now.as_millis())).await;
    app.damage(&ada.id, &letter(OTHER, now, true)).await;
    app.damage(&ada.id, &format!("ZADD BUCKET:index:outbox {} {OTHER}", now.plus(DAY).as_millis())).await;
    app.expect_repair_of(&["dangling_mail", "dangling_mail", "unlisted_mail", "unlisted_mail"]).await;
    app.stop().await;
}

async fn an_entry_that_leads_to_no_letter_is_removed() {
    let (app, ada, now) = service().await;
    let tomorrow = now.plus(DAY).as_millis();
    app.damage(&ada.id, &format!("ZADD BUCKET:index:outbox {tomorrow} {ID} {tomorrow} text")).await;
    app.damage(&ada.id, &format!("ZADD BUCKET:index:dead-letters {} {ID}", now.as_millis())).await;
    app.expect_repair_of(&["dangling_mail"; 3]).await;
    // Its record has expired.
    let long_ago = now.as_millis() - 31 * i64::try_from(DAY.as_millis()).unwrap();
    app.damage(&ada.id, &format!("ZADD BUCKET:index:dead-letters {long_ago} {ID}")).await;
    app.check(false).await.expect_clean();
    app.stop().await;
}

async fn letters_and_confirmations_that_cannot_be_read_are_reported() {
    let (app, ada, now) = service().await;
    app.damage(&ada.id, &letter(ID, now, false)).await;
    app.damage(&ada.id, &format!("HSET BUCKET:mail:{ID} attempts many")).await;
    app.damage(&ada.id, &format!("ZADD BUCKET:index:outbox {} {ID}", now.plus(DAY).as_millis())).await;
    app.forget_password("ada@example.com").await;
    app.letter("ada@example.com").await;
    app.damage(&ada.id, "HSET BUCKET:confirmation:ID:reset digest nonsense").await;
    app.damage(&ada.id, "LPUSH BUCKET:index:dead-letters text").await;
    let found = app.check(true).await;
    assert_eq!((found.code, found.codes("left")), (1, vec!["unreadable"; 3]), "{}", found.text);
    for part in [&format!("mail:{ID} cannot be read"), "confirmation:", "index:dead-letters cannot be read"] {
        assert!(found.text.contains(part), "{part}: {}", found.text);
    }
    app.stop().await;
}
