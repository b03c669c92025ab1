//! Looking at users and making them, step by step, where others have claimed or made something before.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    form::Form,
    look::{Candidate, Found},
    outcome::{ImportConflict, ImportOutcome},
    settle::Outage,
};
use crate::{
    accounts::{
        Accounts, Timestamp,
        authority::Authority,
        claims::{Handle, HandleKind},
        error::Error,
        grants::Grants,
        keys::{self, Home},
        records,
        testing::{self, person, put},
        user::{PreviousEmail, Tombstone, User, UserId, UserRecord},
    },
    store::{Batch, Name, Unavailable},
};

const HOUR: Duration = Duration::from_secs(3600);

impl Accounts {
    pub(super) fn candidate_of(&self, line: u64, says: &Value) -> Candidate {
        let form = Form::read(says.to_string().as_bytes(), self.now()).unwrap();
        let user = form.to_user(self.now(), self.random, || self.hasher.unusable().unwrap());
        Candidate { line, form, user }
    }

    /// Leaves the claim that a candidate would make, of somebody else or its own, made then.
    pub(super) async fn leave_claim(&self, candidate: &Candidate, kind: HandleKind, by: Option<UserId>, at: Timestamp) {
        let (handle, op) = candidate.user.handles().into_iter().find(|(handle, _)| handle.kind == kind).unwrap();
        let mut claim = candidate.claim(op, at);
        claim.user = by.unwrap_or(claim.user);
        let mut batch = Batch::new(keys::claim(&handle));
        batch.put(Name::ROOT, records::write_claim(&claim));
        self.store.commit(batch).await.unwrap();
    }

    pub(super) async fn is_claimed(&self, handle: &Handle) -> bool {
        self.find_claim(handle).await.unwrap().is_some()
    }

    async fn looked_at(&self, candidate: &Candidate) -> Found {
        let form = candidate.form.clone();
        let copy = Candidate { line: candidate.line, form, user: candidate.user.clone() };
        self.look(&[copy]).await.unwrap().remove(0)
    }

    async fn settled(&self, candidates: Vec<Candidate>) -> Vec<(u64, ImportOutcome)> {
        let mut outcomes = self.settle(candidates, Authority::operator().origin(), &Outage::default()).await;
        outcomes.sort_by_key(|(line, _)| *line);
        outcomes
    }
}

fn created(outcome: &ImportOutcome) -> bool {
    matches!(outcome, ImportOutcome::Created(Some(_)))
}

pub(super) fn email(candidate: &Candidate) -> Handle {
    Handle::email(&candidate.user.email)
}

/// Two ids of one bucket.
fn neighbours(accounts: &Accounts) -> [UserId; 2] {
    let id = || UserId::new(accounts.now(), accounts.random);
    let one = id();
    let other = std::iter::repeat_with(id).find(|other| Home::of(*other).bucket() == Home::of(one).bucket());
    [one, other.unwrap()]
}

#[tokio::test]
async fn what_a_user_has_is_met_by_who_has_it_too() {
    let accounts = testing::accounts().await;
    let ada = person(&accounts, "ada", Grants::default()).await;
    let met = async |says: Value| match accounts.looked_at(&accounts.candidate_of(1, &says)).await {
        Found::Settled(outcome) => outcome,
        found => panic!("{says}: {found:?}"),
    };
    let unchanged = |outcome: &ImportOutcome| matches!(outcome, ImportOutcome::Unchanged(id) if *id == ada.id);
    let conflict = |outcome: &ImportOutcome| matches!(outcome, ImportOutcome::Conflict(ImportConflict::EmailTaken));
    assert!(unchanged(&met(json!({"email": "ada@example.com"})).await));
    assert!(conflict(&met(json!({"email": "ada@example.com", "name": "Eve"})).await));
    let id = UserId::new(accounts.now(), accounts.random);
    assert!(conflict(&met(json!({"id": id.to_string(), "email": "ada@example.com"})).await));
    assert!(unchanged(&met(json!({"id": ada.id.to_string(), "email": "ADA@example.com", "name": "Eve"})).await));
    let moved = met(json!({"id": ada.id.to_string(), "email": "eve@example.com"})).await;
    assert!(matches!(moved, ImportOutcome::Conflict(ImportConflict::IdTaken)));
    let free = accounts.candidate_of(1, &json!({"email": "eve@example.com"}));
    assert!(matches!(accounts.looked_at(&free).await, Found::Free));
}

#[tokio::test]
async fn an_address_that_somebody_could_have_had_back_until_now_is_free_for_others() {
    let accounts = testing::accounts().await;
    let ada = person(&accounts, "ada", Grants::default()).await;
    let eve = accounts.candidate_of(1, &json!({"email": "former@example.com"}));
    let op = eve.user.email_op;
    let (now, address) = (accounts.now(), eve.user.email.clone());
    for (until, is_theirs) in [(now.plus(HOUR), true), (now.minus(HOUR), false)] {
        let previous_email = Some(PreviousEmail { address: address.clone(), op, until });
        put(&accounts, &User { previous_email, ..ada.clone() }).await;
        accounts.leave_claim(&eve, HandleKind::Email, Some(ada.id), now.minus(HOUR)).await;
        let found = accounts.looked_at(&eve).await;
        assert_eq!(matches!(found, Found::Settled(ImportOutcome::Conflict(_))), is_theirs, "{found:?}");
        assert_eq!(matches!(found, Found::Contested(None, _)), !is_theirs, "{found:?}");
    }
}

#[tokio::test]
async fn what_others_are_about_to_have_is_told_from_what_was_left_behind() {
    let accounts = testing::accounts().await;
    let (now, somebody) = (accounts.now(), UserId::new(accounts.now(), accounts.random));
    let says =
        json!({"id": UserId::new(now, accounts.random).to_string(), "email": "a@example.com", "username": "ada"});
    let ada = accounts.candidate_of(1, &says);
    let (email, username) = (HandleKind::Email, HandleKind::Username);
    for (by, at, expected) in [
        (Some(somebody), now, Some(email)),
        (Some(somebody), now.minus(HOUR), None),
        (None, now, None),
        (None, now.minus(HOUR), None),
    ] {
        accounts.leave_claim(&ada, email, by, at).await;
        let found = accounts.looked_at(&ada).await;
        assert!(matches!(found, Found::Contested(kind, made) if kind == expected && made == at), "{found:?}");
    }
    // One of them is enough.
    accounts.leave_claim(&ada, email, Some(somebody), now).await;
    accounts.leave_claim(&ada, username, Some(somebody), now.minus(HOUR)).await;
    assert!(matches!(accounts.looked_at(&ada).await, Found::Contested(Some(kind), _) if kind == email));
}

#[tokio::test]
async fn whoever_is_there_already_keeps_nobody_of_their_bucket_from_being_made() {
    let accounts = testing::accounts().await;
    let [one, other] = neighbours(&accounts).map(|id| id.to_string());
    let says = |id: &str, name: &str| json!({"id": id, "email": format!("{name}@example.com")});
    put(&accounts, &accounts.candidate_of(0, &says(&one, "first")).user).await;
    let (late, bob) = (accounts.candidate_of(1, &says(&one, "late")), accounts.candidate_of(2, &says(&other, "bob")));
    let handles = [email(&late), email(&bob)];
    let outcomes = accounts.settled(vec![late, bob]).await;
    assert!(matches!(outcomes[0].1, ImportOutcome::Conflict(ImportConflict::IdTaken)), "{outcomes:?}");
    assert!(created(&outcomes[1].1), "{outcomes:?}");
    assert!(!accounts.is_claimed(&handles[0]).await, "it was claimed in vain");
    assert!(accounts.is_claimed(&handles[1]).await);
}

#[tokio::test]
async fn a_user_whom_a_commit_made_that_was_not_answered_keeps_what_was_claimed() {
    let accounts = testing::accounts().await;
    let ada = accounts.candidate_of(1, &json!({"email": "ada@example.com"}));
    let handle = email(&ada);
    put(&accounts, &ada.user).await;
    let outcomes = accounts.settled(vec![ada]).await;
    assert!(created(&outcomes[0].1), "{outcomes:?}");
    assert!(accounts.is_claimed(&handle).await);
}

#[tokio::test]
async fn what_was_claimed_before_something_was_taken_is_given_back() {
    let accounts = testing::accounts().await;
    let says = json!({"email": "ada@example.com", "username": "ada"});
    let first = accounts.candidate_of(1, &says);
    assert!(created(&accounts.settled(vec![first]).await[0].1));
    let id = UserId::new(accounts.now(), accounts.random).to_string();
    for says in [
        json!({"email": "b@example.com", "username": "ada"}),
        json!({"id": id, "email": "c@example.com", "username": "ADA"}),
    ] {
        let second = accounts.candidate_of(1, &says);
        let handle = email(&second);
        let outcomes = accounts.settled(vec![second]).await;
        assert!(matches!(outcomes[0].1, ImportOutcome::Conflict(ImportConflict::UsernameTaken)), "{outcomes:?}");
        // Another run may rely on what one with an id has claimed, while it was a moment ago.
        assert_eq!(accounts.is_claimed(&handle).await, says.get("id").is_some());
    }
}

#[tokio::test]
async fn whom_the_id_of_a_line_has_met_says_what_became_of_it() {
    let accounts = testing::accounts().await;
    let id = UserId::new(accounts.now(), accounts.random).to_string();
    let (named, nameless) = (json!({"id": id, "email": "a@example.com"}), json!({"email": "a@example.com"}));
    let [named, nameless] = [named, nameless].map(|says| accounts.candidate_of(1, &says));
    let active = || UserRecord::Active(nameless.user.clone());
    let gone = || UserRecord::Tombstone(Tombstone::Fenced);
    assert!(matches!(nameless.met_own(&active()), Some(ImportOutcome::Created(Some(id))) if id == nameless.user.id));
    assert!(nameless.met_own(&gone()).is_none());
    assert!(matches!(named.met_own(&active()), Some(ImportOutcome::Unchanged(_))));
    assert!(matches!(named.met_own(&gone()), Some(ImportOutcome::Conflict(ImportConflict::IdTaken))));
}

#[tokio::test]
async fn a_store_that_was_given_up_is_asked_by_nobody() {
    let accounts = testing::accounts().await;
    let outage = Outage::default();
    outage.begin(Error::StoreUnavailable(Unavailable("late".to_owned())));
    let ada = accounts.candidate_of(1, &json!({"email": "ada@example.com"}));
    let handle = email(&ada);
    let outcomes = accounts.settle(vec![ada], Authority::operator().origin(), &outage).await;
    assert!(matches!(&outcomes[..], [(1, ImportOutcome::Failed(_))]), "{outcomes:?}");
    assert!(!accounts.is_claimed(&handle).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_asked_five_times_in_four_seconds() {
    let (outage, asked, begun) = (Outage::default(), AtomicU32::new(0), Instant::now());
    let unanswered = || Error::StoreUnavailable(Unavailable("late".to_owned()));
    let ask = || {
        asked.fetch_add(1, Ordering::Relaxed);
        async { Err::<(), _>(unanswered()) }
    };
    assert!(matches!(outage.patiently(ask).await, Err(Error::StoreUnavailable(_))));
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    assert_eq!(begun.elapsed().as_secs(), 4);
    outage.begin(unanswered());
    outage.patiently(ask).await.unwrap_err();
    assert_eq!(asked.load(Ordering::Relaxed), 6, "somebody else has given it up");
    assert_eq!(begun.elapsed().as_secs(), 4, "nobody waits for it any more");
}

#[tokio::test]
async fn an_export_counts_what_it_cannot_read() {
    let accounts = testing::accounts().await;
    let ada = person(&accounts, "ada", Grants::default()).await;
    for member in ["text", "more text"] {
        let mut batch = Batch::new(Home::of(ada.id).slot());
        batch.add(keys::created(), member, 0);
        accounts.store.commit(batch).await.unwrap();
    }
    let (mut lines, mut told) = (Vec::new(), 0);
    let exported = accounts.export_users(&mut lines, &mut |users| told = users).await.unwrap();
    assert_eq!((exported.users, exported.unreadable, told), (1, 2, 1));
    assert!(String::from_utf8(lines).unwrap().contains(&ada.id.to_string()));
}
