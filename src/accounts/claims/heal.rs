//! Dropping a claim that nobody can make good any more, without waiting for somebody who wants what it claims.

use super::{Standing, judge_in};
use crate::{
    accounts::{Accounts, error::Error},
    store::{Batch, CommitError, Expectation, Name, Slot},
};

impl Accounts {
    /// Drops the claim in `slot` if it is dead, and if it has been pending for too long: then it is fenced first. Answers
    /// false when nothing was dropped: it is good, or may become so, or is gone already, or tells of a user who was lost.
    pub(in crate::accounts) async fn drop_claim(&self, slot: &Slot) -> Result<bool, Error> {
        let mut retry = self.retry();
        loop {
            let Some(found) = self.find_claim_in(slot).await? else { return Ok(false) };
            let id = found.value.user;
            let user = self.find_user(id).await?;
            if self.is_lost(id, user.as_ref()).await? {
                return Ok(false);
            }
            match judge_in(slot, &found.value, user.as_ref()) {
                Standing::Binding => return Ok(false),
                Standing::Pending if self.is_recent(&found.value) => return Ok(false),
                Standing::Pending => self.fence(id, user).await?, // and judged again from the start
                Standing::Dead => {
                    let mut batch = Batch::new(slot.clone());
                    batch.expect(Name::ROOT, Expectation::Revision(found.revision)).delete(Name::ROOT);
                    match self.store.commit(batch).await {
                        Ok(_) => return Ok(true),
                        Err(CommitError::Conflict) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
            }
            retry.pause().await?;
        }
    }
}
