//! API keys: whether each can be read, and whether the index of all keys shows those that are there and no other. A key
//! that it does not show would be good for something, and nobody would know.

use super::{
    fault::Fault,
    read::parsed,
    subject::{Cure, Found, Subject},
};
use crate::{
    accounts::{Accounts, api_keys::ApiKeyId, error::Error, keys, records, user::id_of_entry},
    store::{Batch, Expectation},
};

/// The id of an API key, or whatever else stands in the index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ApiKeySubject(pub(super) String);

impl Subject for ApiKeySubject {
    async fn look(accounts: &Accounts, subjects: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        let ids = subjects.iter().map(|subject| id_of_entry::<ApiKeyId>(&subject.0)).collect::<Vec<_>>();
        let (slot, index) = (keys::api_keys(), keys::api_keys_created());
        // What is no id leads to nothing, as this one does.
        let nobody = ApiKeyId::from_bytes([0; 16]);
        let names = ids.iter().map(|id| keys::api_key(id.unwrap_or(nobody))).collect::<Vec<_>>();
        let reads = accounts.read_records(&names.iter().map(|name| slot.key(name)).collect::<Vec<_>>()).await?;
        // After the records: a key and its entry go together.
        let members = subjects.iter().map(|subject| (slot.key(&index), subject.0.clone()));
        let scores = accounts.read_scores(&members.collect::<Vec<_>>()).await?;
        let judged = ids.into_iter().zip(subjects).zip(names.into_iter().zip(reads)).zip(scores);
        let judged = judged.map(|(((id, subject), (name, read)), score)| {
            let key = match parsed(read, |record| records::read_api_key(id.unwrap_or(nobody), record)) {
                Ok(key) => key,
                Err(why) => return Some(Found::unreadable(slot.key(&name), why)),
            };
            let score = score.ok()?; // an index that cannot be read is reported by itself
            let mut batch = Batch::new(slot.clone());
            let fault = if let Some(key) = key {
                let due = key.value.created_at.as_millis();
                if score == Some(due) {
                    return None;
                }
                batch.expect(name, Expectation::Revision(key.revision)).add(index.clone(), &subject.0, due);
                Fault::UnlistedApiKey { id: key.value.id }
            } else {
                score?;
                batch.expect(name, Expectation::Absent).remove(index.clone(), &subject.0);
                Fault::DanglingApiKey { id }
            };
            Some(Found::new(fault, Cure::Commit(batch)))
        });
        Ok(judged.map(|found| found.into_iter().collect()).collect())
    }
}
