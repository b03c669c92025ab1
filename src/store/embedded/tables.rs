//! The tables of the file, and what one batch does to them.

use std::ops::Range;

use redb::{Database, Error, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::store::{
    Batch, Expectation, Fields, Keep, Name, Revision, Slot,
    batch::{self, LeftOut, Rest, Write, tell_left_out},
    collectable_at,
};

/// Key to record.
pub(super) const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// Index, score and member, in the order in which an index is read.
pub(super) const SCORES: TableDefinition<'_, (&str, i64, &str), ()> = TableDefinition::new("scores");
/// Index and member to score: how a member is found when it moves or goes.
pub(super) const MEMBERS: TableDefinition<'_, (&str, &str), i64> = TableDefinition::new("members");
/// Log, number of the entry and the entry, in the order in which they were added. Tables of the same types share their code.
pub(super) const LOGS: TableDefinition<'_, (&str, i64, &str), ()> = TableDefinition::new("logs");
/// How many members an index has, as text: to count them one by one takes long.
pub(super) const SIZES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sizes");
/// Until when a log is kept: Unix milliseconds as text.
pub(super) const LOG_ENDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("log_ends");
/// When a record or a log may be collected, in Unix milliseconds, and its key.
const EXPIRIES: TableDefinition<'_, (i64, &str), ()> = TableDefinition::new("expiries");

/// A record as it lies in the file: JSON, so that a person can read it and a later version can add to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredRecord {
    pub(super) revision: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    pub(super) fields: Fields,
}

impl StoredRecord {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|e| Error::Corrupted(format!("a record: {e}")))
    }
}

/// Makes the tables, so that a read never meets a file without them.
pub(super) fn create(db: &Database) -> Result<(), Error> {
    let transaction = db.begin_write()?;
    Tables::open(&transaction)?.measure()?;
    transaction.commit()?;
    Ok(())
}

/// The tables, open for writing.
pub(super) struct Tables<'t> {
    records: Table<'t, &'static str, &'static [u8]>,
    pub(super) scores: Table<'t, (&'static str, i64, &'static str), ()>,
    pub(super) members: Table<'t, (&'static str, &'static str), i64>,
    pub(super) sizes: Table<'t, &'static str, &'static [u8]>,
    logs: Table<'t, (&'static str, i64, &'static str), ()>,
    log_ends: Table<'t, &'static str, &'static [u8]>,
    expiries: Table<'t, (i64, &'static str), ()>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Error> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            scores: transaction.open_table(SCORES)?,
            members: transaction.open_table(MEMBERS)?,
            sizes: transaction.open_table(SIZES)?,
            logs: transaction.open_table(LOGS)?,
            log_ends: transaction.open_table(LOG_ENDS)?,
            expiries: transaction.open_table(EXPIRIES)?,
        })
    }

    /// Whether every expectation of `batch` holds. What it could not be written over is an error, as what cannot be read:
    /// the jobs before it share its transaction, so nothing may fail once something was written.
    pub(super) fn is_as_expected(&self, batch: &Batch) -> Result<bool, Error> {
        for (name, expectation) in &batch.expectations {
            if !self.holds(&batch.slot, name, *expectation)? {
                return Ok(false);
            }
        }
        batch.changes().indexes.iter().try_for_each(|name| self.size(batch.slot.key(name).as_str()).map(drop))?;
        Ok(true)
    }

    /// What of `batch` cannot be counted.
    fn left_out(&self, batch: &Batch) -> Result<LeftOut, Error> {
        let mut left_out = LeftOut::new();
        for ((name, field), (by, writes)) in batch.changes().numbers {
            let key = batch.slot.key(name);
            let (rest, why) = match self.record(key.as_str()) {
                Ok(found) => match count(found.as_ref().and_then(|found| found.fields.get(field)), by) {
                    Ok(_) => continue,
                    Err(why) => (Rest::Revision, why),
                },
                Err(Error::Corrupted(_)) => (Rest::Nothing, "the record cannot be read"),
                Err(e) => return Err(e),
            };
            tell_left_out(key.as_str(), why);
            left_out.extend(writes.into_iter().map(|at| (at, rest)));
        }
        Ok(left_out)
    }

    /// Makes every write of `batch`.
    pub(super) fn write(&mut self, batch: &Batch, revision: Revision) -> Result<(), Error> {
        let left_out = self.left_out(batch)?;
        for (at, (name, write)) in batch.writes.iter().enumerate() {
            let key = batch.slot.key(name);
            let (key, rest) = (key.as_str(), left_out.get(&at));
            if rest == Some(&Rest::Nothing) {
                continue;
            }
            match write {
                Write::Put { fields, expires_at } => self.put(key, fields.clone(), *expires_at, revision)?,
                Write::Delete => self.delete(key)?,
                Write::Add { member, score } => self.add(key, member, *score)?,
                Write::Remove { member } => self.remove(key, member)?,
                Write::Append { entry, keep } => self.append(key, entry, *keep)?,
                Write::CountUp { field, by, until } => {
                    let by = rest.is_none().then_some(*by);
                    self.count_up(key, field, by, *until, revision)?;
                }
            }
        }
        Ok(())
    }

    /// Deletes a record, an index or a log, whatever it is.
    pub(super) fn delete(&mut self, key: &str) -> Result<(), Error> {
        self.delete_record(key)?;
        self.delete_index(key)?;
        self.delete_log(key)
    }

    /// Deletes up to `limit` records and entries of logs that may be collected at `now`, and answers how many.
    pub(super) fn collect(&mut self, now: i64, limit: usize) -> Result<usize, Error> {
        let mut due = Vec::new();
        for entry in self.expiries.range(..(now, ""))?.take(limit) {
            let entry = entry?.0;
            let (at, key) = entry.value();
            due.push((at, key.to_owned()));
        }
        let mut collected = 0;
        for (at, key) in &due {
            let entries = self.shorten(key, limit - collected)?;
            collected += entries;
            if collected == limit {
                break; // more of this log may be left
            }
            self.delete_record(key)?;
            self.delete_log(key)?;
            self.expiries.remove((*at, key.as_str()))?; // of a record that cannot be read, it is here still
            collected += usize::from(entries == 0);
        }
        Ok(collected)
    }

    fn holds(&self, slot: &Slot, name: &Name, expectation: Expectation) -> Result<bool, Error> {
        let found = self.record(slot.key(name).as_str())?.map(|found| found.revision);
        Ok(match expectation {
            Expectation::Absent => found.is_none(),
            Expectation::Exists => found.is_some(),
            Expectation::Revision(revision) => found == Some(revision.0),
        })
    }

    fn record(&self, key: &str) -> Result<Option<StoredRecord>, Error> {
        self.records.get(key)?.map(|found| StoredRecord::decode(found.value())).transpose()
    }

    fn put(&mut self, key: &str, fields: Fields, expires_at: Option<i64>, revision: Revision) -> Result<(), Error> {
        self.delete_record(key)?;
        if let Some(at) = expires_at {
            self.expiries.insert((collectable_at(at), key), ())?;
        }
        let stored = StoredRecord { revision: revision.0, expires_at, fields };
        let bytes = serde_json::to_vec(&stored).map_err(|e| Error::Corrupted(e.to_string()))?;
        self.records.insert(key, bytes.as_slice())?;
        Ok(())
    }

    fn append(&mut self, log: &str, entry: &str, keep: Keep) -> Result<(), Error> {
        let until = keep.until.to_string();
        let former = self.log_ends.insert(log, until.as_bytes())?.and_then(|end| read_number(end.value()));
        if let Some(end) = former {
            self.expiries.remove((collectable_at(end), log))?;
        }
        self.expiries.insert((collectable_at(keep.until), log), ())?;
        let next = match self.logs.range(entries(log))?.next_back() {
            Some(newest) => newest?.0.value().1 + 1,
            None => 0,
        };
        self.logs.insert((log, next, entry), ())?;
        // The numbers have no gaps.
        let first = next + 1 - i64::from(keep.most.max(1));
        self.logs.retain_in((log, 0, "")..(log, first.max(0), ""), |_, ()| false)?;
        Ok(())
    }

    /// Deletes the oldest entries of a log, up to `limit`, and answers how many.
    fn shorten(&mut self, log: &str, limit: usize) -> Result<usize, Error> {
        let oldest = self.logs.range(entries(log))?.next().transpose()?.map(|(entry, _)| entry.value().1);
        let Some(oldest) = oldest else { return Ok(0) };
        let mut shortened = 0;
        let end = oldest.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX));
        self.logs.retain_in((log, oldest, "")..(log, end, ""), |_, ()| {
            shortened += 1;
            false
        })?;
        Ok(shortened)
    }

    fn delete_log(&mut self, log: &str) -> Result<(), Error> {
        let end = self.log_ends.remove(log)?.map(|end| read_number(end.value()));
        let Some(end) = end else { return Ok(()) };
        if let Some(end) = end {
            self.expiries.remove((collectable_at(end), log))?;
        }
        self.logs.retain_in(entries(log), |_, ()| false)?;
        Ok(())
    }

    /// Without something to add, it changes the revision alone.
    fn count_up(
        &mut self,
        key: &str,
        field: &str,
        by: Option<i64>,
        until: Option<i64>,
        revision: Revision,
    ) -> Result<(), Error> {
        let found = self.record(key)?;
        let (mut fields, expires_at) = found.map(|found| (found.fields, found.expires_at)).unwrap_or_default();
        if let Some(by) = by {
            let sum = count(fields.get(field), by).map_err(|why| Error::Corrupted(why.to_owned()))?;
            fields.insert(field.to_owned(), sum.to_string());
        }
        self.put(key, fields, until.or(expires_at), revision)
    }

    /// Deletes a record, also one that cannot be read.
    fn delete_record(&mut self, key: &str) -> Result<(), Error> {
        let Some(found) = self.records.remove(key)? else { return Ok(()) };
        if let Some(at) = StoredRecord::decode(found.value()).ok().and_then(|stored| stored.expires_at) {
            self.expiries.remove((collectable_at(at), key))?;
        }
        Ok(())
    }
}

/// The range of all entries of a log.
fn entries(log: &str) -> Range<(&str, i64, &str)> {
    (log, 0, "")..(log, i64::MAX, "")
}

fn count(found: Option<&String>, by: i64) -> Result<i64, &'static str> {
    batch::count(found.map(String::as_str), by)
}

/// The size of an index, or until when a log is kept.
pub(super) fn read_number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
