//! Looking: which of some users are there already, and what of them others have, in two round trips for all of them.

use std::collections::{HashMap, HashSet};

use super::{
    form::Form,
    outcome::{ImportConflict, ImportOutcome},
};
use crate::{
    accounts::{
        Accounts,
        claims::{Claim, Handle, HandleKind, Standing, judge, owner},
        clock::Timestamp,
        error::Error,
        keys::{self, Home},
        records,
        user::{Stored, User, UserId, UserRecord},
    },
    store::{Name, Record},
};

/// A user who is to be made.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) line: u64,
    /// What the line says.
    pub(super) form: Form,
    /// What it makes.
    pub(super) user: User,
}

/// What of a user is there already.
#[derive(Debug)]
pub(super) enum Found {
    Free,
    /// There is a claim that is not binding. If it was made a moment ago, at this time, somebody else is about to have it.
    Contested(Option<HandleKind>, Timestamp),
    Settled(ImportOutcome),
}

impl Candidate {
    /// What no two users have in common.
    pub(super) fn names(&self) -> Vec<(ImportConflict, String)> {
        let id = self.form.id.map(|id| (ImportConflict::IdTaken, id.to_string()));
        let handles = self.user.handles().into_iter().map(|(handle, _)| handle);
        // An address has an `@`, and a username and an id have none; an id begins with a digit or is longer.
        id.into_iter().chain(handles.map(|handle| (handle.kind.into(), handle.canonical))).collect()
    }

    /// The claim on something that the user is to have.
    pub(super) fn claim(&self, op: crate::accounts::user::OperationId, at: Timestamp) -> Claim {
        Claim { user: self.user.id, fence: 0, op, at }
    }

    fn home(&self) -> Home {
        Home::of(self.user.id)
    }
}

impl Accounts {
    /// Looks at each of `candidates`.
    pub(super) async fn look(&self, candidates: &[Candidate]) -> Result<Vec<Found>, Error> {
        let mut keys = Vec::with_capacity(candidates.len() * 3);
        for candidate in candidates {
            keys.extend(candidate.form.id.map(|_| candidate.home().key(&candidate.home().user())));
            let handles = candidate.user.handles();
            keys.extend(handles.iter().map(|(handle, _)| keys::claim(handle).key(&Name::ROOT)));
        }
        let mut records = self.store.get_many(&keys).await?.into_iter();
        let mut next = || records.next().flatten();
        let read = candidates.iter().map(|candidate| {
            let own = candidate.form.id.and_then(|_| next());
            let claims = candidate.user.handles().into_iter().filter_map(|(handle, op)| {
                let record = next()?;
                let claim = records::read_claim(&record);
                Some(claim.map(|claim| (handle, candidate.claim(op, claim.at), claim)))
            });
            (own, claims.collect::<Result<Vec<_>, Error>>())
        });
        let read = read.collect::<Vec<_>>();
        let owners = read.iter().flat_map(|(_, claims)| claims.iter().flatten()).map(|(_, _, claim)| claim.user);
        let owners = self.owners(owners.collect()).await?;
        let found = candidates.iter().zip(read).map(|(candidate, (own, claims))| {
            let found = claims.and_then(|claims| self.judge_candidate(candidate, own.as_ref(), &claims, &owners));
            found.unwrap_or_else(|e| Found::Settled(ImportOutcome::Failed(e.into())))
        });
        Ok(found.collect())
    }

    async fn owners(&self, ids: HashSet<UserId>) -> Result<HashMap<UserId, Record>, Error> {
        let ids = ids.into_iter().collect::<Vec<_>>();
        let keys = ids.iter().map(|id| Home::of(*id).key(&Home::of(*id).user())).collect::<Vec<_>>();
        let records = self.store.get_many(&keys).await?;
        Ok(ids.into_iter().zip(records).filter_map(|(id, record)| Some((id, record?))).collect())
    }

    /// Judges what is there, where each claim is beside the one that would be made.
    fn judge_candidate(
        &self,
        candidate: &Candidate,
        own: Option<&Record>,
        claims: &[(Handle, Claim, Claim)],
        owners: &HashMap<UserId, Record>,
    ) -> Result<Found, Error> {
        // Another run of the same lines may have made the user since, with the very claims that were read.
        if let Some(own) = own.or_else(|| owners.get(&candidate.user.id)) {
            return Ok(Found::Settled(candidate.met(&records::read_user(candidate.user.id, own)?)));
        }
        let mut found = Found::Free;
        for (handle, mine, claim) in claims {
            let record = owners.get(&claim.user);
            let user = record.map(|record| {
                let value = records::read_user(claim.user, record)?;
                Ok::<_, Error>(Stored { value, revision: record.revision })
            });
            let user = user.transpose()?;
            let standing = judge(claim, owner(handle, user.as_ref()));
            found = match (standing, user.map(|user| user.value)) {
                (Standing::Binding, Some(UserRecord::Active(user))) if !user.had(handle, self.clock.now()) => {
                    let is_here = handle.kind == HandleKind::Email && candidate.form.id.is_none();
                    return Ok(Found::Settled(if is_here && candidate.form.is_said_of(&user) {
                        ImportOutcome::Unchanged(user.id)
                    } else {
                        ImportOutcome::Conflict(handle.kind.into())
                    }));
                }
                (Standing::Pending, _) if !claim.is(mine) && self.is_recent(claim) => {
                    Found::Contested(Some(handle.kind), claim.at)
                }
                _ if matches!(found, Found::Contested(Some(_), _)) => found,
                _ => Found::Contested(None, claim.at),
            };
        }
        Ok(found)
    }
}

impl Candidate {
    /// What it means that there is a record of their id.
    pub(super) fn met(&self, record: &UserRecord) -> ImportOutcome {
        match record {
            UserRecord::Active(user) if user.email.canonical() == self.user.email.canonical() => {
                ImportOutcome::Unchanged(user.id)
            }
            UserRecord::Active(_) | UserRecord::Tombstone(_) => ImportOutcome::Conflict(ImportConflict::IdTaken),
        }
    }

    /// What it means that there is a record where this user was to be made: a commit that was not answered made it, unless
    /// another run did, or it was fenced.
    pub(super) fn met_own(&self, record: &UserRecord) -> Option<ImportOutcome> {
        match (record, self.form.id) {
            (_, Some(_)) => Some(self.met(record)),
            (UserRecord::Active(user), None) => Some(ImportOutcome::Created(Some(user.id))),
            (UserRecord::Tombstone(_), None) => None,
        }
    }
}
