//! Users who were made, were never deleted, and are not there. A user is entered in the index of their bucket by the
//! commit that makes them, and taken out by the one that deletes them: so the entry of somebody whose record is missing
//! proves that it was lost. It is kept, and so are their claims, for whoever restores them from a copy.

use std::collections::HashSet;

use crate::accounts::{
    Accounts,
    error::Error,
    keys,
    user::{Stored, Tombstone, UserId, UserRecord},
};

/// Whether somebody who has an entry has been lost. That the id was fenced off since, when somebody else took their
/// address, does not mean that they were deleted.
pub(super) fn is_missing(user: Option<&Stored<UserRecord>>) -> bool {
    matches!(user.map(|stored| &stored.value), None | Some(UserRecord::Tombstone(Tombstone::Fenced)))
}

impl Accounts {
    /// Whether a user who was just read was lost.
    pub(in crate::accounts) async fn is_lost(
        &self,
        id: UserId,
        user: Option<&Stored<UserRecord>>,
    ) -> Result<bool, Error> {
        Ok(is_missing(user) && !self.lost_among(&[id]).await?.is_empty())
    }

    /// Which of these users, who are missing, were lost. Where the index cannot be read, they may have been.
    pub(super) async fn lost_among(&self, missing: &[UserId]) -> Result<HashSet<UserId>, Error> {
        let entries = missing.iter().map(|id| keys::created_entry(*id)).collect::<Vec<_>>();
        let scores = self.read_scores(&entries).await?;
        Ok(missing.iter().zip(scores).filter(|(_, score)| *score != Ok(None)).map(|(id, _)| *id).collect())
    }
}
