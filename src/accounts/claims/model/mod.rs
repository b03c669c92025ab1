//! A model of the protocol, checked exhaustively: every interleaving of a few operations, each of which may stop for good
//! after any step. It judges claims with the [`judge`](super::judge) that the service uses.
//!
//! One step is one thing that is atomic on a store: a read, or one commit. What a clock says is a choice: whether somebody
//! has waited long enough, and whether an address that can undo a change still may. In every state that can be reached:
//! - no two people have the same address or name, nor may have it back;
//! - whoever has one, or may have it back, has the claim on it, so whatever can be undone can be undone by somebody who
//!   runs alone, without a claim;
//! - a newcomer who runs alone gets what is free, and what somebody could have back until now, and is refused the rest.

mod scenarios;
mod steps;

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

/// What is stored of a person: which operation gave them each handle, and the one that they may have back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Person {
    Active { handles: BTreeMap<Number, Number>, previous: Option<(Number, Number)>, fence: u64 },
    Tombstone,
}

/// What somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Wish {
    /// Make an account with these handles. `shared`: with an idempotency key, so that nothing is taken back.
    Create { shared: bool, handles: Vec<Number> },
    /// Give up one handle and have another. `keeps`: the one before can undo it.
    Change { from: Number, to: Number, keeps: bool },
    /// Have the handle before back.
    Undo,
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
    /// Takes the handle that its owner could have back out of their record.
    TakeOut {
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
    /// Commits that the handle before is had again.
    Return {
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

/// What the service does, and a wrong one might leave out.
#[derive(Clone, Copy)]
struct Rules {
    /// Otherwise a pending claim is taken over as it is.
    fences: bool,
    /// Otherwise the claim of an address that its owner could have back until now is taken over as it is.
    takes_out: bool,
}

impl Rules {
    const ALL: Self = Self { fences: true, takes_out: true };
}

/// The start of a scenario.
struct Scenario {
    start: State,
    rules: Rules,
}

impl Person {
    /// All that is claimed for them.
    fn held(&self) -> Vec<(Number, Number)> {
        match self {
            Self::Active { handles, previous, .. } => {
                handles.iter().map(|(handle, op)| (*handle, *op)).chain(*previous).collect()
            }
            Self::Tombstone => Vec::new(),
        }
    }

    fn has(&self, handle: Number) -> bool {
        matches!(self, Self::Active { handles, .. } if handles.contains_key(&handle))
    }
}

impl State {
    fn owner(&self, user: Number, handle: Number) -> Owner {
        match self.people.get(&user) {
            None => Owner::Absent,
            Some(Person::Tombstone) => Owner::Tombstone,
            Some(person @ Person::Active { fence, .. }) => {
                let held = person.held().into_iter().find(|(held, _)| *held == handle);
                Owner::Active { fence: *fence, holds: held.map(|(_, op)| operation(op)) }
            }
        }
    }

    fn standing(&self, claim: Claimed, handle: Number) -> Standing {
        let Claimed { user, fence, op } = claim;
        let (id, at) = (UserId::from_bytes([user; 16]), Timestamp::from_millis(0));
        judge(&Claim { user: id, fence, op: operation(op), at }, self.owner(user, handle))
    }

    /// How many people have `handle`.
    fn owners(&self, handle: Number) -> usize {
        self.people.values().filter(|person| person.has(handle)).count()
    }

    /// How often somebody has `handle`, or may have it back.
    fn holders(&self, handle: Number) -> usize {
        self.people.values().flat_map(Person::held).filter(|(held, _)| *held == handle).count()
    }

    /// What becomes of this when one operation runs alone. Where its clock decides, it is `late` or not.
    fn alone(&self, user: Number, wish: Wish, late: bool) -> Self {
        let mut state = self.clone();
        state.operations = vec![Operation { user, op: 99, wish, step: Step::Start }];
        for _ in 0..40 {
            let mut steps = state.steps(0, Rules::ALL);
            let Some(patient) = steps.first() else { break };
            // The first choice is that of whoever comes late. For an attempt that has died it is late anyway.
            let first = late || !matches!(patient.operations[0].step, Step::TakeOut { .. });
            state = steps.swap_remove(if first { 0 } else { steps.len() - 1 });
        }
        state
    }

    /// Whether a newcomer who runs alone gets `handle` if nobody has it, and is refused if somebody has; or may have it
    /// back, unless it is too `late` for that.
    fn heals(&self, handle: Number, late: bool) -> bool {
        let after = self.alone(99, Wish::Create { shared: false, handles: vec![handle] }, late);
        let is_taken = if late { self.owners(handle) > 0 } else { self.holders(handle) > 0 };
        after.operations[0].step == if is_taken { Step::Failed } else { Step::Done }
    }

    /// Whether everybody who may have something back has it, if they run alone, by the claim that they have.
    fn undoes(&self) -> bool {
        self.people.iter().all(|(user, person)| {
            let Person::Active { previous: Some((handle, op)), .. } = person else { return true };
            let after = self.alone(*user, Wish::Undo, false);
            let person = &after.people[user];
            after.operations[0].step == Step::Done
                && matches!(person, Person::Active { handles, previous: None, .. } if handles.get(handle) == Some(op))
                && after.claims.get(handle) == self.claims.get(handle)
        })
    }
}

/// The handles that a scenario may use.
const HANDLES: std::ops::Range<Number> = 0..5;

/// Those below are email addresses.
const FIRST_USERNAME: Number = 3;

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
        let unique = |_: &Self, state: &State| HANDLES.into_iter().all(|handle| state.owners(handle) <= 1);
        let kept = |_: &Self, state: &State| HANDLES.into_iter().all(|handle| state.holders(handle) <= 1);
        let claimed = |_: &Self, state: &State| {
            state.people.iter().all(|(user, person)| {
                person.held().into_iter().all(|(handle, op)| {
                    state.claims.get(&handle).is_some_and(|claim| (claim.user, claim.op) == (*user, op))
                })
            })
        };
        let heals = |_: &Self, state: &State| {
            // What nobody claims is free, as the property above says.
            state.claims.keys().all(|handle| state.heals(*handle, true) && state.heals(*handle, false))
        };
        vec![
            Property::always(TWO_HAVE_ONE, unique),
            Property::always("nobody has what another may have back", kept),
            Property::always("whoever has something, or may have it back, has the claim on it", claimed),
            Property::always("what is free can be had, and what is taken cannot", heals),
            Property::always("what may be had back can be had back", |_, state: &State| state.undoes()),
            Property::sometimes("somebody is done", |_, state: &State| {
                state.operations.iter().any(|operation| operation.step == Step::Done)
            }),
        ]
    }
}

/// The property that everything here is for.
const TWO_HAVE_ONE: &str = "nobody has what another has";

fn operation(number: Number) -> OperationId {
    OperationId::from_bytes([number; 16])
}
