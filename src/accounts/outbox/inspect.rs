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
