//! The store in one file of our own, on redb: for a start with nothing installed, and for one process.
//!
//! Reads are snapshots and never wait for a write. Commits go through one [`writer`] thread, which makes all that are
//! waiting durable with a single fsync.

mod file;
mod indexes;
mod inspect;
mod members;
mod scan;
mod tables;
mod writer;

use std::{fmt, path::Path, sync::Arc};

use redb::{Database, ReadableDatabase};
use tokio::sync::oneshot;

use self::{
    file::File,
    tables::{RECORDS, StoredRecord},
    writer::{Job, Writer},
};
use super::{
    Batch, Check, CommitError, Finding, Key, OpenError, ReadError, Record, Revision, Unavailable, deadline::Call,
    metrics::Metrics, tally::Tally, traced::Operation,
};

/// What traces call this store.
const SYSTEM: &str = "redb";

/// A store in a file, or in memory.
pub struct Embedded {
    file: Arc<File>,
    writer: Writer,
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
        Ok(Self { file, writer, tally: Tally::default(), metrics: Box::default() })
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
        self.read(move |db| {
            let records = db.begin_read()?.open_table(RECORDS)?;
            keys.iter().map(|key| records.get(key.as_str())?.map(|found| decode(found.value())).transpose()).collect()
        })
        .await
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Revision, CommitError> {
        let revision = Revision::random();
        let (reply, outcome) = oneshot::channel();
        let operation = Operation::begin(SYSTEM, "commit", 1);
        self.writer.send(Job::Commit { batch, revision, reply })?;
        let outcome = in_time(outcome).await.map_err(CommitError::from).flatten();
        operation.end(outcome).map(|()| revision)
    }

    pub(super) async fn collect_expired(&self, now: i64) -> Result<usize, Unavailable> {
        let (reply, outcome) = oneshot::channel();
        self.writer.send(Job::Collect { now, reply })?;
        in_time(outcome).await?
    }

    pub(super) async fn discard(&self, keys: Vec<Key>) -> Result<(), CommitError> {
        let (reply, outcome) = oneshot::channel();
        let operation = Operation::begin(SYSTEM, "delete", keys.len());
        self.writer.send(Job::Discard { keys, reply })?;
        operation.end(in_time(outcome).await.map_err(CommitError::from).flatten())
    }

    pub(super) async fn close(&self) {
        self.writer.stop().await;
        self.file.close();
    }

    /// Reads can touch the disk, so they stay off the threads of the runtime.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, ReadError> {
        let file = Arc::clone(&self.file);
        let operation = Operation::begin(SYSTEM, "read", 1);
        let read = Call::begin().wait_for(tokio::task::spawn_blocking(move || file.with(read))).await;
        operation.end(match read {
            Ok(Ok(result)) => result.map_err(|e| match e {
                redb::Error::Corrupted(_) => ReadError::Unreadable(e.to_string()),
                e => Unavailable(e.to_string()).into(),
            }),
            Ok(Err(e)) => Err(Unavailable(e.to_string()).into()),
            Err(e) => Err(e.into()),
        })
    }
}

async fn in_time<T>(outcome: oneshot::Receiver<T>) -> Result<T, Unavailable> {
    let stopped = |_| Unavailable("the writer has stopped".to_owned());
    Call::begin().wait_for(outcome).await?.map_err(stopped)
}

fn unknown(reason: &str) -> Vec<Finding> {
    [Check::FilePermissions, Check::FreeSpace].map(|check| Finding::unknown(check, reason)).into()
}

fn decode(bytes: &[u8]) -> Result<Record, redb::Error> {
    StoredRecord::decode(bytes).map(|stored| Record { fields: stored.fields, revision: Revision(stored.revision) })
}
