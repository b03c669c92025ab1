//! The store in one file of our own, on redb: for a start with nothing installed, and for one process.
//!
//! Reads are snapshots and never wait for a write. Commits go through one [`writer`] thread, which makes all that are
//! waiting durable with a single fsync.

mod file;
mod indexes;
mod inspect;
mod lately;
mod members;
mod scan;
mod tables;
mod writer;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use redb::{Database, ReadableDatabase};
use tokio::{sync::oneshot, time::Instant};

use self::{
    file::{File, caught},
    lately::Lately,
    tables::{RECORDS, StoredRecord},
    writer::{Job, Writer},
};
use super::{
    Batch, Check, CommitError, Finding, Key, OpenError, ReadError, Record, Revision, Unavailable, deadline::Call,
    metrics::Metrics, tally::Tally, traced::Operation,
};

/// What traces call this store.
const SYSTEM: &str = "redb";

/// Look-ups that are made at once, on the thread of whoever asks. Entries of an index that lie together count as one.
const FEW: usize = 16;

/// More of them than anybody counts.
const MANY: usize = usize::MAX;

/// Entries of an index that lie together, in a page or two.
const TOGETHER: usize = 40;

/// A read that takes longer waited for the disk, or for its turn on a busy machine.
const SLOW: Duration = Duration::from_millis(20);

/// For how long nothing is read on the thread of whoever asks, after a slow read.
const SLOW_FOR: Duration = Duration::from_secs(10);

/// How often a read that fails has the file opened again, at the most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A store in a file, or in memory.
pub struct Embedded {
    file: Arc<File>,
    writer: Writer,
    /// That a read was slow.
    slow: Lately,
    /// That a read failed, and the writer was told.
    failed: Lately,
    pub(super) tally: Tally,
    pub(super) metrics: Box<Metrics>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("path", &self.file.path).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the file, and makes it, for its owner alone, when it is not there.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be read or written, is not ours, or is open in another process.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::start(File::open(path)?)
    }

    /// Opens the file, which must be there.
    ///
    /// # Errors
    /// [`OpenError`] as for [`Self::open`], and when there is no such file.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        Self::start(File::open_existing(path)?)
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// [`OpenError`] when there is no memory for it.
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::start(File::in_memory()?)
    }

    fn start(file: File) -> Result<Self, OpenError> {
        file.with(tables::create).map_err(|e| OpenError(e.to_string()))?;
        let file = Arc::new(file);
        let writer = Writer::start(Arc::clone(&file)).map_err(|e| OpenError(e.to_string()))?;
        let (slow, failed) = (Lately::never(SLOW_FOR), Lately::never(LOOK_EVERY));
        Ok(Self { file, writer, slow, failed, tally: Tally::default(), metrics: Box::default() })
    }

    /// In memory, there is nothing to look at.
    pub(super) async fn inspect(&self) -> Vec<Finding> {
        let Some(path) = self.file.path.clone() else { return Vec::new() };
        // A disk can hang.
        let looked = tokio::task::spawn_blocking(move || inspect::inspect(&path));
        match Call::begin().wait_for(looked).await {
            Ok(Ok(findings)) => findings,
            Ok(Err(e)) => unknown(&e.to_string()),
            Err(e) => unknown(&e.to_string()),
        }
    }

    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, ReadError> {
        let keys = keys.to_vec();
        self.read(keys.len(), move |db| {
            let records = db.begin_read()?.open_table(RECORDS)?;
            keys.iter().map(|key| records.get(key.as_str())?.map(|found| decode(found.value())).transpose()).collect()
        })
        .await
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Revision, CommitError> {
        let revision = Revision::random();
        let (reply, outcome) = oneshot::channel();
        let operation = Operation::begin(SYSTEM, "commit", 1);
        operation.end(self.hand_in(Job::Commit { batch, revision, reply }, outcome).await).map(|()| revision)
    }

    pub(super) async fn collect_expired(&self, now: i64) -> Result<usize, Unavailable> {
        let (reply, outcome) = oneshot::channel();
        self.hand_in(Job::Collect { now, reply }, outcome).await
    }

    pub(super) async fn discard(&self, keys: Vec<Key>) -> Result<(), CommitError> {
        let (reply, outcome) = oneshot::channel();
        let operation = Operation::begin(SYSTEM, "delete", keys.len());
        operation.end(self.hand_in(Job::Discard { keys, reply }, outcome).await)
    }

    /// Has the writer do a job and waits for its outcome, in a call that has time for it.
    async fn hand_in<T, E>(&self, job: Job, outcome: oneshot::Receiver<Result<T, E>>) -> Result<T, E>
    where
        E: From<Unavailable>,
    {
        let call = Call::begin();
        call.expect_time()?;
        self.writer.send(job)?;
        call.wait_for(outcome).await?.map_err(|_| Unavailable("the writer has stopped".to_owned()))?
    }

    pub(super) async fn close(&self) {
        self.writer.stop().await;
        self.file.close();
    }

    /// Reads, with so many look-ups. Many can keep the disk busy, so they stay off the threads of the runtime. A few are made
    /// at once: they take some microseconds, as the file is in memory for the most part, and the way to another thread and
    /// back takes many more. A disk that hangs keeps the threads that have begun to read from it until it answers; then none
    /// of them does so for a while.
    async fn read<T: Send + 'static>(
        &self,
        lookups: usize,
        read: impl Fn(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (call, operation) = (Call::begin(), Operation::begin(SYSTEM, "read", 1));
        // What never waits would otherwise let nobody else have a turn.
        tokio::task::consume_budget().await;
        let is_short = lookups <= FEW && !self.slow.is_noted(Instant::now());
        operation.end(if let Err(late) = call.expect_time() {
            Err(late.into())
        } else if let Some(found) = if is_short { self.read_here(&read) } else { None } {
            found
        } else {
            let file = Arc::clone(&self.file);
            match call.wait_for(tokio::task::spawn_blocking(move || file.with(read))).await {
                Ok(Ok(found)) => found.map_err(|e| self.failed(&e)),
                Ok(Err(e)) => Err(Unavailable(e.to_string()).into()),
                Err(e) => Err(e.into()),
            }
        })
    }

    /// Reads on this thread, unless the file is just being opened. A panic goes no further, as on another thread.
    fn read_here<T>(&self, read: impl Fn(&Database) -> Result<T, redb::Error>) -> Option<Result<T, ReadError>> {
        let begun = Instant::now();
        let found = caught(|| self.file.try_with(read).transpose());
        let now = Instant::now();
        if now - begun > SLOW {
            self.slow.note(now);
        }
        found.map_err(|e| self.failed(&e)).transpose()
    }

    /// What a read has failed with. After one that the disk did not answer, redb refuses all others, so the writer is told
    /// to look whether the file must be opened again.
    fn failed(&self, error: &redb::Error) -> ReadError {
        if matches!(error, redb::Error::Corrupted(_)) {
            return ReadError::Unreadable(error.to_string());
        }
        let now = Instant::now();
        if !self.failed.is_noted(now) {
            self.failed.note(now);
            // A queue that is full has jobs enough in it that will find out.
            let _ = self.writer.send(Job::Look);
        }
        Unavailable(error.to_string()).into()
    }
}

fn unknown(reason: &str) -> Vec<Finding> {
    [Check::FilePermissions, Check::FreeSpace].map(|check| Finding::unknown(check, reason)).into()
}

fn decode(bytes: &[u8]) -> Result<Record, redb::Error> {
    StoredRecord::decode(bytes).map(|stored| Record { fields: stored.fields, revision: Revision(stored.revision) })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::store::{Fields, Name, Slot, in_one_request, in_time as in_time_of_the_request};

    #[test]
    fn what_cannot_be_looked_at_is_told_of_each_check() {
        let told = unknown("gone").into_iter().map(|finding| finding.check).collect::<Vec<_>>();
        assert_eq!(told, [Check::FilePermissions, Check::FreeSpace]);
    }

    /// Nothing, with so many look-ups; and on which thread.
    async fn read(store: &Embedded, lookups: usize) -> std::thread::ThreadId {
        store.read(lookups, |_| Ok(std::thread::current().id())).await.unwrap()
    }

    #[tokio::test]
    async fn a_few_look_ups_are_made_at_once_and_many_elsewhere() {
        let (store, here) = (Embedded::in_memory().unwrap(), std::thread::current().id());
        assert_eq!(read(&store, FEW).await, here);
        assert_ne!(read(&store, FEW + 1).await, here);
        store.slow.note(Instant::now());
        assert_ne!(read(&store, 1).await, here, "after a slow read");
    }

    #[tokio::test]
    async fn after_a_slow_read_the_next_ones_are_made_elsewhere() {
        let (store, here) = (Embedded::in_memory().unwrap(), std::thread::current().id());
        assert_eq!((read(&store, 1).await, read(&store, 1).await), (here, here));
        let slow = |_: &Database| {
            let begun = std::time::Instant::now();
            while begun.elapsed() <= SLOW {}
            Ok(())
        };
        store.read(1, slow).await.unwrap();
        assert_ne!(read(&store, 1).await, here);
    }

    #[tokio::test]
    async fn a_request_without_time_begins_nothing() {
        let store = Embedded::in_memory().unwrap();
        let key = || Slot::new("slot").key(&Name::ROOT);
        let batch = || {
            let mut batch = Batch::new(Slot::new("slot"));
            batch.put(Name::ROOT, Fields::new());
            batch
        };
        in_one_request(async {
            in_time_of_the_request(pending::<()>()).await.unwrap_err();
            assert!(matches!(store.commit(batch()).await, Err(CommitError::Unavailable(_))));
            assert!(matches!(store.get_many(&[key()]).await, Err(ReadError::Unavailable(_))));
        })
        .await;
        store.collect_expired(0).await.unwrap(); // the writer does one after the other
        assert_eq!(store.get_many(&[key()]).await.unwrap(), [None]);
        store.commit(batch()).await.unwrap();
    }

    #[tokio::test]
    async fn a_read_that_panics_harms_no_other() {
        let store = Embedded::in_memory().unwrap();
        for lookups in [1, MANY] {
            let outcome = store.read(lookups, |_| -> Result<(), redb::Error> { panic!("on purpose") }).await;
            assert!(matches!(outcome, Err(ReadError::Unavailable(_))), "{outcome:?}");
            read(&store, lookups).await;
        }
    }
}
