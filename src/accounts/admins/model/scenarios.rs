//! What is checked: who is there at first, and what they do at once.

use stateright::{Checker, Model};

use super::{
    ALWAYS_ONE, ALWAYS_ONE_WHO_ENTERS, Number, Operation, Person, Rules, Scenario, State, Step,
    Wish::{self, Delete, Demote, Enter, Lose, Promote},
};

const ALL: Rules = Rules {
    compares: true,
    counts_operations: true,
    needs_one_who_enters: true,
    makes_room_safely: true,
    tidies_what_is_written: true,
    most: 3,
};

/// The first `admins` of three people are administrators, all can sign in who are not among `invited`, and `left` are
/// entries of the list that belong to nobody's role; then these operations begin.
fn scenario(admins: u8, invited: &[Number], left: &[Number], operations: &[(Number, Wish)], rules: Rules) -> Scenario {
    let person = |user: u8| {
        let (op, can_sign_in) = ((user < admins).then_some(50 + user), !invited.contains(&user));
        Person { revision: 0, op, is_active: true, can_sign_in }
    };
    let listed = (0..admins).chain(left.iter().copied()).map(|user| (user, vec![50 + user])).collect();
    let operation =
        |(op, (user, wish)): (u8, &(Number, Wish))| Operation { user: *user, op, wish: *wish, step: Step::Start };
    let operations = (0..).zip(operations).map(operation).collect();
    let people = (0..3).map(person).collect::<Vec<_>>();
    let mut start = State { people, listed, list: 0, operations, had_one: admins > 0, had_one_who_enters: false };
    start.had_one_who_enters = start.has_admin(&start.listed, true, rules);
    Scenario { start, rules }
}

fn check_with(admins: u8, invited: &[Number], left: &[Number], operations: &[(Number, Wish)], most: usize) {
    let rules = Rules { most, ..ALL };
    let checker = scenario(admins, invited, left, operations, rules).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 20, "only {} states", checker.unique_state_count());
}

fn check(admins: u8, operations: &[(Number, Wish)]) {
    check_with(admins, &[], &[], operations, 3);
}

#[test]
fn two_administrators_remove_each_other() {
    check(2, &[(0, Demote), (1, Demote)]);
    check(2, &[(0, Delete), (1, Demote), (0, Demote)]);
}

#[test]
fn three_administrators_go_at_once() {
    check(3, &[(0, Demote), (1, Delete), (2, Demote)]);
}

#[test]
fn somebody_is_promoted_and_demoted_while_another_one_goes() {
    check(1, &[(1, Promote), (0, Demote), (1, Demote)]);
    check(1, &[(1, Promote), (1, Promote), (0, Demote)]);
    check(2, &[(0, Demote), (0, Promote), (1, Demote), (0, Demote)]);
    check(2, &[(0, Demote), (0, Promote), (1, Delete)]);
}

#[test]
fn the_first_ones_are_promoted_and_demoted() {
    check(0, &[(0, Promote), (0, Promote), (0, Demote)]);
    check(0, &[(0, Promote), (0, Demote), (1, Promote)]);
}

#[test]
fn somebody_who_is_invited_sets_a_password_while_others_go() {
    check_with(2, &[1], &[], &[(0, Demote), (1, Enter), (1, Demote)], 3);
    check_with(3, &[1, 2], &[], &[(0, Demote), (1, Enter), (1, Delete), (2, Demote)], 3);
    check_with(3, &[], &[], &[(0, Demote), (1, Lose), (2, Demote), (1, Enter)], 3);
}

#[test]
fn a_full_list_makes_room_while_those_on_it_come_and_go() {
    check_with(1, &[], &[2], &[(1, Promote), (0, Demote), (2, Promote)], 2);
    check_with(1, &[], &[1], &[(1, Promote), (2, Promote), (0, Demote)], 2);
    check_with(0, &[], &[0, 1], &[(0, Promote), (2, Promote)], 2);
}

/// The model is worth something only if it finds what is wrong.
#[test]
fn without_any_of_the_rules_nobody_is_left() {
    let finds = |property, admins, invited: &[_], left: &[_], operations: &[_], rules| {
        let checker = scenario(admins, invited, left, operations, rules).checker().spawn_bfs().join();
        assert!(checker.discovery(property).is_some(), "{operations:?}");
    };
    let at_once = [(0, Demote), (1, Demote)];
    finds(ALWAYS_ONE, 2, &[], &[], &at_once, Rules { compares: false, ..ALL });
    let again = [(0, Demote), (0, Promote), (1, Demote), (0, Demote)];
    finds(ALWAYS_ONE, 2, &[], &[], &again, Rules { counts_operations: false, ..ALL });
    let any = Rules { needs_one_who_enters: false, ..ALL };
    finds(ALWAYS_ONE_WHO_ENTERS, 2, &[1], &[], &at_once, any);
    let unsafely = Rules { makes_room_safely: false, most: 1, ..ALL };
    finds(ALWAYS_ONE, 0, &[], &[0], &[(0, Promote), (1, Promote)], unsafely);
    let twice = [(0, Promote), (0, Promote)];
    finds(ALWAYS_ONE, 0, &[], &[], &twice, Rules { tidies_what_is_written: false, ..ALL });
}
