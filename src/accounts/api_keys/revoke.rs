//! Revoking an API key.

use super::ApiKeyId;
use crate::{
    accounts::{Accounts, error::Error, keys},
    store::{Batch, CommitError, Expectation},
};

impl Accounts {
    /// Ends an API key at once, expired or not. Answers false when there is no such key.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<bool, Error> {
        let (slot, name) = (keys::api_keys(), keys::api_key(id));
        if self.store.get(&slot.key(&name)).await?.is_none() {
            return Ok(false);
        }
        let mut batch = Batch::new(slot.clone());
        batch.expect(name.clone(), Expectation::Exists);
        batch.delete(name.clone()).remove(keys::api_keys_created(), id.to_string());
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            // Another revocation was first: a key is never written again.
            Err(CommitError::Conflict) => Ok(false),
            // Without its record a key is no more. `latchkey check` tidies the index when there is room again.
            Err(CommitError::Full) => {
                self.store.discard(&slot, &[name]).await?;
                Ok(true)
            }
            Err(e) => Err(e.into()),
        }
    }
}
