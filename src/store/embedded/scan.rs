//! Walking through everything in the file, a page at a time, so that no walk holds a snapshot for long.

use std::ops::Bound;

use futures_util::stream::{self, Stream};
use redb::{ReadableDatabase, ReadableTableMetadata};

use super::{
    Embedded, MANY,
    tables::{LOG_ENDS, MEMBERS, RECORDS, SIZES},
};
use crate::store::{Key, PAGE, ReadError};

/// How far a walk through the keys has come: the last key that it has seen.
enum Place {
    Records(String),
    Indexes(String),
    Logs(String),
}

impl Embedded {
    pub(in crate::store) fn keys(&self) -> impl Stream<Item = Result<Vec<Key>, ReadError>> + Send + '_ {
        stream::try_unfold(Some(Place::Records(String::new())), async |place| {
            let (keys, next) = match place {
                None => return Ok(None),
                Some(Place::Records(last)) => {
                    let keys = self.records_after(last).await?;
                    let next = keys.last().cloned().map_or(Place::Indexes(String::new()), Place::Records);
                    (keys, Some(next))
                }
                Some(Place::Indexes(last)) => {
                    let keys = self.indexes_after(last).await?;
                    let next = keys.last().cloned().map_or(Place::Logs(String::new()), Place::Indexes);
                    (keys, Some(next))
                }
                Some(Place::Logs(last)) => {
                    let keys = self.logs_after(last).await?;
                    let next = keys.last().cloned().map(Place::Logs);
                    (keys, next)
                }
            };
            Ok(Some((keys.iter().filter_map(|key| Key::parse(key)).collect(), next)))
        })
    }

    pub(in crate::store) fn members(
        &self,
        index: Key,
    ) -> impl Stream<Item = Result<Vec<String>, ReadError>> + Send + '_ {
        stream::try_unfold(Some((index, Bound::Unbounded)), async |place| {
            let Some((index, last)) = place else { return Ok(None) };
            let members = self.members_after(index.clone(), last).await?;
            let next = members.last().cloned().map(|last| (index, Bound::Excluded(last)));
            Ok(Some((members, next)))
        })
    }

    pub(in crate::store) async fn size(&self) -> Result<u64, ReadError> {
        self.read(3, |db| {
            let tables = db.begin_read()?;
            let logs = tables.open_table(LOG_ENDS)?.len()?;
            Ok(tables.open_table(RECORDS)?.len()? + tables.open_table(SIZES)?.len()? + logs)
        })
        .await
    }

    async fn records_after(&self, last: String) -> Result<Vec<String>, ReadError> {
        self.read(MANY, move |db| {
            let table = db.begin_read()?.open_table(RECORDS)?;
            let rest = table.range::<&str>((Bound::Excluded(last.as_str()), Bound::Unbounded))?;
            rest.take(PAGE.into()).map(|entry| Ok(entry?.0.value().to_owned())).collect()
        })
        .await
    }

    async fn logs_after(&self, last: String) -> Result<Vec<String>, ReadError> {
        self.read(MANY, move |db| {
            let table = db.begin_read()?.open_table(LOG_ENDS)?;
            let rest = table.range::<&str>((Bound::Excluded(last.as_str()), Bound::Unbounded))?;
            rest.take(PAGE.into()).map(|entry| Ok(entry?.0.value().to_owned())).collect()
        })
        .await
    }

    /// Each index is found by one look behind all members of the one before.
    async fn indexes_after(&self, last: String) -> Result<Vec<String>, ReadError> {
        self.read(MANY, move |db| {
            let table = db.begin_read()?.open_table(MEMBERS)?;
            let (mut indexes, mut last) = (Vec::new(), last.clone());
            for _ in 0..PAGE {
                last.push('\0'); // the least text that is greater
                let Some(entry) = table.range((last.as_str(), "")..)?.next() else { break };
                last = entry?.0.value().0.to_owned();
                indexes.push(last.clone());
            }
            Ok(indexes)
        })
        .await
    }

    async fn members_after(&self, index: Key, last: Bound<String>) -> Result<Vec<String>, ReadError> {
        self.read(MANY, move |db| {
            let table = db.begin_read()?.open_table(MEMBERS)?;
            let index = index.as_str();
            let from = match &last {
                Bound::Excluded(last) => Bound::Excluded((index, last.as_str())),
                Bound::Included(_) | Bound::Unbounded => Bound::Included((index, "")),
            };
            let mut members = Vec::new();
            for entry in table.range((from, Bound::Unbounded))?.take(PAGE.into()) {
                let key = entry?.0;
                let (found, member) = key.value();
                if found != index {
                    break;
                }
                members.push(member.to_owned());
            }
            Ok(members)
        })
        .await
    }
}
