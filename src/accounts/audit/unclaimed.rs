//! Users whose address or name nobody claims. Whether it may be claimed for them is known only when all users were seen
//! and could be read: two of them may have the same.

use std::collections::BTreeMap;

use super::{
    fault::{Fault, Outcome},
    report::Report,
    subject::{Cure, Subject},
    suspects::FULL,
};
use crate::accounts::{
    Accounts,
    claims::{Handle, HandleKind},
    error::Error,
    keys,
    user::UserId,
};

/// So many handles are kept in mind, at the most.
const MOST: usize = 100_000;

/// The handles that nobody claims, by the slots where their claims belong, and who has each.
#[derive(Default)]
pub(super) struct Unclaimed(BTreeMap<String, (HandleKind, Vec<UserId>)>);

impl Unclaimed {
    pub(super) fn add(&mut self, handle: &Handle, user: UserId, report: &mut Report<'_>) {
        let slot = keys::claim(handle).to_string();
        if self.0.len() < MOST || self.0.contains_key(&slot) {
            let (_, users) = self.0.entry(slot).or_insert((handle.kind, Vec::new()));
            // A walk may see somebody twice.
            if !users.contains(&user) {
                users.push(user);
            }
        } else {
            let many = Outcome::Left("there are too many at once; run this again");
            let outcome = if report.repair { many } else { Outcome::Repairable };
            report.add(&Fault::MissingClaim { user, kind: handle.kind }, outcome);
        }
    }

    /// Claims for each user what they alone have, if that is wanted, and reports all of it.
    pub(super) async fn settle(self, accounts: &Accounts, report: &mut Report<'_>) -> Result<(), Error> {
        for (slot, (kind, users)) in self.0 {
            if let [first, others @ ..] = users.as_slice()
                && !others.is_empty()
            {
                for user in others {
                    let fault = Fault::Duplicate { user: *user, other: *first, kind };
                    report.add(&fault, Outcome::Left(super::NOT_SAFE));
                }
                continue;
            }
            for user in users {
                let fault = Fault::MissingClaim { user, kind };
                let outcome = match report.repair {
                    _ if report.misses_users => Some(Outcome::Left("a user who cannot be read may have it")),
                    true => accounts.claim_again(user, &slot).await?,
                    false => Some(Outcome::Repairable),
                };
                if let Some(outcome) = outcome {
                    report.add(&fault, outcome);
                }
            }
        }
        Ok(())
    }
}

impl Accounts {
    /// Claims for a user what is theirs, in this slot. None is what has mended itself.
    async fn claim_again(&self, user: UserId, slot: &str) -> Result<Option<Outcome>, Error> {
        let found = UserId::look(self, &[user]).await?.into_iter().flatten().find_map(|found| match found.cure {
            Cure::Claim(handle, claim) if keys::claim(&handle).to_string() == slot => Some((handle, claim)),
            _ => None,
        });
        let Some((handle, claim)) = found else { return Ok(None) };
        match self.claim(&handle, &claim).await {
            Ok(()) => Ok(Some(Outcome::Repaired)),
            Err(Error::EmailTaken | Error::UsernameTaken) => Ok(Some(Outcome::Left("somebody else has claimed it"))),
            Err(Error::Contended) => Ok(Some(Outcome::Left("another claim on it is pending; run this again later"))),
            Err(Error::StoreFull) => Ok(Some(Outcome::Left(FULL))),
            Err(e) => Err(e),
        }
    }
}
