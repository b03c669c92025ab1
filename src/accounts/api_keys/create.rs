//! Making an API key.

use std::{collections::BTreeSet, time::Duration};

use super::{ApiKey, ApiKeyId, ApiKeyName, ApiKeyText};
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        capability::Capability,
        error::Error,
        events::{Act, EventKind},
        keys, records,
    },
    store::{Batch, Expectation},
};

/// An API key that was just made.
#[derive(Debug)]
pub struct NewApiKey {
    /// What is known of it.
    pub key: ApiKey,
    /// The key. It is not stored, and cannot be shown again.
    pub text: ApiKeyText,
}

impl Accounts {
    /// Makes an API key, and notes who did.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn create_api_key(
        &self,
        name: ApiKeyName,
        scopes: BTreeSet<Capability>,
        lifetime: Option<Duration>,
        by: Origin,
    ) -> Result<NewApiKey, Error> {
        let created_at = self.clock.now();
        let id = ApiKeyId::new(created_at, self.random);
        let (text, digest) = ApiKeyText::generate(id, self.random);
        let expires_at = lifetime.map(|lifetime| created_at.plus(lifetime));
        let key = ApiKey { id, name, scopes, created_at, expires_at, digest };
        let mut batch = Batch::new(keys::api_keys());
        batch.expect(keys::api_key(id), Expectation::Absent);
        batch.put(keys::api_key(id), records::write_api_key(&key));
        batch.add(keys::api_keys_created(), id.to_string(), created_at.as_millis());
        let act = Act::new(EventKind::ApiKeyCreated, by).with("api_key_id", id.to_string());
        self.note_service_act(&mut batch, created_at, act.giving(&key.scopes, []));
        self.store.commit(batch).await?;
        Ok(NewApiKey { key, text })
    }
}
