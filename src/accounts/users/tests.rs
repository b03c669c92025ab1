//! What a patch changes of a user beside what a client sees.

use super::{Change, ManagedPatch, NewAccount, UserPatch, VersionMatch};
use crate::accounts::{
    clock::Timestamp,
    email::EmailAddress,
    error::Error,
    testing::user_of,
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
