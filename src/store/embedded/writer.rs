//! The one thread that writes. It takes every commit that waits, applies each that finds what it expects, makes them
//! all durable with one fsync, and only then answers them.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use redb::{Database, Error};
use tokio::sync::oneshot;

use super::{
    file::{File, caught},
    tables::Tables,
};
use crate::store::{Batch, CommitError, Key, Revision, Unavailable};

/// Commits that may wait for the writer; more are refused.
const QUEUE: usize = 4096;

/// Commits that share one fsync, at the most, so that the first of them does not wait long.
const GROUP: usize = 512;

/// Records and entries of logs collected in one go, at the most, so that commits do not wait long.
const COLLECT: usize = 1000;

/// How long a full disk is left alone. Each try on it costs a check of the whole file.
const REST: Duration = Duration::from_secs(2);

/// Work for the writer.
pub(super) enum Job {
    Commit {
        batch: Batch,
        revision: Revision,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
    Collect {
        now: i64,
        reply: oneshot::Sender<Result<usize, Unavailable>>,
    },
    Discard {
        keys: Vec<Key>,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
    /// To find out whether the file works.
    Look,
}

/// Where jobs are handed in.
pub(super) struct Writer {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(file: Arc<File>) -> io::Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        let thread = thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&file, &jobs))?;
        Ok(Self { jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn send(&self, job: Job) -> Result<(), Unavailable> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = jobs.as_ref() else { return Err(Unavailable("the store is closed".to_owned())) };
        jobs.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => Unavailable("too many commits are waiting".to_owned()),
            TrySendError::Disconnected(_) => Unavailable("the writer has stopped".to_owned()),
        })
    }

    /// Takes no more jobs, and waits until those that were handed in are done.
    pub(super) async fn stop(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn run(file: &File, jobs: &Receiver<Job>) {
    let mut full_until = None;
    while let Some(group) = next(jobs) {
        if full_until.is_some_and(|until| Instant::now() < until) {
            answer(Err(Error::Io(io::ErrorKind::StorageFull.into())), group);
            continue;
        }
        // A panic must not end the thread that writes.
        let outcome = caught(|| file.with(|database| apply(database, &group)));
        if let Err(error) = &outcome {
            full_until = is_full(error).then(|| Instant::now() + REST);
            reopen(file); // before anybody is told, so that what they do next finds it open
        }
        answer(outcome, group);
    }
}

/// The next jobs, or nothing when there will be no more.
fn next(jobs: &Receiver<Job>) -> Option<Vec<Job>> {
    let first = jobs.recv().ok()?;
    Some(std::iter::once(first).chain(jobs.try_iter()).take(GROUP).collect())
}

/// Until the database is opened again, it refuses everything, and whoever meets that has it tried again: nobody tries
/// while nobody asks.
fn reopen(file: &File) {
    match file.reopen() {
        Ok(()) => tracing::warn!("the store failed and was opened again"),
        Err(error) => tracing::error!(%error, "the store failed and cannot be opened again"),
    }
}

/// What became of a job, before it is durable.
enum Done {
    Committed(bool),
    Collected(usize),
    Discarded,
    Looked,
    /// The job met a record that cannot be read, before it wrote anything.
    Unreadable(String),
}

fn apply(database: &Database, group: &[Job]) -> Result<Vec<Done>, Error> {
    let transaction = database.begin_write()?; // which fails when the disk has refused anything before, also a read
    let mut tables = Tables::open(&transaction)?;
    let mut done = Vec::with_capacity(group.len());
    for job in group {
        done.push(match job {
            Job::Commit { batch, revision, .. } => match tables.is_as_expected(batch) {
                Ok(false) => Done::Committed(false),
                Ok(true) => {
                    tables.write(batch, *revision)?;
                    Done::Committed(true)
                }
                Err(Error::Corrupted(what)) => Done::Unreadable(what),
                Err(e) => return Err(e),
            },
            Job::Collect { now, .. } => Done::Collected(tables.collect(*now, COLLECT)?),
            Job::Discard { keys, .. } => {
                keys.iter().try_for_each(|key| tables.delete(key.as_str()))?;
                Done::Discarded
            }
            Job::Look => Done::Looked,
        });
    }
    drop(tables);
    // Nothing to make durable is no reason to wait for the disk.
    if done.iter().any(|done| matches!(done, Done::Committed(true) | Done::Collected(1..) | Done::Discarded)) {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(done)
}

/// Tells everybody. A caller who has gone away is no error.
fn answer(outcome: Result<Vec<Done>, Error>, group: Vec<Job>) {
    let mut done = outcome.map(Vec::into_iter);
    for job in group {
        let done = done.as_mut().map(Iterator::next);
        let failed = || Unavailable(done.as_ref().err().map_or("no outcome".to_owned(), ToString::to_string));
        match job {
            Job::Commit { reply, .. } => {
                let _ = reply.send(match &done {
                    Ok(Some(Done::Committed(true))) => Ok(()),
                    Ok(Some(Done::Committed(false))) => Err(CommitError::Conflict),
                    Ok(Some(Done::Unreadable(what))) => Err(CommitError::Unreadable(what.clone())),
                    Err(e) if is_full(e) => Err(CommitError::Full),
                    Ok(_) | Err(_) => Err(failed().into()),
                });
            }
            Job::Collect { reply, .. } => {
                let _ = reply.send(match &done {
                    Ok(Some(Done::Collected(count))) => Ok(*count),
                    Ok(_) | Err(_) => Err(failed()),
                });
            }
            Job::Discard { reply, .. } => {
                let _ = reply.send(match &done {
                    Ok(_) => Ok(()),
                    Err(e) if is_full(e) => Err(CommitError::Full),
                    Err(_) => Err(failed().into()),
                });
            }
            Job::Look => {}
        }
    }
}

/// Whether it is for want of room: on the disk, of what its owner may have of it, or of what a file may have.
fn is_full(error: &Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error, Error::Io(e) if matches!(e.kind(), StorageFull | QuotaExceeded | FileTooLarge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Slot;

    #[test]
    fn a_disk_is_full_when_it_says_so() {
        let error = |kind: io::ErrorKind| Error::Io(kind.into());
        for full in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge] {
            assert!(is_full(&error(full)));
        }
        assert!(!is_full(&error(io::ErrorKind::TimedOut)) && !is_full(&Error::PreviousIo));
    }

    #[test]
    fn a_disk_that_is_full_is_told_from_one_that_failed() {
        let outcomes = |error: fn() -> Error| {
            let (reply, committed) = oneshot::channel();
            let batch = Batch::new(Slot::new("slot"));
            answer(Err(error()), vec![Job::Commit { batch, revision: Revision::random(), reply }]);
            let (reply, discarded) = oneshot::channel();
            answer(Err(error()), vec![Job::Discard { keys: Vec::new(), reply }]);
            [committed, discarded].map(|mut outcome| outcome.try_recv().unwrap())
        };
        let full = outcomes(|| Error::Io(io::ErrorKind::StorageFull.into()));
        assert!(matches!(full, [Err(CommitError::Full), Err(CommitError::Full)]), "{full:?}");
        let failed = outcomes(|| Error::PreviousIo);
        assert!(matches!(failed, [Err(CommitError::Unavailable(_)), Err(CommitError::Unavailable(_))]), "{failed:?}");
    }
}
