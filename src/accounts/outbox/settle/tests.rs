//! What is in the outbox that nobody put there as it should be, and what is left of letters that were given up.

use super::*;
use crate::{
    accounts::{EmailAddress, testing},
    mail::LetterKind,
    store::{Fields, Name},
};

impl Accounts {
    /// Puts a letter into the outbox.
    pub(in crate::accounts::outbox) async fn queue(&self) -> Due {
        let bucket = Bucket::all().next().unwrap();
        let to = EmailAddress::parse("ada@example.com").unwrap();
        let entry = Entry::of_address(LetterKind::PasswordReset, &to, &[], self.now(), self.random);
        let mut batch = Batch::new(bucket.slot());
        enqueue(&mut batch, &entry);
        self.store.commit(batch).await.unwrap();
        Due { bucket, member: entry.id.to_string(), is_old: false }
    }

    async fn list(&self, bucket: Bucket, index: Name) -> Vec<String> {
        let index = bucket.slot().key(&index);
        self.store.range(&index, i64::MIN..=i64::MAX, usize::MAX).await.unwrap()
    }

    async fn add(&self, bucket: Bucket, index: Name, member: &str, score: i64) {
        let mut batch = Batch::new(bucket.slot());
        batch.add(index, member, score);
        self.store.commit(batch).await.unwrap();
    }
}

#[test]
fn pauses_grow_up_to_half_an_hour() {
    let seconds = (0..=9).map(|attempts| pause(attempts).as_secs()).collect::<Vec<_>>();
    assert_eq!(seconds, [15, 15, 30, 60, 120, 240, 480, 960, 1800, 1800]);
    assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
}

#[tokio::test]
async fn a_letter_that_was_given_up_is_not_taken_again() {
    let accounts = testing::accounts().await;
    let due = accounts.queue().await;
    let taken = accounts.take_mail(&due, Duration::ZERO).await.unwrap().unwrap();
    let refused = Outcome::Failed(SendError::Permanent("no".to_owned()));
    accounts.settle_mail(due.bucket, &taken, &refused).await.unwrap();
    assert_eq!(accounts.list(due.bucket, dead_letters()).await, [due.member.as_str()]);
    accounts.add(due.bucket, outbox(), &due.member, 0).await;
    assert!(accounts.take_mail(&due, Duration::ZERO).await.unwrap().is_none());
    assert!(accounts.list(due.bucket, outbox()).await.is_empty(), "it is out of the way of the others");
}

#[tokio::test]
async fn a_dead_letter_leaves_the_index_once_its_record_is_gone_for_sure() {
    let accounts = testing::accounts().await;
    let (bucket, now) = (Bucket::all().next().unwrap(), accounts.now().as_millis());
    let age = millis(MOURNING);
    accounts.add(bucket, dead_letters(), "old", now - age).await;
    accounts.add(bucket, dead_letters(), "gone", now - age - millis(EXPIRY_GRACE) - 1).await;
    let mut batch = Batch::new(bucket.slot());
    accounts.forget_dead_letters(bucket, &mut batch).await.unwrap();
    accounts.store.commit(batch).await.unwrap();
    assert_eq!(accounts.list(bucket, dead_letters()).await, ["old"]);
}

#[tokio::test]
async fn what_cannot_be_read_of_the_outbox_is_counted_beside_what_can() {
    let accounts = testing::accounts().await;
    let [good, bad] = [accounts.queue().await, accounts.queue().await];
    let mut batch = Batch::new(bad.bucket.slot());
    batch.put(mail(bad.member.parse().unwrap()), Fields::new());
    accounts.store.commit(batch).await.unwrap();
    for member in ["text", "more text"] {
        accounts.add(good.bucket, outbox(), member, 0).await;
    }
    let (mails, unreadable) = accounts.unsent_mails().await.unwrap();
    let ids = mails.iter().map(|mail| mail.id.to_string()).collect::<Vec<_>>();
    assert_eq!((ids, unreadable), (vec![good.member], 3));
}
