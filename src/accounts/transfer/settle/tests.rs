//! Making users in a store that does not answer.

use std::sync::mpsc;

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::{
    accounts::{authority::Authority, testing, transfer::steps::email},
    store::{Name, Slot},
};

fn failed(outcomes: &Outcomes) -> bool {
    matches!(&outcomes[..], [(1, ImportOutcome::Failed(error))] if matches!(**error, Error::StoreUnavailable(_)))
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for_by_what_claims_and_by_what_commits() {
    let accounts = testing::accounts().await;
    let ada = || accounts.candidate_of(1, &json!({"email": "ada@example.com"}));
    let by = Authority::operator().origin();
    accounts.store.close().await;
    tokio::time::pause();
    let begun = Instant::now();
    let claimed = accounts.settle(vec![ada()], by, &Outage::default()).await;
    assert!(failed(&claimed), "{claimed:?}");
    assert_eq!(begun.elapsed().as_secs(), 4, "four pauses");
    let made = accounts.make_group(vec![ada()], by, &Outage::default(), false).await;
    assert!(failed(&made), "{made:?}");
    assert_eq!(begun.elapsed().as_secs(), 8, "four more");
}

#[tokio::test]
async fn what_somebody_has_is_no_reason_to_wait() {
    let accounts = testing::accounts().await;
    let by = Authority::operator().origin();
    let says = json!({"email": "ada@example.com"});
    accounts.settle(vec![accounts.candidate_of(1, &says)], by, &Outage::default()).await;
    // The clock stands still, so that no pause would end.
    tokio::time::pause();
    let (_end, until) = mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || until.recv());
    let outcomes = accounts.settle(vec![accounts.candidate_of(2, &says)], by, &Outage::default()).await;
    assert!(matches!(outcomes[..], [(2, ImportOutcome::Conflict(ImportConflict::EmailTaken))]), "{outcomes:?}");
}

/// The clock jumps ahead whenever all wait: so a commit is late that waits for another one.
#[tokio::test]
async fn what_a_commit_may_yet_make_good_stays_claimed() {
    let accounts = testing::accounts().await;
    let by = Authority::operator().origin();
    let ada = accounts.candidate_of(1, &json!({"email": "ada@example.com"}));
    let (id, handle) = (ada.user.id, email(&ada));
    accounts.claim_all(&ada, &Outage::default()).await.unwrap();
    let mut large = Batch::new(Slot::new("large"));
    for number in 0..20_000 {
        large.add(Name::new("index"), number.to_string(), number);
    }
    let outage = Outage::default();
    tokio::time::pause();
    let (_, outcomes) = tokio::join!(accounts.store.commit(large), accounts.make_group(vec![ada], by, &outage, false));
    assert!(failed(&outcomes), "{outcomes:?}");
    tokio::time::resume();
    while accounts.collect_expired().await.is_err() {} // after all that was handed in
    assert!(accounts.find_user(id).await.unwrap().is_some());
    assert!(accounts.is_claimed(&handle).await);
}
