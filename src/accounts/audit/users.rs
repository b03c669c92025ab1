//! Users: whether what they have is claimed for them, and whether the indexes show them.

use super::{
    fault::Fault,
    read::{Read, parsed},
    subject::{Cure, Found, Subject},
};
use crate::{
    accounts::{
        Accounts,
        claims::{Claim, Handle, Standing, judge, owner},
        error::Error,
        keys::{self, Home},
        records,
        user::{OperationId, Stored, User, UserId, UserRecord},
    },
    store::{Batch, Expectation, Name},
};

/// A handle of a user who is looked at, and by which operation they have it.
struct Held {
    at: usize,
    handle: Handle,
    op: OperationId,
}

impl Subject for UserId {
    async fn look(accounts: &Accounts, ids: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let mut found = ids.iter().map(|_| Vec::new()).collect::<Vec<_>>();
        let mut users = Vec::new();
        for ((id, read), found) in ids.iter().zip(accounts.read_users(ids).await?).zip(&mut found) {
            let key = Home::of(*id).key(&Home::of(*id).user());
            match read.map(|user| user.and_then(Stored::active)) {
                Ok(Some(user)) if user.value.username.is_some() != user.value.username_op.is_some() => {
                    found.push(Found::unreadable(key, "a username without its operation".to_owned()));
                    users.push(None);
                }
                Ok(user) => users.push(user),
                Err(why) => {
                    found.push(Found::unreadable(key, why));
                    users.push(None);
                }
            }
        }
        accounts.look_at_claims_of(&users, &mut found).await?;
        accounts.look_at_entries_of(&users, &mut found).await?;
        Ok(found)
    }
}

impl Accounts {
    async fn look_at_claims_of(&self, users: &[Option<Stored<User>>], found: &mut [Vec<Found>]) -> Result<(), Error> {
        let held = users.iter().enumerate().filter_map(|(at, user)| Some((at, user.as_ref()?)));
        let held = held
            .flat_map(|(at, user)| user.value.handles().into_iter().map(move |(handle, op)| Held { at, handle, op }));
        let held = held.collect::<Vec<_>>();
        let keys = held.iter().map(|held| keys::claim(&held.handle).key(&Name::ROOT)).collect::<Vec<_>>();
        let claims = self.read_records(&keys).await?.into_iter().map(|read| parsed(read, records::read_claim));
        let claims = claims.collect::<Vec<_>>();
        // Read after the claims, as whoever judges a claim does. A claim that is not there is of nobody.
        let owners = claims.iter().map(|claim| match claim {
            Ok(Some(claim)) => claim.value.user,
            Ok(None) | Err(_) => UserId::NIL,
        });
        let owners = self.read_users(&owners.collect::<Vec<_>>()).await?;
        for ((held, claim), owner) in held.into_iter().zip(claims).zip(owners) {
            let (Some(Some(user)), Some(found)) = (users.get(held.at), found.get_mut(held.at)) else { continue };
            found.extend(self.judge_held(&user.value, held, claim, owner));
        }
        Ok(())
    }

    /// What is wrong with the claim on a handle that `user` has. One that cannot be read is reported by itself.
    fn judge_held(
        &self,
        user: &User,
        Held { handle, op, .. }: Held,
        claim: Read<Stored<Claim>>,
        holder: Read<Stored<UserRecord>>,
    ) -> Option<Found> {
        let (claim, holder) = (claim.ok()?, holder.ok()?);
        let (id, kind) = (user.id, handle.kind);
        if let Some(Stored { value: claim, .. }) = claim
            && judge(&claim, owner(&handle, holder.as_ref())) == Standing::Binding
        {
            let fault = Fault::Duplicate { user: id, other: claim.user, kind };
            return (claim.user != id).then(|| Found::new(fault, Cure::None));
        }
        // As their own operation would have left it: dead as soon as they have another.
        let claim = Claim { user: id, fence: user.fence.saturating_sub(1), op, at: self.clock.now() };
        Some(Found::new(Fault::MissingClaim { user: id, kind }, Cure::Claim(handle, claim)))
    }

    async fn look_at_entries_of(&self, users: &[Option<Stored<User>>], found: &mut [Vec<Found>]) -> Result<(), Error> {
        let due = users.iter().enumerate().filter_map(|(at, user)| Some((at, user.as_ref()?)));
        let due =
            due.flat_map(|(at, user)| keys::index_entries(&user.value).into_iter().map(move |entry| (at, user, entry)));
        let due = due.collect::<Vec<_>>();
        let entries =
            due.iter().map(|(_, user, (index, member, _))| (Home::of(user.value.id).key(index), member.clone()));
        let scores = self.read_scores(&entries.collect::<Vec<_>>()).await?;
        for ((at, user, (index, member, score)), read) in due.into_iter().zip(scores) {
            // An index that cannot be read is reported by itself.
            if read.is_err() || read == Ok(Some(score)) {
                continue;
            }
            let home = Home::of(user.value.id);
            let mut batch = Batch::new(home.slot());
            batch.expect(home.user(), Expectation::Revision(user.revision)).add(index.clone(), member, score);
            let fault = Fault::UnlistedUser { user: user.value.id, index: home.key(&index).to_string() };
            if let Some(found) = found.get_mut(at) {
                found.push(Found::new(fault, Cure::Commit(batch)));
            }
        }
        Ok(())
    }
}
