//! Noting what came of a letter, in a store that does not answer.

use super::*;
use crate::{
    accounts::{EmailAddress, keys::Bucket, outbox::enqueue, testing},
    mail::LetterKind,
    store::Batch,
};

#[tokio::test]
async fn it_is_tried_for_ten_minutes_to_note_what_came_of_a_letter() {
    let accounts = testing::accounts().await;
    let bucket = Bucket::all().next().unwrap();
    let to = EmailAddress::parse("ada@example.com").unwrap();
    let entry = Entry::of_address(LetterKind::PasswordReset, &to, &[], accounts.now(), accounts.random);
    let mut batch = Batch::new(bucket.slot());
    enqueue(&mut batch, &entry);
    accounts.store.commit(batch).await.unwrap();
    let due = Due { bucket, member: entry.id.to_string(), is_old: false };
    let taken = accounts.take_mail(&due, SPARE).await.unwrap().unwrap();
    accounts.store.close().await;
    tokio::time::pause();
    let begun = Instant::now();
    assert!(matches!(accounts.note(&due, &taken, &Outcome::Sent).await, Err(Error::StoreUnavailable(_))));
    assert!((NOTING..NOTING + 2 * LOOK_EVERY).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}
