//! Claiming what a change of a user gains, and giving it back when the change does not come about.

use super::{Claim, Handle};
use crate::accounts::{
    Accounts,
    clock::Timestamp,
    error::Error,
    user::{OperationId, User},
};

/// What a change has claimed so far.
pub(in crate::accounts) type Gains = Vec<(Handle, Claim)>;

impl Accounts {
    /// Claims for `user` what a change gains them, and notes each claim before it is made.
    pub(in crate::accounts) async fn claim_gains(
        &self,
        user: &User,
        gained: Vec<Handle>,
        op: OperationId,
        now: Timestamp,
        gains: &mut Gains,
    ) -> Result<(), Error> {
        for handle in gained {
            let claim = Claim { user: user.id, fence: user.fence, op, at: now };
            gains.push((handle.clone(), claim));
            self.claim(&handle, &claim).await?;
        }
        Ok(())
    }

    /// Gives back what was claimed for a change that has not come about.
    pub(in crate::accounts) async fn settle_gains<T>(&self, gains: &Gains, outcome: &Result<T, Error>) {
        match outcome {
            // Whether it was committed is unknown, so the claims stay. They are good, or somebody takes them over.
            Ok(_) | Err(Error::StoreUnavailable(_)) => {}
            Err(_) => {
                for (handle, claim) in gains {
                    self.release(handle, claim.user, claim.op).await;
                }
            }
        }
    }
}
