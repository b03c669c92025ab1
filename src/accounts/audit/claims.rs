//! Claims: whether each still means something. That of a lost user does, who is reported by the entry that they left.

use super::{
    fault::Fault,
    lost::is_missing,
    read::parsed,
    subject::{Cure, Found, Subject},
};
use crate::{
    accounts::{
        Accounts,
        claims::{Standing, judge_in},
        error::Error,
        records,
        user::{Stored, UserId},
    },
    store::{Name, Slot},
};

impl Subject for Slot {
    async fn look(accounts: &Accounts, slots: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let keys = slots.iter().map(|slot| slot.key(&Name::ROOT)).collect::<Vec<_>>();
        let reads = accounts.read_records(&keys).await?.into_iter().map(|read| parsed(read, records::read_claim));
        let reads = reads.collect::<Vec<_>>();
        let owners = reads.iter().map(|read| match read {
            Ok(Some(claim)) => claim.value.user,
            Ok(None) | Err(_) => UserId::NIL,
        });
        let ids = owners.collect::<Vec<_>>();
        let owners = accounts.read_users(&ids).await?;
        let missing = ids.into_iter().zip(&owners);
        let missing = missing.filter(|(_, user)| matches!(user, Ok(user) if is_missing(user.as_ref())));
        let lost = accounts.lost_among(&missing.map(|(id, _)| id).collect::<Vec<_>>()).await?;
        let judged = slots.iter().zip(keys).zip(reads).zip(owners).map(|(((slot, key), read), user)| {
            let Stored { value: claim, .. } = match read {
                Ok(claim) => claim?,
                Err(why) => return Some(Found::unreadable(key, why)),
            };
            let user = user.ok()?; // one that cannot be read is reported by itself
            let (slot, id, at) = (slot.clone(), claim.user, claim.at);
            let fault = match judge_in(&slot, &claim, user.as_ref()) {
                Standing::Binding => return None,
                Standing::Pending | Standing::Dead if lost.contains(&id) => return None,
                Standing::Pending if accounts.is_recent(&claim) => return None,
                Standing::Pending => Fault::StaleClaim { claim: slot.clone(), user: id, at },
                Standing::Dead => Fault::DeadClaim { claim: slot.clone(), user: id, at },
            };
            Some(Found::new(fault, Cure::Drop(slot)))
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}
