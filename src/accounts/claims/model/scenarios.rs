//! The races that the model is run on, and what must come of each.

use std::collections::BTreeMap;

use stateright::{Checker, Model};

use super::{Claimed, Number, Operation, Person, Rules, Scenario, State, Step, TWO_HAVE_ONE, Wish};

/// People 1, 2, … are there with the handles given, each by an operation of its own; then the operations begin.
fn scenario(people: &[&[Number]], operations: &[(Number, Wish)]) -> State {
    let mut state = State { claims: BTreeMap::new(), people: BTreeMap::new(), operations: Vec::new() };
    for (user, handles) in (1..).zip(people) {
        let op = 50 + user;
        state.claims.extend(handles.iter().map(|handle| (*handle, Claimed { user, fence: 0, op })));
        let handles = handles.iter().map(|handle| (*handle, op)).collect();
        state.people.insert(user, Person::Active { handles, previous: None, fence: 1 });
    }
    for (op, (user, wish)) in (10..).zip(operations) {
        // Attempts with one idempotency key are one operation.
        let op = if matches!(wish, Wish::Create { shared: true, .. }) { 40 + user } else { op };
        state.operations.push(Operation { user: *user, op, wish: wish.clone(), step: Step::Start });
    }
    state
}

/// The same, but person 1 has had `previous` before, and may have it back.
fn moved(people: &[&[Number]], previous: Number, operations: &[(Number, Wish)]) -> State {
    let mut state = scenario(people, operations);
    let former = (previous, 50);
    state.claims.insert(previous, Claimed { user: 1, fence: 0, op: 50 });
    let first = state.people.get_mut(&1);
    if let Some(Person::Active { previous, fence, .. }) = first {
        (*previous, *fence) = (Some(former), 2);
    }
    state
}

fn create(handles: &[Number]) -> Wish {
    Wish::Create { shared: false, handles: handles.to_vec() }
}

fn create_with_key(handles: &[Number]) -> Wish {
    Wish::Create { shared: true, handles: handles.to_vec() }
}

fn change(from: Number, to: Number) -> Wish {
    Wish::Change { from, to, keeps: false }
}

/// A change that the address before can undo.
fn move_to(from: Number, to: Number) -> Wish {
    Wish::Change { from, to, keeps: true }
}

fn check(people: &[&[Number]], operations: &[(Number, Wish)]) {
    check_from(scenario(people, operations));
}

fn check_from(start: State) {
    let checker = Scenario { start, rules: Rules::ALL }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 20, "only {} states", checker.unique_state_count());
}

#[test]
fn registrations_race_for_one_address() {
    check(&[], &[(5, create(&[0])), (6, create(&[0])), (7, create(&[0]))]);
}

#[test]
fn registrations_race_for_an_address_and_a_username() {
    check(&[], &[(5, create(&[0, 3])), (6, create(&[1, 3])), (7, create(&[0]))]);
}

#[test]
fn a_change_races_with_registrations_of_both_addresses() {
    check(&[&[0]], &[(1, change(0, 1)), (5, create(&[1])), (6, create(&[0]))]);
}

#[test]
fn a_person_races_with_themselves() {
    check(&[&[0]], &[(1, change(0, 1)), (1, change(0, 2)), (5, create(&[0]))]);
    check(&[&[0]], &[(1, change(0, 1)), (1, change(1, 0)), (5, create(&[1]))]);
}

#[test]
fn a_person_changes_address_and_username_at_once() {
    check(&[&[0, 3]], &[(1, change(0, 1)), (1, change(3, 4)), (5, create(&[1, 3]))]);
}

#[test]
fn a_deletion_races_with_a_change_and_a_registration() {
    check(&[&[0, 3]], &[(1, Wish::Delete), (1, change(0, 1)), (5, create(&[0])), (6, create(&[1]))]);
}

#[test]
fn two_people_swap() {
    check(&[&[0], &[1]], &[(1, change(0, 2)), (2, change(1, 0)), (5, create(&[1]))]);
}

#[test]
fn attempts_with_one_idempotency_key_make_one_account() {
    check(&[], &[(5, create_with_key(&[0, 3])), (5, create_with_key(&[0, 3])), (6, create(&[0]))]);
    check(&[], &[(5, create_with_key(&[0, 3])), (5, create_with_key(&[0, 3])), (6, create(&[3]))]);
}

#[test]
fn a_change_and_its_undoing_race_with_registrations_of_both_addresses() {
    check(&[&[0]], &[(1, move_to(0, 1)), (1, Wish::Undo), (5, create(&[0])), (6, create(&[1]))]);
}

#[test]
fn newcomers_race_for_what_somebody_has_back() {
    check_from(moved(&[&[1]], 0, &[(1, Wish::Undo), (5, create(&[0])), (6, create(&[0]))]));
    check_from(moved(&[&[1]], 0, &[(1, change(1, 0)), (1, Wish::Undo), (5, create(&[0]))]));
    check_from(moved(&[&[1]], 0, &[(1, move_to(1, 0)), (1, Wish::Delete), (5, create(&[0]))]));
}

#[test]
fn a_second_change_keeps_the_first_address_or_lets_it_go() {
    check_from(moved(&[&[1]], 0, &[(1, move_to(1, 2)), (1, Wish::Undo), (5, create(&[0]))]));
    check_from(moved(&[&[1]], 0, &[(1, move_to(1, 2)), (5, create(&[0])), (6, create(&[1]))]));
    check_from(moved(&[&[1]], 0, &[(1, change(1, 2)), (1, Wish::Undo), (5, create(&[0]))]));
    check(&[&[0]], &[(1, move_to(0, 1)), (1, move_to(1, 2)), (1, Wish::Undo), (5, create(&[0]))]);
}

#[test]
fn a_person_moves_there_and_back_and_there_again() {
    check(&[&[0]], &[(1, move_to(0, 1)), (1, move_to(1, 0)), (1, move_to(0, 1)), (5, create(&[1]))]);
}

#[test]
fn two_people_move_to_what_the_other_one_had() {
    check_from(moved(&[&[1], &[2]], 0, &[(1, Wish::Undo), (2, move_to(2, 0)), (2, Wish::Undo), (5, create(&[2]))]));
}

#[test]
fn a_person_with_a_former_address_changes_their_username_and_goes() {
    check_from(moved(&[&[1, 3]], 0, &[(1, change(3, 4)), (1, Wish::Undo), (1, Wish::Delete), (5, create(&[0, 3]))]));
}

/// The model is worth something only if it finds what is wrong.
#[test]
fn without_fences_two_people_get_one_address() {
    let start = scenario(&[], &[(5, create(&[0])), (6, create(&[0]))]);
    let rules = Rules { fences: false, ..Rules::ALL };
    let checker = Scenario { start, rules }.checker().spawn_bfs().join();
    assert!(checker.discovery(TWO_HAVE_ONE).is_some());
}

#[test]
fn two_people_get_one_address_where_it_is_not_taken_out_of_the_record_of_who_had_it() {
    let start = moved(&[&[1]], 0, &[(1, Wish::Undo), (5, create(&[0]))]);
    let rules = Rules { takes_out: false, ..Rules::ALL };
    let checker = Scenario { start, rules }.checker().spawn_bfs().join();
    assert!(checker.discovery(TWO_HAVE_ONE).is_some());
}
