//! Which service is asking.

use super::{ApiKey, ApiKeyText};
use crate::accounts::{Accounts, capability::Capability, error::Error, keys, records};

impl Accounts {
    /// Finds the API key that a service sent, if it is good for `scope`. It is read from the store each time: what was
    /// revoked a moment ago is so now.
    ///
    /// # Errors
    /// [`Error::ApiKeyInvalid`] when there is no such key any more, [`Error::InsufficientScope`] when it is good for
    /// something else, and the errors of the store.
    pub async fn authenticate_api_key(&self, text: &ApiKeyText, scope: Capability) -> Result<ApiKey, Error> {
        let key = self.find_api_key(text).await?;
        if key.scopes.contains(&scope) { Ok(key) } else { Err(Error::InsufficientScope(scope)) }
    }

    pub(in crate::accounts) async fn find_api_key(&self, text: &ApiKeyText) -> Result<ApiKey, Error> {
        let (id, digest) = text.parts().ok_or(Error::ApiKeyInvalid)?;
        let record = self.store.get(&keys::api_keys().key(&keys::api_key(id))).await?.ok_or(Error::ApiKeyInvalid)?;
        let key = records::read_api_key(id, &record)?;
        if key.digest != digest || key.is_expired(self.clock.now()) {
            return Err(Error::ApiKeyInvalid);
        }
        Ok(key)
    }
}
