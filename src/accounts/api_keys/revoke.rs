//! Revoking an API key.

use super::ApiKeyId;
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        error::Error,
        events::{Act, EventKind},
        keys, records,
    },
    store::{Batch, CommitError, Expectation},
};

impl Accounts {
    /// Ends an API key at once, expired or not, and notes who did. Answers false when there is no such key.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn revoke_api_key(&self, id: ApiKeyId, by: Origin) -> Result<bool, Error> {
        let (slot, name) = (keys::api_keys(), keys::api_key(id));
        let Some(record) = self.store.get(&slot.key(&name)).await? else {
            return Ok(false);
        };
        // One that cannot be read is revoked, too.
        let scopes = records::read_api_key(id, &record).map(|key| key.scopes).unwrap_or_default();
        let mut batch = Batch::new(slot.clone());
        batch.expect(name.clone(), Expectation::Exists);
        batch.delete(name.clone()).remove(keys::api_keys_created(), id.to_string());
        let act = Act::new(EventKind::ApiKeyRevoked, by).with("api_key_id", id.to_string());
        self.note_service_act(&mut batch, self.clock.now(), act.giving([], &scopes));
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            // Another revocation was first: a key is never written again.
            Err(CommitError::Conflict) => Ok(false),
            // Without its record a key is no more. There is no room for the event, and `latchkey check` tidies the index when
            // there is; or the index is damaged, which somebody must look at.
            Err(CommitError::Full | CommitError::Unreadable(_)) => {
                self.store.discard(&slot, &[name]).await?;
                Ok(true)
            }
            Err(e) => Err(e.into()),
        }
    }
}
