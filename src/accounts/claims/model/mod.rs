//! A model of the protocol, checked exhaustively: every interleaving of a few operations, each of which may stop for good
//! after any step. It judges claims with the [`judge`](super::judge) that the service uses.
//!
//! One step is one thing that is atomic on a store: a read, or one commit. In every state that can be reached, no two
//! people have the same address or name, whoever has one has the claim on it, and a newcomer who runs alone gets what is
//! free and is refused what is taken.

mod scenarios;

use std::collections::BTreeMap;

use stateright::{Model, Property};

use super::{Claim, Owner, Standing, judge};
use crate::accounts::{
    clock::Timestamp,
    user::{OperationId, UserId},
};

/// Addresses and names are numbers; so are people and operations.
type Number = u8;

/// A claim as the model keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Claimed {
    user: Number,
    fence: u64,
    op: Number,
}

/// What is stored of a person: which operation gave them each handle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Person {
    Active { handles: BTreeMap<Number, Number>, fence: u64 },
    Tombstone,
}

/// What somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Wish {
    /// Make an account with these handles. `shared`: with an idempotency key, so that nothing is taken back.
    Create { shared: bool, handles: Vec<Number> },
    /// Give up one handle and have another.
    Change { from: Number, to: Number },
    /// Delete the account.
    Delete,
}

/// How far an operation has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Start,
    /// Reads the claim on the `next` handle.
    Look {
        fence: u64,
        next: usize,
    },
    /// Reads its owner, and judges.
    Judge {
        fence: u64,
        next: usize,
        seen: Option<Claimed>,
    },
    Fence {
        fence: u64,
        next: usize,
        seen: Claimed,
    },
    /// Writes the claim, if it is still the one that was seen.
    Take {
        fence: u64,
        next: usize,
        seen: Option<Claimed>,
    },
    Commit {
        fence: u64,
    },
    /// Takes claims back, one by one.
    Release {
        left: Vec<(Number, Number)>,
        done: bool,
    },
    Done,
    Failed,
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
    claims: BTreeMap<Number, Claimed>,
    people: BTreeMap<Number, Person>,
    operations: Vec<Operation>,
}

/// The start of a scenario. Without `fences`, a pending claim is taken over as it is.
struct Scenario {
    start: State,
    fences: bool,
}

impl State {
    fn owner(&self, user: Number, handle: Number) -> Owner {
        match self.people.get(&user) {
            None => Owner::Absent,
            Some(Person::Tombstone) => Owner::Tombstone,
            Some(Person::Active { handles, fence }) => {
                Owner::Active { fence: *fence, holds: handles.get(&handle).map(|op| operation(*op)) }
            }
        }
    }

    fn standing(&self, claim: Claimed, handle: Number) -> Standing {
        let Claimed { user, fence, op } = claim;
        let (id, at) = (UserId::from_bytes([user; 16]), Timestamp::from_millis(0));
        judge(&Claim { user: id, fence, op: operation(op), at }, self.owner(user, handle))
    }

    fn is_held(&self, handle: Number) -> bool {
        self.holders(handle) > 0
    }

    fn holders(&self, handle: Number) -> usize {
        let has = |person: &&Person| matches!(person, Person::Active { handles, .. } if handles.contains_key(&handle));
        self.people.values().filter(has).count()
    }

    /// What operation `i` may do next. There is a choice only where its clock decides.
    fn steps(&self, i: usize, fences: bool) -> Vec<Self> {
        let Operation { user, op, wish, step } = self.operations[i].clone();
        let to = |step: Step| {
            let mut next = self.clone();
            next.operations[i].step = step;
            next
        };
        let wanted = match &wish {
            Wish::Create { handles, .. } => handles.clone(),
            Wish::Change { to, .. } => vec![*to],
            Wish::Delete => Vec::new(),
        };
        let own = || wanted.iter().map(|handle| (*handle, op)).collect::<Vec<_>>();
        let fail = || match wish {
            Wish::Create { shared: true, .. } => to(Step::Failed),
            _ => to(Step::Release { left: own(), done: false }),
        };
        match step {
            Step::Done | Step::Failed => Vec::new(),
            Step::Start => vec![match (&wish, self.people.get(&user)) {
                (Wish::Create { .. }, _) => to(Step::Look { fence: 0, next: 0 }),
                (Wish::Change { from, .. }, Some(Person::Active { handles, fence })) if handles.contains_key(from) => {
                    to(Step::Look { fence: *fence, next: 0 })
                }
                (Wish::Delete, Some(Person::Active { .. })) => to(Step::Commit { fence: 0 }),
                _ => to(Step::Failed),
            }],
            Step::Look { fence, next } => vec![match wanted.get(next) {
                Some(handle) => to(Step::Judge { fence, next, seen: self.claims.get(handle).copied() }),
                None => to(Step::Commit { fence }),
            }],
            Step::Judge { fence, next, seen: None } => vec![to(Step::Take { fence, next, seen: None })],
            Step::Judge { fence, next, seen: Some(seen) } if seen == (Claimed { user, fence, op }) => {
                vec![to(Step::Look { fence, next: next + 1 })]
            }
            Step::Judge { fence, next, seen: Some(seen) } => match self.standing(seen, wanted[next]) {
                Standing::Binding => vec![fail()],
                Standing::Dead => vec![to(Step::Take { fence, next, seen: Some(seen) })],
                Standing::Pending if fences => vec![to(Step::Fence { fence, next, seen }), fail()],
                Standing::Pending => vec![to(Step::Take { fence, next, seen: Some(seen) }), fail()],
            },
            Step::Fence { fence, next, seen } => {
                let mut after = to(Step::Look { fence, next });
                if self.standing(seen, wanted[next]) == Standing::Pending {
                    match after.people.get_mut(&seen.user) {
                        Some(Person::Active { fence, .. }) => *fence += 1,
                        _ => drop(after.people.insert(seen.user, Person::Tombstone)),
                    }
                }
                vec![after]
            }
            Step::Take { fence, next, seen } => {
                let handle = wanted[next];
                if self.claims.get(&handle).copied() != seen {
                    return vec![to(Step::Look { fence, next })];
                }
                let mut after = to(Step::Look { fence, next: next + 1 });
                after.claims.insert(handle, Claimed { user, fence, op });
                vec![after]
            }
            Step::Commit { fence: expected } => vec![match (&wish, self.people.get(&user)) {
                (Wish::Create { .. }, None) => {
                    let mut after = to(Step::Done);
                    after.people.insert(user, Person::Active { handles: own().into_iter().collect(), fence: 1 });
                    after
                }
                (Wish::Create { shared: true, .. }, Some(Person::Active { .. })) => to(Step::Done),
                (Wish::Change { from, to: wanted }, Some(Person::Active { handles, fence })) if *fence == expected => {
                    let mut handles = handles.clone();
                    let left = handles.remove(from).map(|old| (*from, old));
                    handles.insert(*wanted, op);
                    let mut after = to(Step::Release { left: left.into_iter().collect(), done: true });
                    after.people.insert(user, Person::Active { handles, fence: fence + 1 });
                    after
                }
                (Wish::Delete, Some(Person::Active { handles, .. })) => {
                    let left = handles.iter().map(|(handle, op)| (*handle, *op)).collect();
                    let mut after = to(Step::Release { left, done: true });
                    after.people.insert(user, Person::Tombstone);
                    after
                }
                _ => fail(),
            }],
            Step::Release { mut left, done } => {
                let Some((handle, op)) = left.pop() else {
                    return vec![to(if done { Step::Done } else { Step::Failed })];
                };
                let mut after = to(Step::Release { left, done });
                if self.claims.get(&handle).is_some_and(|claim| (claim.user, claim.op) == (user, op)) {
                    after.claims.remove(&handle);
                }
                vec![after]
            }
        }
    }

    /// Whether a newcomer who runs alone gets `handle` if nobody has it, and is refused if somebody has.
    fn heals(&self, handle: Number) -> bool {
        let mut state = self.clone();
        let wish = Wish::Create { shared: false, handles: vec![handle] };
        state.operations = vec![Operation { user: 99, op: 99, wish, step: Step::Start }];
        for _ in 0..40 {
            match state.operations[0].step {
                Step::Done => return !self.is_held(handle),
                Step::Failed => return self.is_held(handle),
                // The first choice is the patient one, who fences.
                _ => state = state.steps(0, true).swap_remove(0),
            }
        }
        false
    }
}

/// The handles that a scenario may use.
const HANDLES: std::ops::Range<Number> = 0..5;

impl Model for Scenario {
    type State = State;
    type Action = (usize, usize);

    fn init_states(&self) -> Vec<State> {
        vec![self.start.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<(usize, usize)>) {
        for i in 0..state.operations.len() {
            actions.extend((0..state.steps(i, self.fences).len()).map(|choice| (i, choice)));
        }
    }

    fn next_state(&self, state: &State, (i, choice): (usize, usize)) -> Option<State> {
        state.steps(i, self.fences).into_iter().nth(choice)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let unique = |_: &Self, state: &State| HANDLES.into_iter().all(|handle| state.holders(handle) <= 1);
        let claimed = |_: &Self, state: &State| {
            state.people.iter().all(|(user, person)| match person {
                Person::Tombstone => true,
                Person::Active { handles, .. } => handles.iter().all(|(handle, op)| {
                    state.claims.get(handle).is_some_and(|claim| (claim.user, claim.op) == (*user, *op))
                }),
            })
        };
        let heals = |_: &Self, state: &State| HANDLES.into_iter().all(|handle| state.heals(handle));
        vec![
            Property::always("nobody has what another has", unique),
            Property::always("whoever has something has the claim on it", claimed),
            Property::always("what is free can be had, and what is taken cannot", heals),
            Property::sometimes("somebody is done", |_, state: &State| {
                state.operations.iter().any(|operation| operation.step == Step::Done)
            }),
        ]
    }
}

fn operation(number: Number) -> OperationId {
    OperationId::from_bytes([number; 16])
}
