//! What looked wrong once, and is looked at again before it is reported and repaired.

use std::{
    collections::HashMap,
    ops::ControlFlow::{self, Break, Continue},
};

use tokio::time::Instant;

use super::{
    CHUNK, NOT_SAFE,
    fault::{Fault, Outcome},
    report::Report,
    subject::{Cure, Found, Subject},
    unclaimed::Unclaimed,
};
use crate::{
    accounts::{Accounts, error::Error, retry::Retry},
    store::{CommitError, REQUEST_DEADLINE},
};

/// So many suspects of a kind are looked at again at once, since that is waited for, and are held in memory until then:
/// a few hundred bytes each.
const MANY: usize = 20_000;

/// What is left when others kept writing what was to be repaired.
const BUSY: &str = "it kept changing; run this again";

/// What is left when nothing can be written.
pub(super) const FULL: &str = "the store is full";

/// The suspects of one kind.
pub(super) struct Suspects<S> {
    all: HashMap<S, Vec<Fault>>,
    latest: Option<Instant>,
}

impl<S> Default for Suspects<S> {
    fn default() -> Self {
        Self { all: HashMap::new(), latest: None }
    }
}

impl<S: Subject> Suspects<S> {
    /// Looks at things for the first time.
    pub(super) async fn look(&mut self, accounts: &Accounts, subjects: Vec<S>) -> Result<(), Error> {
        for chunk in subjects.chunks(CHUNK) {
            for (subject, found) in chunk.iter().zip(S::look(accounts, chunk).await?) {
                let faults = found.into_iter().map(|found| found.fault).collect::<Vec<_>>();
                // A walk may see a thing twice.
                if !faults.is_empty() {
                    self.all.insert(subject.clone(), faults);
                    self.latest = Some(Instant::now());
                }
            }
        }
        Ok(())
    }

    /// Looks again at the suspects, if there are many or it is to be `all` of them: once a request that was under way at
    /// the first look has had its time.
    pub(super) async fn settle(
        &mut self,
        accounts: &Accounts,
        all: bool,
        report: &mut Report<'_>,
        unclaimed: &mut Unclaimed,
    ) -> Result<(), Error> {
        let Some(latest) = self.latest.filter(|_| all || self.all.len() >= MANY) else { return Ok(()) };
        self.latest = None;
        tokio::time::sleep_until(latest + REQUEST_DEADLINE).await;
        for chunk in std::mem::take(&mut self.all).into_iter().collect::<Vec<_>>().chunks(CHUNK) {
            let subjects = chunk.iter().map(|(subject, _)| subject.clone()).collect::<Vec<_>>();
            for ((subject, before), found) in chunk.iter().zip(S::look(accounts, &subjects).await?) {
                for found in found.into_iter().filter(|found| before.contains(&found.fault)) {
                    if let Cure::Claim(handle, claim) = &found.cure {
                        unclaimed.add(handle, claim.user, report);
                    } else {
                        conclude(accounts, subject, found, report).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Repairs what was found, if that is wanted and safe, and reports it, unless it has mended itself.
async fn conclude<S: Subject>(
    accounts: &Accounts,
    subject: &S,
    found: Found,
    report: &mut Report<'_>,
) -> Result<(), Error> {
    let outcome = match found.cure {
        Cure::None => Some(Outcome::Left(NOT_SAFE)),
        _ if !report.repair => Some(Outcome::Repairable),
        cure => mend(accounts, subject, &found.fault, cure).await?,
    };
    if let Some(outcome) = outcome {
        report.add(&found.fault, outcome);
    }
    Ok(())
}

/// Repairs something. None is what has mended itself.
async fn mend<S: Subject>(
    accounts: &Accounts,
    subject: &S,
    fault: &Fault,
    mut cure: Cure,
) -> Result<Option<Outcome>, Error> {
    let mut retry = accounts.retry();
    loop {
        if let Break(outcome) = attempt(accounts, cure, &mut retry).await? {
            return Ok(outcome);
        }
        let again = S::look(accounts, std::slice::from_ref(subject)).await?;
        match again.into_iter().flatten().find(|found| found.fault == *fault) {
            Some(found) => cure = found.cure,
            None => return Ok(None),
        }
    }
}

/// Repairs something, unless somebody else changes it, after whom it is to be looked at again.
async fn attempt(accounts: &Accounts, cure: Cure, retry: &mut Retry) -> Result<ControlFlow<Option<Outcome>>, Error> {
    match cure {
        Cure::None | Cure::Claim(..) => return Ok(Break(Some(Outcome::Left(NOT_SAFE)))),
        Cure::Drop(slot) => match accounts.drop_claim(&slot).await {
            Ok(true) => return Ok(Break(Some(Outcome::Repaired))),
            Ok(false) => return Ok(Break(None)),
            Err(Error::Contended) => {}
            Err(Error::StoreFull) => return Ok(Break(Some(Outcome::Left(FULL)))),
            Err(e) => return Err(e),
        },
        Cure::Commit(batch) => match accounts.store.commit(batch).await {
            Ok(_) => return Ok(Break(Some(Outcome::Repaired))),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Full) => return Ok(Break(Some(Outcome::Left(FULL)))),
            Err(e) => return Err(e.into()),
        },
    }
    Ok(if retry.pause().await.is_ok() { Continue(()) } else { Break(Some(Outcome::Left(BUSY))) })
}
