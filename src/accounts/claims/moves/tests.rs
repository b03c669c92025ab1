//! Changes of address and their undoing, by what they gain and lose.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    accounts::{
        claims::{Claim, Difference, Handle, Standing, judge_in},
        keys, records,
        user::{Stored, UserId, UserRecord},
    },
    store::{Record, Revision},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

fn after(days: u32) -> Timestamp {
    now().plus(DAY * days)
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn op(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

/// The address of a handle, by its first letter.
fn handle(letter: &str) -> Handle {
    Handle::email(&address(&format!("{letter}@example.com")))
}

/// Ada, at `a@example.com` by operation 1, which she has shown to be hers.
fn ada() -> User {
    let operation = op(1).to_string();
    let fields = [
        ("state", "active"),
        ("email", "a@example.com"),
        ("email_verified", "true"),
        ("email_op", operation.as_str()),
        ("username", "ada"),
        ("username_op", operation.as_str()),
        ("metadata", "{}"),
        ("password_setting", "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA"),
        ("password_hash", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("version", "1"),
        ("session_epoch", "0"),
        ("fence", "1"),
        ("created_at", "2023-01-31T09:30:00.000Z"),
        ("updated_at", "2023-01-31T09:30:00.000Z"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    match records::read_user(UserId::NIL, &Record { fields, revision: Revision::random() }).unwrap() {
        UserRecord::Active(user) => user,
        UserRecord::Tombstone(_) => panic!("a user"),
    }
}

impl User {
    fn moved_to(&self, letter: &str, by: u8, at: Timestamp) -> Self {
        let mut next = self.clone();
        next.pending_email = Some(address("p@example.com"));
        next.move_to(address(&format!("{letter}@example.com")), op(by), at);
        assert!(next.email_verified && next.pending_email.is_none());
        assert_eq!((next.version, next.updated_at), (self.version + 1, at));
        next
    }

    fn undone(&self, at: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        next.undo_move(at).then_some(next)
    }

    /// The address that they have, and the one before.
    fn addresses(&self) -> (&str, Option<&str>) {
        (self.email.as_str(), self.previous_email.as_ref().map(|previous| previous.address.as_str()))
    }
}

/// Which handles are gained and lost on the way from one state to another; whenever there are any, the fence is raised.
fn difference(user: &User, next: &User) -> (Vec<Handle>, Vec<(Handle, OperationId)>) {
    let Difference { gained, lost } = Difference::between(user, next);
    assert_eq!(gained.is_empty() && lost.is_empty() && user.email_op == next.email_op, user.fence == next.fence);
    (gained, lost)
}

#[test]
fn a_change_keeps_the_address_before_for_a_week() {
    let ada = ada();
    let moved = ada.moved_to("b", 2, now());
    assert_eq!(difference(&ada, &moved), (vec![handle("b")], vec![]));
    assert_eq!((moved.addresses(), moved.email_op), (("b@example.com", Some("a@example.com")), op(2)));
    assert_eq!(moved.holds(&handle("a")), Some(op(1)));
    assert!(moved.has(&handle("b")) && !moved.has(&handle("a")), "only one signs in");
    assert!(!moved.had(&handle("a"), after(6)) && moved.had(&handle("a"), after(7)));
    assert!(!moved.had(&handle("b"), after(7)) && !moved.had(&handle("c"), after(7)));
}

#[test]
fn undoing_a_change_brings_back_the_address_with_its_own_claim() {
    let ada = ada();
    let moved = ada.moved_to("b", 2, now());
    let mut waiting = moved.clone();
    waiting.pending_email = Some(address("p@example.com"));
    let undone = waiting.undone(after(6)).unwrap();
    assert_eq!(difference(&moved, &undone), (vec![], vec![(handle("b"), op(2))]));
    assert_eq!(undone.handles(), ada.handles());
    assert_eq!((undone.addresses(), undone.email_op), (("a@example.com", None), op(1)));
    assert!(undone.email_verified && undone.pending_email.is_none());
    assert_eq!((undone.version, undone.updated_at), (3, after(6)));
    assert!(undone.fence > moved.fence);
    assert_eq!(undone.undone(after(6)), None, "only once");
}

#[test]
fn nothing_is_undone_after_a_week_or_without_a_change() {
    let ada = ada();
    assert_eq!(ada.undone(now()), None);
    let moved = ada.moved_to("b", 2, now());
    let mut late = moved.clone();
    assert!(!late.undo_move(after(7)));
    assert_eq!(late, moved, "nothing has changed");
}

#[test]
fn whoever_moves_twice_does_not_shake_off_the_first_address() {
    let moved = ada().moved_to("b", 2, now());
    let again = moved.moved_to("c", 3, after(6));
    assert_eq!(difference(&moved, &again), (vec![handle("c")], vec![(handle("b"), op(2))]));
    assert_eq!(again.addresses(), ("c@example.com", Some("a@example.com")));
    let undone = again.undone(after(6)).unwrap();
    assert_eq!(difference(&again, &undone), (vec![], vec![(handle("c"), op(3))]));
    assert_eq!(again.undone(after(7)), None, "the week is that of the first change");
}

#[test]
fn an_address_before_that_can_undo_no_more_is_lost_with_the_next_change() {
    let moved = ada().moved_to("b", 2, now());
    let again = moved.moved_to("c", 3, after(7));
    assert_eq!(difference(&moved, &again), (vec![handle("c")], vec![(handle("a"), op(1))]));
    assert_eq!(again.addresses(), ("c@example.com", Some("b@example.com")));
    assert_eq!(again.undone(after(13)).unwrap().addresses(), ("b@example.com", None));
}

#[test]
fn going_back_to_the_address_before_claims_nothing() {
    let moved = ada().moved_to("b", 2, now());
    let back = moved.moved_to("a", 3, after(6));
    assert_eq!(difference(&moved, &back), (vec![], vec![(handle("b"), op(2))]));
    assert_eq!((back.addresses(), back.email_op), (("a@example.com", None), op(1)));
}

#[test]
fn going_back_after_the_week_can_be_undone_like_any_change() {
    let moved = ada().moved_to("b", 2, now());
    let back = moved.moved_to("a", 3, after(7));
    assert_eq!(difference(&moved, &back), (vec![], vec![]));
    assert_eq!((back.addresses(), back.email_op), (("a@example.com", Some("b@example.com")), op(1)));
    let undone = back.undone(after(13)).unwrap();
    assert_eq!(difference(&back, &undone), (vec![], vec![(handle("a"), op(1))]));
    assert_eq!((undone.addresses(), undone.email_op), (("b@example.com", None), op(2)));
}

#[test]
fn an_address_that_was_never_shown_to_be_theirs_undoes_nothing() {
    let unverified = User { email_verified: false, ..ada() };
    let moved = unverified.moved_to("b", 2, now());
    assert_eq!(difference(&unverified, &moved), (vec![handle("b")], vec![(handle("a"), op(1))]));
    assert_eq!(moved.addresses(), ("b@example.com", None));
}

#[test]
fn another_spelling_of_the_address_is_the_same_address() {
    for user in [ada(), ada().moved_to("b", 2, now())] {
        let mut spelled = user.clone();
        let capitals = user.email.as_str().to_uppercase();
        spelled.move_to(address(&capitals), op(3), after(7));
        assert_eq!(difference(&user, &spelled), (vec![], vec![]));
        assert_eq!(spelled.addresses(), (capitals.as_str(), user.addresses().1));
    }
}

#[test]
fn an_unconfirmed_change_leaves_what_can_undo_an_earlier_one() {
    let moved = ada().moved_to("b", 2, now());
    let mut next = moved.clone();
    next.change_email(address("c@example.com"), op(3));
    assert_eq!(difference(&moved, &next), (vec![handle("c")], vec![(handle("b"), op(2))]));
    assert_eq!(next.addresses(), ("c@example.com", Some("a@example.com")));

    let mut back = moved.clone();
    back.change_email(address("A@example.com"), op(3));
    assert_eq!(difference(&moved, &back), (vec![], vec![(handle("b"), op(2))]));
    assert_eq!((back.addresses(), back.email_op), (("A@example.com", None), op(1)));

    let first = ada();
    let mut other = first.clone();
    other.change_email(address("c@example.com"), op(3));
    assert_eq!(difference(&first, &other), (vec![handle("c")], vec![(handle("a"), op(1))]));
    for user in [next, back, other] {
        assert!(!user.email_verified && user.version < 3, "what a client sees is counted by the caller");
    }
}

#[test]
fn what_is_let_go_is_held_no_more() {
    let moved = ada().moved_to("b", 2, now());
    let mut next = moved.clone();
    next.let_go();
    assert_eq!(difference(&moved, &next), (vec![], vec![(handle("a"), op(1))]));
    assert_eq!((next.undone(now()), next.version), (None, moved.version));
}

#[test]
fn a_claim_of_which_only_the_slot_is_known_is_judged_by_the_same_handle() {
    let moved = ada().moved_to("b", 2, now());
    let user = Stored { value: UserRecord::Active(moved.clone()), revision: Revision::random() };
    let (good, dead) = (Standing::Binding, Standing::Dead);
    for (letter, by, standing) in [("b", 2, good), ("a", 1, good), ("b", 1, dead), ("a", 2, dead), ("c", 2, dead)] {
        let claim = Claim { user: moved.id, fence: 1, op: op(by), at: now() };
        assert_eq!(judge_in(&keys::claim(&handle(letter)), &claim, Some(&user)), standing, "{letter} by {by}");
    }
}

/// What may become of a user, at a letter's address.
#[derive(Clone, Copy, Debug)]
enum Act {
    Move(char),
    Change(char),
    Undo,
    LetGo,
}

fn acts() -> impl Strategy<Value = Vec<(Act, u32)>> {
    let letter = || prop::sample::select(vec!['a', 'b', 'c', 'B']);
    let act =
        prop_oneof![letter().prop_map(Act::Move), letter().prop_map(Act::Change), Just(Act::Undo), Just(Act::LetGo),];
    vec((act, 0..9_u32), 0..12)
}

proptest! {
    /// A claim may be released long after the commit that has lost it, so what is lost must not come back by the same
    /// operation.
    #[test]
    fn whatever_they_do_nothing_comes_back_that_was_lost(acts in acts()) {
        let (mut user, mut today, mut all_lost) = (ada(), now(), Vec::new());
        for ((act, days), number) in acts.into_iter().zip(2..) {
            today = today.plus(DAY * days);
            let mut next = user.clone();
            let to = |letter: char| address(&format!("{letter}@example.com"));
            match act {
                Act::Move(letter) => next.move_to(to(letter), op(number), today),
                Act::Change(letter) => next.change_email(to(letter), op(number)),
                Act::Undo => {
                    next.undo_move(today);
                }
                Act::LetGo if next.previous_email.is_some() => next.let_go(),
                Act::LetGo => {}
            }
            let (gained, lost) = difference(&user, &next);
            prop_assert!(next.fence > user.fence || user.handles() == next.handles(), "the fence rises with what they hold");
            for handle in gained {
                prop_assert_eq!(next.holds(&handle), Some(op(number)));
            }
            all_lost.extend(lost);
            let held = next.handles();
            prop_assert!(!held.iter().any(|entry| all_lost.contains(entry)), "{held:?}");
            for (handle, op) in &held {
                prop_assert_eq!(next.holds(handle), Some(*op), "nothing is held twice");
            }
            user = next;
        }
    }
}
