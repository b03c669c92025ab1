//! Making users: what they have is claimed first, and then one commit makes many of a bucket.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::{StreamExt, future::BoxFuture, stream};

use super::{
    look::Candidate,
    outcome::{ImportConflict, ImportOutcome},
};
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        error::Error,
        events::{Act, EventKind},
        keys::{self, Home},
        users,
    },
    store::{Batch, CommitError, Expectation},
};

/// How many claims or commits are under way at once.
const AT_ONCE: usize = 32;

/// How many users one commit makes, at the most.
const TOGETHER: usize = 64;

/// How often a store that does not answer is tried.
const TRIES: u32 = 5;

/// How long it is left alone in between.
const PAUSE: Duration = Duration::from_secs(1);

type Outcomes = Vec<(u64, ImportOutcome)>;

impl Accounts {
    /// Makes these users, who have nothing in common with each other.
    pub(super) async fn settle(&self, candidates: Vec<Candidate>, by: Origin, outage: &Outage) -> Outcomes {
        let claims = candidates.into_iter().map(|candidate| async {
            let claimed = self.claim_all(&candidate, outage).await;
            (candidate, claimed)
        });
        let claims = stream::iter(claims.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let claimed = claims.collect::<Vec<_>>().await;
        let (mut outcomes, mut buckets) = (Outcomes::new(), HashMap::<_, Vec<_>>::new());
        for (candidate, claimed) in claimed {
            match claimed {
                Ok(()) => buckets.entry(Home::of(candidate.user.id).bucket()).or_default().push(candidate),
                Err(outcome) => outcomes.push((candidate.line, outcome)),
            }
        }
        let mut groups = Vec::new();
        for mut bucket in buckets.into_values() {
            while !bucket.is_empty() {
                let rest = bucket.split_off(bucket.len().min(TOGETHER));
                groups.push(std::mem::replace(&mut bucket, rest));
            }
        }
        let commits = groups.into_iter().map(|group| self.make_group(group, by, outage, false)).collect::<Vec<_>>();
        let mut made = stream::iter(commits).buffer_unordered(AT_ONCE);
        while let Some(made) = made.next().await {
            outcomes.extend(made);
        }
        outcomes
    }

    /// Claims what the user is to have.
    async fn claim_all(&self, candidate: &Candidate, outage: &Outage) -> Result<(), ImportOutcome> {
        outage.expect_none()?;
        for (handle, op) in candidate.user.handles() {
            let mut patience = outage.patience();
            // To claim again what is claimed already is no error.
            while let Err(error) = self.claim_new(&handle, &candidate.claim(op, self.clock.now())).await {
                let is_unanswered = matches!(error, Error::StoreUnavailable(_));
                // A store that is slow leaves no time to look again at what another run changes.
                let is_passing = is_unanswered || matches!(error, Error::Contended);
                if is_passing && patience.is_left().await {
                    continue;
                }
                if is_unanswered {
                    return Err(outage.begin(error));
                }
                self.give_up(candidate).await;
                return Err(refused(error));
            }
        }
        Ok(())
    }

    /// Makes users of one bucket in one commit, and if one of them is there already, each in one of its own. It may be unknown
    /// of a commit before whether it has made them.
    async fn make_group(&self, group: Vec<Candidate>, by: Origin, outage: &Outage, mut is_unknown: bool) -> Outcomes {
        if let Err(outcome) = outage.expect_none() {
            return group.iter().map(|candidate| (candidate.line, outcome.clone())).collect();
        }
        let Some(first) = group.first() else { return Vec::new() };
        let mut batch = Batch::new(Home::of(first.user.id).slot());
        for candidate in &group {
            let home = Home::of(candidate.user.id);
            batch.expect(home.user(), Expectation::Absent);
            users::write(&mut batch, None, &candidate.user);
            self.note_act(&mut batch, home, self.clock.now(), Act::new(EventKind::Imported, by));
        }
        let mut patience = outage.patience();
        let outcome = loop {
            // Each of them expects that there is nobody, so that only one can be applied.
            let outcome = self.store.commit(batch.clone()).await;
            let is_unanswered = matches!(outcome, Err(CommitError::Unavailable(_)));
            is_unknown = is_unknown || is_unanswered;
            if !is_unanswered || !patience.is_left().await {
                break outcome;
            }
        };
        let mut outcomes = Outcomes::new();
        match outcome {
            Ok(_) => {
                let made = |candidate: Candidate| (candidate.line, ImportOutcome::Created(Some(candidate.user.id)));
                outcomes.extend(group.into_iter().map(made));
            }
            Err(CommitError::Conflict) if group.len() > 1 => {
                for candidate in group {
                    outcomes.extend(Box::pin(self.make_group(vec![candidate], by, outage, is_unknown)).await);
                }
            }
            Err(error) => {
                let is_conflict = matches!(error, CommitError::Conflict);
                let failed = match error {
                    CommitError::Unavailable(_) => outage.begin(error.into()),
                    error => ImportOutcome::Failed(Arc::new(error.into())),
                };
                for candidate in group {
                    let outcome = if is_conflict { self.met_at_last(&candidate, outage).await } else { None };
                    // What a commit has made good, or may have, or may yet, stays claimed.
                    let is_kept = matches!(outcome, Some(ImportOutcome::Created(_) | ImportOutcome::Failed(_)));
                    if !is_unknown && !is_kept {
                        self.give_up(&candidate).await;
                    }
                    outcomes.push((candidate.line, outcome.unwrap_or_else(|| failed.clone())));
                }
            }
        }
        outcomes
    }

    /// What there is of a user who was not to be there.
    async fn met_at_last(&self, candidate: &Candidate, outage: &Outage) -> Option<ImportOutcome> {
        match outage.patiently(|| self.find_user(candidate.user.id)).await {
            Ok(found) => found.and_then(|found| candidate.met_own(&found.value)),
            Err(error @ Error::StoreUnavailable(_)) => Some(outage.begin(error)),
            Err(error) => Some(ImportOutcome::Failed(error.into())),
        }
    }

    /// Gives back what was claimed in vain. Of a line with an id, another run may rely on the same claims: there only what is
    /// dead is dropped.
    async fn give_up(&self, candidate: &Candidate) {
        for (handle, op) in candidate.user.handles() {
            if candidate.form.id.is_none() {
                self.release(&handle, candidate.user.id, op).await;
            } else if let Err(error) = self.drop_claim(&keys::claim(&handle)).await {
                tracing::warn!(user.id = %candidate.user.id, %error, "a claim was left behind");
            }
        }
    }
}

/// Whether a store that does not answer was given up, and why: then nobody who shares this waits for it any more.
#[derive(Default)]
pub(super) struct Outage(OnceLock<Arc<Error>>);

impl Outage {
    /// Asks the store, and tries again for a while if it does not answer.
    pub(super) async fn patiently<T, A>(&self, ask: impl Fn() -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let mut patience = self.patience();
        loop {
            match ask().await {
                Err(Error::StoreUnavailable(_)) if patience.is_left().await => {}
                answer => return answer,
            }
        }
    }

    fn patience(&self) -> Patience<'_> {
        Patience { outage: self, tries: 0 }
    }

    /// Gives up, for this reason.
    pub(super) fn begin(&self, error: Error) -> ImportOutcome {
        ImportOutcome::Failed(Arc::clone(self.0.get_or_init(|| Arc::new(error))))
    }

    pub(super) fn expect_none(&self) -> Result<(), ImportOutcome> {
        self.0.get().map_or(Ok(()), |error| Err(ImportOutcome::Failed(Arc::clone(error))))
    }
}

/// How often one question was tried.
struct Patience<'a> {
    outage: &'a Outage,
    tries: u32,
}

impl Patience<'_> {
    /// Waits a moment; after some of them, or once the store was given up, there is none left. It is boxed to be in the binary
    /// once.
    fn is_left(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.tries += 1;
            if self.tries < TRIES && self.outage.0.get().is_none() {
                tokio::time::sleep(PAUSE).await;
            }
            self.tries < TRIES && self.outage.0.get().is_none()
        })
    }
}

/// What it means that something cannot be claimed.
fn refused(error: Error) -> ImportOutcome {
    match error {
        Error::EmailTaken => ImportOutcome::Conflict(ImportConflict::EmailTaken),
        Error::UsernameTaken => ImportOutcome::Conflict(ImportConflict::UsernameTaken),
        error => ImportOutcome::Failed(Arc::new(error)),
    }
}

#[cfg(test)]
mod tests;
