//! Noting what came of a letter, in a store that does not answer.

use super::*;
use crate::accounts::testing;

#[tokio::test]
async fn it_is_tried_for_ten_minutes_to_note_what_came_of_a_letter() {
    let accounts = testing::accounts().await;
    let due = accounts.queue().await;
    let taken = accounts.take_mail(&due, SPARE).await.unwrap().unwrap();
    accounts.store.close().await;
    tokio::time::pause();
    let begun = Instant::now();
    assert!(matches!(accounts.note(&due, &taken, &Outcome::Sent).await, Err(Error::StoreUnavailable(_))));
    assert!((NOTING..NOTING + 2 * LOOK_EVERY).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}
