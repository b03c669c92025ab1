//! Which API keys there are.

use super::ApiKey;
use crate::accounts::{Accounts, error::Error, keys, records};

/// More keys than anybody has.
const ALL: usize = usize::MAX;

impl Accounts {
    /// Every API key that was not revoked, the oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, Error> {
        let index = keys::api_keys().key(&keys::api_keys_created());
        let members = self.store.range(&index, i64::MIN..=i64::MAX, ALL).await?;
        let parse = |member: &String| member.parse().map_err(|_| Error::Corrupt("a key id in the index".to_owned()));
        let ids = members.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let keys = ids.iter().map(|id| keys::api_keys().key(&keys::api_key(*id))).collect::<Vec<_>>();
        let records = self.store.get_many(&keys).await?;
        let found = ids.into_iter().zip(records).filter_map(|(id, record)| Some((id, record?)));
        found.map(|(id, record)| records::read_api_key(id, &record)).collect()
    }
}
