//! Reading many records of which some may be unreadable: one of those must not hide the others.

use crate::{
    accounts::{
        Accounts,
        error::Error,
        keys::Home,
        records,
        user::{Stored, UserId, UserRecord},
    },
    store::{Key, ReadError, Record},
};

/// Something as it was found: there, or not, or unreadable and why.
pub(in crate::accounts) type Read<T> = Result<Option<T>, String>;

impl Accounts {
    /// Reads records in the order of `keys`.
    pub(in crate::accounts) async fn read_records(&self, keys: &[Key]) -> Result<Vec<Read<Record>>, Error> {
        if let Ok(records) = self.store.get_many(keys).await {
            return Ok(records.into_iter().map(Ok).collect());
        }
        let mut reads = Vec::with_capacity(keys.len());
        for key in keys {
            reads.push(readable(self.store.get(key).await)?);
        }
        Ok(reads)
    }

    /// Reads users in the order of `ids`.
    pub(super) async fn read_users(&self, ids: &[UserId]) -> Result<Vec<Read<Stored<UserRecord>>>, Error> {
        let keys = ids.iter().map(|id| Home::of(*id).key(&Home::of(*id).user())).collect::<Vec<_>>();
        let reads = self.read_records(&keys).await?;
        Ok(ids.iter().zip(reads).map(|(id, read)| parsed(read, |record| records::read_user(*id, record))).collect())
    }

    /// Reads the scores of members of indexes, in the order of `entries`.
    pub(super) async fn read_scores(&self, entries: &[(Key, String)]) -> Result<Vec<Read<i64>>, Error> {
        if let Ok(scores) = self.store.scores(entries).await {
            return Ok(scores.into_iter().map(Ok).collect());
        }
        let mut reads = Vec::with_capacity(entries.len());
        for entry in entries {
            let score = self.store.scores(std::slice::from_ref(entry)).await;
            let score = score.map(|scores| scores.into_iter().next().flatten());
            reads.push(readable(score)?);
        }
        Ok(reads)
    }

    /// Reads logs in the order of `keys`. One that is not there is empty.
    pub(super) async fn read_lines(&self, keys: &[Key]) -> Result<Vec<Result<Vec<String>, String>>, Error> {
        if let Ok(logs) = self.store.logs(keys).await {
            return Ok(logs.into_iter().map(Ok).collect());
        }
        let mut reads = Vec::with_capacity(keys.len());
        for key in keys {
            let log = self.store.logs(std::slice::from_ref(key)).await;
            reads.push(readable(log.map(|logs| logs.concat()))?);
        }
        Ok(reads)
    }
}

/// What cannot be read is one thing, and a store that does not answer is another.
pub(super) fn readable<T>(answer: Result<T, ReadError>) -> Result<Result<T, String>, Error> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(ReadError::Unreadable(why)) => Ok(Err(why)),
        Err(ReadError::Unavailable(e)) => Err(e.into()),
    }
}

/// Takes a record apart, with its revision.
pub(super) fn parsed<T>(read: Read<Record>, parse: impl FnOnce(&Record) -> Result<T, Error>) -> Read<Stored<T>> {
    let Some(record) = read? else { return Ok(None) };
    let value = parse(&record).map_err(|e| e.to_string())?;
    Ok(Some(Stored { value, revision: record.revision }))
}
