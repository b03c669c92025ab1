//! A model of the protocol, checked exhaustively: every interleaving of a few operations, each of which may stop for good
//! after any step, as a process does that crashes. One step is one thing that is atomic on a store.
//!
//! In every state that can be reached: once somebody was an administrator, somebody is one.

use std::collections::BTreeMap;

use stateright::{Checker, Model, Property};

use super::counts;

/// Users and operations are numbers.
type Number = u8;

/// A user: which write this is, and with which operation they have the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Person {
    revision: u8,
    op: Option<Number>,
    is_active: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wish {
    Promote,
    /// The role goes: also by suspending.
    Demote,
    Delete,
}

/// How far an operation has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Start,
    /// Reads the list, having read the user.
    Look {
        seen: Person,
    },
    /// Looks whether another one on the list that was read is an administrator.
    Judge {
        seen: Person,
        list: u8,
        others: BTreeMap<Number, Vec<Number>>,
    },
    /// Writes the list, if it is as it was read.
    Strike {
        seen: Person,
        list: u8,
    },
    /// Lists the user with an operation.
    List {
        seen: Person,
        list: u8,
    },
    /// Writes the user, if they are as they were read.
    Write {
        seen: Person,
        struck: bool,
    },
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Operation {
    user: Number,
    op: Number,
    wish: Wish,
    step: Step,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    people: Vec<Person>,
    listed: BTreeMap<Number, Vec<Number>>,
    /// Which write the list is.
    list: u8,
    operations: Vec<Operation>,
    had_one: bool,
}

/// What the service does, and a wrong one might leave out.
#[derive(Clone, Copy)]
struct Rules {
    /// Otherwise the list is written as if nobody else wrote it.
    compares: bool,
    /// Otherwise whoever is listed counts who has the role, by whatever operation.
    counts_operations: bool,
}

struct Scenario {
    start: State,
    rules: Rules,
}

const ALWAYS_ONE: &str = "there is an administrator";

impl State {
    fn is_admin(person: Person, ops: &[Number], rules: Rules) -> bool {
        let is_counted = counts(person.op.as_ref(), ops);
        let is_listed = person.op.is_some() && !ops.is_empty();
        person.is_active && (is_counted || (is_listed && !rules.counts_operations))
    }

    fn has_admin(&self, listed: &BTreeMap<Number, Vec<Number>>, rules: Rules) -> bool {
        listed.iter().any(|(user, ops)| Self::is_admin(self.people[usize::from(*user)], ops, rules))
    }

    fn steps(&self, i: usize, rules: Rules) -> Vec<Self> {
        let Operation { user, op, wish, step } = self.operations[i].clone();
        let to = |step| {
            let mut next = self.clone();
            next.operations[i].step = step;
            next
        };
        let person = self.people[usize::from(user)];
        let ops = self.listed.get(&user).cloned().unwrap_or_default();
        let mut next = match step {
            Step::Done => Vec::new(),
            Step::Start if !person.is_active => vec![to(Step::Done)],
            Step::Start => vec![to(Step::Look { seen: person })],
            Step::Look { seen } => {
                let is_admin = Self::is_admin(seen, &ops, rules);
                let mut others = self.listed.clone();
                others.remove(&user);
                vec![to(match wish {
                    Wish::Promote if is_admin => Step::Done,
                    Wish::Promote => Step::List { seen, list: self.list },
                    _ if is_admin => Step::Judge { seen, list: self.list, others },
                    _ => Step::Write { seen, struck: false },
                })]
            }
            Step::Judge { seen, list, others } => {
                let may = self.has_admin(&others, rules);
                vec![to(if may { Step::Strike { seen, list } } else { Step::Done })]
            }
            Step::Strike { seen, list } | Step::List { seen, list } if rules.compares && self.list != list => {
                vec![to(Step::Look { seen })]
            }
            Step::Strike { seen, .. } => {
                let mut after = to(Step::Write { seen, struck: true });
                after.listed.remove(&user);
                after.list += 1;
                vec![after]
            }
            Step::List { seen, .. } => {
                let mut after = to(Step::Write { seen, struck: false });
                let ops = after.listed.entry(user).or_default();
                if !ops.contains(&op) {
                    ops.push(op);
                    after.list += 1;
                }
                vec![after]
            }
            Step::Write { seen, struck } => self.written(i, seen, struck),
        };
        for next in &mut next {
            next.had_one |= next.has_admin(&next.listed, rules);
        }
        next
    }

    fn written(&self, i: usize, seen: Person, struck: bool) -> Vec<Self> {
        let Operation { user, op, wish, .. } = self.operations[i];
        let place = usize::from(user);
        let mut outcomes = Vec::new();
        let mut after = self.clone();
        if self.people[place] == seen {
            let (op, is_active) = match wish {
                Wish::Promote => (Some(op), true),
                Wish::Demote => (None, true),
                Wish::Delete => (None, false),
            };
            after.people[place] = Person { revision: seen.revision + 1, op, is_active };
            after.operations[i].step = Step::Done;
        } else {
            after.operations[i].step = Step::Start;
        }
        outcomes.push(after);
        if struck {
            // The store has no room: the user is promoted again, by an operation of its own.
            let mut again = self.clone();
            again.operations[i] = Operation { user, op: op + 100, wish: Wish::Promote, step: Step::Start };
            outcomes.push(again);
        }
        outcomes
    }
}

impl Model for Scenario {
    type State = State;
    type Action = (usize, usize);

    fn init_states(&self) -> Vec<State> {
        vec![self.start.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<(usize, usize)>) {
        for i in 0..state.operations.len() {
            actions.extend((0..state.steps(i, self.rules).len()).map(|choice| (i, choice)));
        }
    }

    fn next_state(&self, state: &State, (i, choice): (usize, usize)) -> Option<State> {
        state.steps(i, self.rules).into_iter().nth(choice)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(ALWAYS_ONE, |scenario: &Self, state: &State| {
            !state.had_one || state.has_admin(&state.listed, scenario.rules)
        })]
    }
}

const ALL: Rules = Rules { compares: true, counts_operations: true };

/// The first `admins` of three people are administrators; then these operations begin.
fn scenario(admins: u8, operations: &[(Number, Wish)], rules: Rules) -> Scenario {
    let person = |user: u8| Person { revision: 0, op: (user < admins).then_some(50 + user), is_active: true };
    let listed = (0..admins).map(|user| (user, vec![50 + user])).collect();
    let operation =
        |(op, (user, wish)): (u8, &(Number, Wish))| Operation { user: *user, op, wish: *wish, step: Step::Start };
    let operations = (0..).zip(operations).map(operation).collect();
    let start = State { people: (0..3).map(person).collect(), listed, list: 0, operations, had_one: admins > 0 };
    Scenario { start, rules }
}

fn check(admins: u8, operations: &[(Number, Wish)]) {
    let checker = scenario(admins, operations, ALL).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.unique_state_count() > 20, "only {} states", checker.unique_state_count());
}

use Wish::{Delete, Demote, Promote};

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
    check(1, &[(1, Promote), (1, Promote), (0, Demote), (1, Demote)]);
    check(2, &[(0, Demote), (0, Promote), (1, Demote), (0, Demote)]);
    check(2, &[(0, Demote), (0, Promote), (0, Promote), (1, Delete)]);
}

#[test]
fn the_first_ones_are_promoted_and_demoted() {
    check(0, &[(0, Promote), (0, Promote), (0, Demote), (1, Promote)]);
}

/// The model is worth something only if it finds what is wrong.
#[test]
fn without_comparing_or_operations_nobody_is_left() {
    let finds = |admins, operations: &[_], rules| {
        let checker = scenario(admins, operations, rules).checker().spawn_bfs().join();
        assert!(checker.discovery(ALWAYS_ONE).is_some());
    };
    finds(2, &[(0, Demote), (1, Demote)], Rules { compares: false, ..ALL });
    let operations = [(0, Demote), (0, Promote), (1, Demote), (0, Demote)];
    finds(2, &operations, Rules { counts_operations: false, ..ALL });
}
