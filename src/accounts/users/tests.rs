//! What making a user claims, and what a patch changes of one beside what a client sees.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::{Change, IdempotencyKey, ManagedPatch, NewAccount, Registration, UserPatch, VersionMatch};
use crate::accounts::{
    ThrottleSettings,
    claims::Handle,
    clock::{Clock, Timestamp},
    confirmations::MailRequest,
    email::EmailAddress,
    error::Error,
    grants::Grants,
    password::NewPassword,
    profile::Metadata,
    testing::{self, user_of},
    user::{OperationId, PreviousEmail, User},
    username::Username,
};

fn op(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

fn ada() -> User {
    let account = NewAccount::of(EmailAddress::parse("ada@example.com").unwrap());
    user_of(&NewAccount { username: Some(Username::parse("ada").unwrap()), ..account })
}

#[test]
fn another_username_has_its_own_operation_and_raises_the_fence() {
    let ada = ada();
    let renamed = |username| {
        let patch = UserPatch { username, ..UserPatch::default() };
        let next = patch.apply(&ada, None, false, op(2), Timestamp::UNIX_EPOCH).unwrap();
        (next.username_op, next.fence - ada.fence)
    };
    let to = |name: &str| Change::Set(Username::parse(name).unwrap());
    assert_eq!(renamed(to("eve")), (Some(op(2)), 1));
    assert_eq!(renamed(Change::Clear), (None, 1));
    assert_eq!(renamed(to("ADA")), (Some(op(1)), 0), "it is claimed as before");
}

#[test]
fn whoever_is_moved_by_others_can_undo_nothing_unless_they_stay_in_their_mailbox() {
    let address = |text: &str| EmailAddress::parse(text).unwrap();
    let previous = PreviousEmail { address: address("former@example.com"), op: op(3), until: Timestamp::UNIX_EPOCH };
    let ada = User { previous_email: Some(previous), ..ada() };
    for (to, is_kept) in [("Ada@example.com", true), ("eve@example.com", false)] {
        let patch = ManagedPatch { email: Some(address(to)), ..ManagedPatch::default() };
        let next = patch.apply(&ada, op(2), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((next.email.as_str(), next.previous_email.is_some()), (to, is_kept));
    }
}

#[test]
fn a_password_is_held_against_the_names_that_come_with_it() {
    let names = Change::Set(Username::parse("lovelace").unwrap());
    let patch = UserPatch { username: names.clone(), ..UserPatch::default() };
    let ada = ada();
    let [next, now] = patch.choosers(&ada);
    assert_eq!((next.username, now.username), (names.as_set(), ada.username.as_ref()));
    assert!(names.as_set().is_some());
}

#[test]
fn a_version_of_what_is_not_there_matches_nothing() {
    assert!(matches!(VersionMatch::OneOf(vec![0, 1]).check_version(None), Err(Error::VersionMismatch)));
    assert!(VersionMatch::Any.check_version(None).is_ok());
}

/// A clock that goes on by a second when somebody looks at it.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1000, Ordering::SeqCst))
    }
}

#[tokio::test]
async fn somebody_is_made_when_their_address_is_claimed_and_not_when_it_was_asked_for() {
    let clock = Arc::new(Ticking(AtomicI64::new(1_800_000_000_000)));
    let accounts = testing::accounts_with(Arc::clone(&clock) as Arc<dyn Clock>, ThrottleSettings::default()).await;
    let asked = clock.now();
    let ada = testing::person(&accounts, "ada", Grants::default()).await;
    let claim = accounts.find_claim(&Handle::email(&ada.email)).await.unwrap().unwrap().value;
    assert_eq!([ada.created_at, ada.updated_at], [claim.at; 2]);
    // Before the hash, the clock is looked at for their id, and to see whether the address is claimed.
    assert!(asked.until(claim.at) > Duration::from_secs(2));
}

#[tokio::test]
async fn what_was_claimed_in_vain_is_given_back_unless_another_attempt_may_rely_on_it() {
    for key in [None, Some("key")] {
        let accounts = testing::accounts().await;
        // Both find that the name is free, before the hash.
        let register = |name: &str| {
            let registration = Registration {
                email: EmailAddress::parse(&format!("{name}@example.com")).unwrap(),
                password: NewPassword::parse("correct horse battery staple").unwrap(),
                username: Some(Username::parse("ada").unwrap()),
                name: None,
                locale: None,
                metadata: Metadata::default(),
            };
            let key = key.map(|key| IdempotencyKey::parse(&format!("{key}-{name}")).unwrap());
            accounts.register(registration, key, MailRequest::default())
        };
        let outcomes = tokio::join!(register("one"), register("other"));
        let (loser, outcome) = if outcomes.0.is_err() { ("one", outcomes.0) } else { ("other", outcomes.1) };
        assert!(matches!(outcome, Err(Error::UsernameTaken)), "{outcome:?}");
        let address = EmailAddress::parse(&format!("{loser}@example.com")).unwrap();
        let claimed = accounts.find_claim(&Handle::email(&address)).await.unwrap();
        assert_eq!(claimed.is_some(), key.is_some(), "{key:?}");
    }
}
