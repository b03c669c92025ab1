//! Reading indexes and logs.

use std::{
    io,
    ops::{Bound, RangeInclusive},
};

use redb::ReadableDatabase;
use tokio::time::Instant;

use super::{
    Embedded, FEW, MANY, TOGETHER,
    members::read_size,
    tables::{LOGS, MEMBERS, SCORES, SIZES},
};
use crate::store::{Key, Order, ReadError, Span, deadline::Call};

/// After so many members that are counted, it is looked whether there is still time.
const LOOK_AT_CLOCK: usize = 1000;

impl Embedded {
    /// Most indexes have a few members, whatever the limit is: as many are read first, since that is quick.
    pub(in crate::store) async fn ranges(
        &self,
        indexes: &[Key],
        scores: RangeInclusive<i64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<(String, i64)>>, ReadError> {
        if limit > TOGETHER && indexes.len() <= FEW {
            let found = self.ranges_up_to(indexes, scores.clone(), order, TOGETHER).await?;
            if found.iter().all(|members| members.len() < TOGETHER) {
                return Ok(found);
            }
        }
        self.ranges_up_to(indexes, scores, order, limit).await
    }

    async fn ranges_up_to(
        &self,
        indexes: &[Key],
        scores: RangeInclusive<i64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<(String, i64)>>, ReadError> {
        let indexes = indexes.to_vec();
        self.read(lookups(indexes.len(), limit), move |db| {
            let table = db.begin_read()?.open_table(SCORES)?;
            let (low, high) = (*scores.start(), *scores.end());
            let members_of = |index: &Key| {
                let index = index.as_str();
                // No score is the greatest: they are within what a double holds.
                let found = table.range((index, low, "")..(index, high.saturating_add(1), ""))?;
                let members = found.map(|entry| {
                    let key = entry?.0;
                    let (_, score, member) = key.value();
                    Ok((member.to_owned(), score))
                });
                match order {
                    Order::Ascending => members.take(limit).collect(),
                    Order::Descending => members.rev().take(limit).collect(),
                }
            };
            indexes.iter().map(members_of).collect()
        })
        .await
    }

    pub(in crate::store) async fn list(
        &self,
        indexes: &[Key],
        span: &Span,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<String>>, ReadError> {
        let (indexes, (after, before)) = (indexes.to_vec(), span.clone());
        self.read(lookups(indexes.len(), limit), move |db| {
            let table = db.begin_read()?.open_table(SCORES)?;
            let members_of = |index: &Key| {
                let place = |member| (index.as_str(), 0, member);
                let first = match &after {
                    Bound::Included(member) => Bound::Included(place(member.as_str())),
                    Bound::Excluded(member) => Bound::Excluded(place(member.as_str())),
                    Bound::Unbounded => Bound::Included(place("")),
                };
                let last = match &before {
                    Bound::Included(member) => Bound::Included(place(member.as_str())),
                    Bound::Excluded(member) => Bound::Excluded(place(member.as_str())),
                    Bound::Unbounded => Bound::Excluded((index.as_str(), 1, "")),
                };
                let found = table.range((first, last))?;
                let members = found.map(|entry| Ok(entry?.0.value().2.to_owned()));
                match order {
                    Order::Ascending => members.take(limit).collect(),
                    Order::Descending => members.rev().take(limit).collect(),
                }
            };
            indexes.iter().map(members_of).collect()
        })
        .await
    }

    /// How many members there are is known. From a score on, they are counted one by one, and no longer than somebody waits
    /// for it.
    pub(in crate::store) async fn count(&self, indexes: &[Key], least: &[i64]) -> Result<Vec<Vec<u64>>, ReadError> {
        let (indexes, least, deadline) = (indexes.to_vec(), least.to_vec(), Call::begin().deadline);
        self.read(MANY, move |db| {
            let tables = db.begin_read()?;
            let (table, sizes) = (tables.open_table(SCORES)?, tables.open_table(SIZES)?);
            let lowest = least.iter().copied().filter(|least| *least > i64::MIN).min();
            let count = |index: &Key| {
                let index = index.as_str();
                let size = u64::try_from(read_size(&sizes, index)?).unwrap_or_default();
                let mut counts =
                    least.iter().map(|least| if *least == i64::MIN { size } else { 0 }).collect::<Vec<_>>();
                let Some(lowest) = lowest else { return Ok(counts) };
                for (number, entry) in table.range((index, lowest, "")..(index, i64::MAX, ""))?.enumerate() {
                    if is_late(number, deadline) {
                        return Err(redb::Error::Io(io::ErrorKind::TimedOut.into()));
                    }
                    let score = entry?.0.value().1;
                    for (count, least) in counts.iter_mut().zip(&least) {
                        *count += u64::from(*least > i64::MIN && score >= *least);
                    }
                }
                Ok(counts)
            };
            indexes.iter().map(count).collect()
        })
        .await
    }

    pub(in crate::store) async fn logs(&self, logs: &[Key]) -> Result<Vec<Vec<String>>, ReadError> {
        let logs = logs.to_vec();
        self.read(MANY, move |db| {
            let table = db.begin_read()?.open_table(LOGS)?;
            let entries = |log: &Key| {
                let found = table.range((log.as_str(), 0, "")..(log.as_str(), i64::MAX, ""))?;
                found.map(|entry| Ok(entry?.0.value().2.to_owned())).collect()
            };
            logs.iter().map(entries).collect()
        })
        .await
    }

    pub(in crate::store) async fn scores(&self, entries: &[(Key, String)]) -> Result<Vec<Option<i64>>, ReadError> {
        let entries = entries.to_vec();
        self.read(entries.len(), move |db| {
            let table = db.begin_read()?.open_table(MEMBERS)?;
            let score = |(index, member): &(Key, String)| {
                Ok(table.get((index.as_str(), member.as_str()))?.map(|score| score.value()))
            };
            entries.iter().map(score).collect()
        })
        .await
    }
}

/// How many look-ups it is to read up to `limit` entries of each of so many indexes.
fn lookups(indexes: usize, limit: usize) -> usize {
    indexes.saturating_mul(limit.div_ceil(TOGETHER))
}

/// Whether nobody waits for the members any more, of which so many were counted.
fn is_late(number: usize, deadline: Instant) -> bool {
    number.is_multiple_of(LOOK_AT_CLOCK) && Instant::now() > deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_lie_together_are_one_look_up() {
        let each = [(1, 1), (1, TOGETHER), (1, TOGETHER + 1), (3, 100), (0, 9), (9, usize::MAX)];
        let some = each.map(|(indexes, limit)| lookups(indexes, limit));
        assert_eq!(some[..5], [1, 1, 2, 9, 0]);
        assert!(some[5] > 1_000_000);
    }
}
