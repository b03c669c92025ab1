//! Whether mail goes out.

use std::time::Duration;

use super::Pending;
use crate::{
    accounts::clock::Timestamp,
    store::{Check, Finding, Store},
};

/// How long a mail may be due before something is wrong: more than it takes to notice that whoever had it is gone.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Looks at the outbox of a store, and writes nothing.
pub(in crate::accounts) async fn inspect(store: &Store, now: Timestamp) -> Finding {
    let Pending { queued, due_since, dead } = match Pending::count(store, now).await {
        Ok(pending) => pending,
        Err(e) => return Finding::unknown(Check::Mail, e.to_string()),
    };
    let late = due_since.filter(|since| since.plus(PATIENCE) < now);
    match (late, dead) {
        (None, 0) => Finding::ok(Check::Mail, format!("letters to be sent: {queued}; none was given up")),
        (None, _) => Finding::warning(Check::Mail, format!("letters given up in the last 30 days: {dead}"))
            .mend("`latchkey outbox list` tells of each why; mend that, then `latchkey outbox retry`"),
        (Some(since), _) => Finding::warning(
            Check::Mail,
            format!("letters to be sent: {queued}, one since {since}; given up in the last 30 days: {dead}"),
        )
        .mend("start the service; where it runs, its log says what is wrong"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::{
            keys::{Bucket, outbox},
            outbox::MailId,
            random::Random,
        },
        store::{Batch, Embedded},
    };

    #[tokio::test]
    async fn a_letter_is_late_that_should_have_been_sent_more_than_ten_minutes_ago() {
        let store = Store::Embedded(Embedded::in_memory().unwrap());
        let due = Timestamp::from_millis(1_800_000_000_000);
        let bucket = Bucket::all().next().unwrap();
        let mut batch = Batch::new(bucket.slot());
        batch.add(outbox(), MailId::new(due, Random).to_string(), due.as_millis());
        store.commit(batch).await.unwrap();
        for (millis, is_late) in [(599_999, false), (600_000, false), (600_001, true)] {
            let told = format!("{:?}", inspect(&store, due.plus(Duration::from_millis(millis))).await);
            assert_eq!(told.contains("one since"), is_late, "{millis}: {told}");
        }
    }
}
