//! What each operation of the model does next.

use super::{Claimed, FIRST_USERNAME, Number, Operation, Person, Rules, Standing, State, Step, Wish};

impl State {
    /// What operation `i` may do next. There is a choice only where its clock decides.
    pub(super) fn steps(&self, i: usize, rules: Rules) -> Vec<Self> {
        let Operation { user, op, wish, step } = self.operations[i].clone();
        let to = |step: Step| {
            let mut next = self.clone();
            next.operations[i].step = step;
            next
        };
        let wanted = match &wish {
            Wish::Create { handles, .. } => handles.clone(),
            Wish::Change { to, .. } => vec![*to],
            Wish::Undo | Wish::Delete => Vec::new(),
        };
        let own = || wanted.iter().map(|handle| (*handle, op)).collect::<Vec<_>>();
        let fail = || match wish {
            Wish::Create { shared: true, .. } => to(Step::Failed),
            _ => to(Step::Release { left: own(), done: false }),
        };
        match step {
            Step::Done | Step::Failed => Vec::new(),
            Step::Start => vec![to(self.first_step(user, &wish))],
            Step::Look { fence, next } => vec![match wanted.get(next) {
                Some(handle) => to(Step::Judge { fence, next, seen: self.claims.get(handle).copied() }),
                None => to(Step::Commit { fence }),
            }],
            Step::Judge { fence, next, seen: None } => vec![to(Step::Take { fence, next, seen: None })],
            Step::Judge { fence, next, seen: Some(seen) } if seen == (Claimed { user, fence, op }) => {
                vec![to(Step::Look { fence, next: next + 1 })]
            }
            Step::Judge { fence, next, seen: Some(seen) } => match self.standing(seen, wanted[next]) {
                Standing::Binding if self.people[&seen.user].has(wanted[next]) => vec![fail()],
                Standing::Binding if rules.takes_out => vec![to(Step::TakeOut { fence, next, seen }), fail()],
                Standing::Dead => vec![to(Step::Take { fence, next, seen: Some(seen) })],
                Standing::Pending if rules.fences => vec![to(Step::Fence { fence, next, seen }), fail()],
                Standing::Binding | Standing::Pending => {
                    vec![to(Step::Take { fence, next, seen: Some(seen) }), fail()]
                }
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
            Step::TakeOut { fence, next, seen } => {
                let mut after = to(Step::Look { fence, next });
                if let Some(Person::Active { previous, fence, .. }) = after.people.get_mut(&seen.user)
                    && *previous == Some((wanted[next], seen.op))
                {
                    *previous = None;
                    *fence += 1;
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
            Step::Commit { fence } => {
                let outcomes = self.outcomes(user, op, &wish, fence).into_iter().map(|(person, step)| {
                    let mut after = to(step);
                    after.people.insert(user, person);
                    after
                });
                let mut outcomes = outcomes.collect::<Vec<_>>();
                if outcomes.is_empty() {
                    outcomes.push(fail());
                }
                outcomes
            }
            Step::Return { fence } => self.returns(&wish, user, fence, to).unwrap_or_else(|| vec![fail()]),
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

    /// Has what is theirs already back, if the user is as they were.
    fn returns(&self, wish: &Wish, user: Number, expected: u64, to: impl Fn(Step) -> Self) -> Option<Vec<Self>> {
        let Some(Person::Active { handles, previous: Some((handle, op)), fence }) = self.people.get(&user) else {
            return None;
        };
        if *fence != expected {
            return None;
        }
        let mut handles = handles.clone();
        let usernames = handles.split_off(&FIRST_USERNAME);
        let left = std::mem::replace(&mut handles, usernames).into_iter().collect::<Vec<_>>();
        handles.insert(*handle, *op);
        let outcome = |previous, left| {
            let mut after = to(Step::Release { left, done: true });
            let handles = handles.clone();
            after.people.insert(user, Person::Active { handles, previous, fence: fence + 1 });
            after
        };
        // Whether the older one may still undo is what the clock says; only if not, this can be undone.
        let keeps = matches!(wish, Wish::Change { keeps: true, .. });
        let kept = left.first().copied().filter(|_| keeps).map(|old| outcome(Some(old), Vec::new()));
        Some([outcome(None, left)].into_iter().chain(kept).collect())
    }

    /// Reads the user, and decides what is to be claimed.
    fn first_step(&self, user: Number, wish: &Wish) -> Step {
        match (wish, self.people.get(&user)) {
            (Wish::Create { .. }, _) => Step::Look { fence: 0, next: 0 },
            (Wish::Undo, Some(Person::Active { previous: Some(_), fence, .. })) => Step::Return { fence: *fence },
            (Wish::Change { from, to, .. }, Some(Person::Active { handles, previous, fence }))
                if handles.contains_key(from) =>
            {
                match previous {
                    // What is theirs already is not claimed again.
                    Some((handle, _)) if handle == to => Step::Return { fence: *fence },
                    _ => Step::Look { fence: *fence, next: 0 },
                }
            }
            (Wish::Delete, Some(Person::Active { .. })) => Step::Commit { fence: 0 },
            _ => Step::Failed,
        }
    }

    /// What a commit may make of the user, and what is to be done then. There is none if it finds another state than it
    /// expects.
    fn outcomes(&self, user: Number, op: Number, wish: &Wish, expected: u64) -> Vec<(Person, Step)> {
        match (wish, self.people.get(&user)) {
            (Wish::Create { handles, .. }, None) => {
                let handles = handles.iter().map(|handle| (*handle, op)).collect();
                vec![(Person::Active { handles, previous: None, fence: 1 }, Step::Done)]
            }
            (Wish::Create { shared: true, .. }, Some(person @ Person::Active { .. })) => {
                vec![(person.clone(), Step::Done)]
            }
            (Wish::Change { from, to, keeps }, Some(Person::Active { handles, previous, fence }))
                if *fence == expected =>
            {
                let mut handles = handles.clone();
                let Some(old) = handles.remove(from).map(|op| (*from, op)) else { return Vec::new() };
                handles.insert(*to, op);
                let outcome = |previous, left: Option<_>| {
                    let step = Step::Release { left: left.into_iter().collect(), done: true };
                    (Person::Active { handles: handles.clone(), previous, fence: fence + 1 }, step)
                };
                match (keeps, previous) {
                    (true, None) => vec![outcome(Some(old), None)],
                    // Whether the older one may still undo is what the clock says.
                    (true, Some(older)) => vec![outcome(Some(old), Some(*older)), outcome(Some(*older), Some(old))],
                    (false, previous) => vec![outcome(*previous, Some(old))],
                }
            }
            (Wish::Delete, Some(person @ Person::Active { .. })) => {
                vec![(Person::Tombstone, Step::Release { left: person.held(), done: true })]
            }
            _ => Vec::new(),
        }
    }
}
