//! A model of the protocol, checked exhaustively: every interleaving of a few operations, each of which may stop for good
//! after any step, as a process does that crashes. One step is one thing that is atomic on a store.
//!
//! In every state that can be reached: once somebody was an administrator, somebody is one; and once one could sign in, one
//! can, unless they lost what it takes by themselves.

mod scenarios;

use std::collections::BTreeMap;

use stateright::{Model, Property};

use crate::accounts::admins::counts;

/// Users and operations are numbers.
type Number = u8;

/// A user: which write this is, and with which operation they have the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Person {
    revision: u8,
    op: Option<Number>,
    is_active: bool,
    can_sign_in: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wish {
    Promote,
    /// The role goes: also by suspending.
    Demote,
    Delete,
    /// Sets a password.
    Enter,
    /// Loses the password, or what confirms the address.
    Lose,
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
    /// Looks who on the full list that was read is no administrator.
    Weigh {
        seen: Person,
        list: u8,
        others: BTreeMap<Number, Vec<Number>>,
    },
    /// Lists the user with an operation, and takes these off the list.
    List {
        seen: Person,
        list: u8,
        gone: Vec<Number>,
    },
    /// Writes the user, if they are as they were read.
    Write {
        seen: Person,
        struck: bool,
    },
    /// Takes the other operations off the list, once this one is written.
    Tidy,
    /// Takes this operation off the list, which is not written.
    Unlist,
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
    had_one_who_enters: bool,
}

/// What the service does, and a wrong one might leave out.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a rule")]
struct Rules {
    /// Otherwise the list is written as if nobody else wrote it.
    compares: bool,
    /// Otherwise whoever is listed counts who has the role, by whatever operation.
    counts_operations: bool,
    /// Otherwise whoever goes only needs another administrator to be there.
    needs_one_who_enters: bool,
    /// Otherwise the list loses those who are none also when nobody else is one.
    makes_room_safely: bool,
    /// Otherwise any operation that was listed is tidied, whether or not it was written.
    tidies_what_is_written: bool,
    /// How many the list holds.
    most: usize,
}

struct Scenario {
    start: State,
    rules: Rules,
}

const ALWAYS_ONE: &str = "there is an administrator";
const ALWAYS_ONE_WHO_ENTERS: &str = "there is an administrator who can sign in";

impl State {
    fn is_admin(person: Person, ops: &[Number], rules: Rules) -> bool {
        let is_counted = counts(person.op.as_ref(), ops);
        let is_listed = person.op.is_some() && !ops.is_empty();
        person.is_active && (is_counted || (is_listed && !rules.counts_operations))
    }

    fn has_admin(&self, listed: &BTreeMap<Number, Vec<Number>>, who_enters: bool, rules: Rules) -> bool {
        listed.iter().any(|(user, ops)| {
            let person = self.people[usize::from(*user)];
            Self::is_admin(person, ops, rules) && (person.can_sign_in || !who_enters)
        })
    }

    fn loses_somebody(&self) -> bool {
        self.operations.iter().any(|operation| operation.wish == Wish::Lose)
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
            Step::Start if !person.is_active => vec![to(Step::Unlist)],
            Step::Start if matches!(wish, Wish::Enter | Wish::Lose) => {
                vec![to(Step::Write { seen: person, struck: false })]
            }
            Step::Start => vec![to(Step::Look { seen: person })],
            Step::Look { seen } => {
                let is_admin = Self::is_admin(seen, &ops, rules);
                let mut others = self.listed.clone();
                others.remove(&user);
                vec![to(match wish {
                    Wish::Promote if is_admin && rules.tidies_what_is_written => Step::Unlist,
                    Wish::Promote if is_admin => Step::Tidy,
                    Wish::Promote if others.len() >= rules.most => Step::Weigh { seen, list: self.list, others },
                    Wish::Promote => Step::List { seen, list: self.list, gone: Vec::new() },
                    _ if is_admin => Step::Judge { seen, list: self.list, others },
                    _ => Step::Write { seen, struck: false },
                })]
            }
            Step::Judge { seen, list, others } => {
                let may = self.has_admin(&others, rules.needs_one_who_enters, rules);
                vec![to(if may { Step::Strike { seen, list } } else { Step::Done })]
            }
            Step::Weigh { seen, list, others } => {
                let is_none = |(user, ops): &(&Number, &Vec<Number>)| {
                    !Self::is_admin(self.people[usize::from(**user)], ops, rules)
                };
                let gone = others.iter().filter(is_none).map(|(user, _)| *user).collect::<Vec<_>>();
                let is_safe = !rules.makes_room_safely || self.has_admin(&others, true, rules);
                let may = is_safe && others.len() - gone.len() < rules.most;
                vec![to(if may { Step::List { seen, list, gone } } else { Step::Unlist })]
            }
            Step::Strike { seen, list } | Step::List { seen, list, .. } if rules.compares && self.list != list => {
                vec![to(Step::Look { seen })]
            }
            Step::Strike { seen, .. } => {
                let mut after = to(Step::Write { seen, struck: true });
                after.listed.remove(&user);
                after.list += 1;
                vec![after]
            }
            Step::List { seen, gone, .. } => {
                let mut after = to(Step::Write { seen, struck: false });
                after.listed.retain(|user, _| !gone.contains(user));
                let ops = after.listed.entry(user).or_default();
                if !ops.contains(&op) {
                    ops.push(op);
                    after.list += 1;
                }
                vec![after]
            }
            Step::Write { seen, struck } => self.written(i, seen, struck),
            Step::Tidy => {
                let (mut tidied, mut again) = (to(Step::Done), to(Step::Start));
                again.operations[i].op = op + 100;
                let is_listed = ops.contains(&op);
                if is_listed {
                    tidied.listed.insert(user, vec![op]);
                    tidied.list += 1;
                }
                // The list may be unreadable. Nobody tries again more than once.
                let next = [(tidied, is_listed || op >= 100), (again, op < 100)];
                next.into_iter().filter(|(_, may_be)| *may_be).map(|(state, _)| state).collect()
            }
            Step::Unlist => {
                let mut after = to(Step::Done);
                if ops.contains(&op) {
                    let left = ops.into_iter().filter(|listed| *listed != op).collect::<Vec<_>>();
                    after.listed.remove(&user);
                    after.listed.extend((!left.is_empty()).then_some((user, left)));
                    after.list += 1;
                }
                vec![after]
            }
        };
        for next in &mut next {
            next.had_one |= next.has_admin(&next.listed, false, rules);
            next.had_one_who_enters |= next.has_admin(&next.listed, true, rules);
        }
        next
    }

    fn written(&self, i: usize, seen: Person, struck: bool) -> Vec<Self> {
        let Operation { user, op, wish, .. } = self.operations[i];
        let place = usize::from(user);
        let mut outcomes = Vec::new();
        let mut after = self.clone();
        if self.people[place] == seen {
            let (next, step) = match wish {
                Wish::Promote => (Person { op: Some(op), ..seen }, Step::Tidy),
                Wish::Demote => (Person { op: None, ..seen }, Step::Done),
                Wish::Delete => (Person { op: None, is_active: false, ..seen }, Step::Done),
                Wish::Enter => (Person { can_sign_in: true, ..seen }, Step::Done),
                Wish::Lose => (Person { can_sign_in: false, ..seen }, Step::Done),
            };
            after.people[place] = Person { revision: seen.revision + 1, ..next };
            after.operations[i].step = step;
        } else {
            after.operations[i].step = Step::Start;
        }
        outcomes.push(after);
        if wish == Wish::Promote {
            // The store has no room.
            outcomes.push(self.clone());
            outcomes[1].operations[i].step = Step::Unlist;
        }
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
        vec![
            Property::always(ALWAYS_ONE, |scenario: &Self, state: &State| {
                !state.had_one || state.has_admin(&state.listed, false, scenario.rules)
            }),
            Property::always(ALWAYS_ONE_WHO_ENTERS, |scenario: &Self, state: &State| {
                let had_one = state.had_one_who_enters && !state.loses_somebody();
                !had_one || state.has_admin(&state.listed, true, scenario.rules)
            }),
        ]
    }
}
