//! The one thread that writes. It takes every commit that waits, applies each that finds what it expects, makes them
//! all durable with one fsync, and only then answers them.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use redb::{Database, Error};
use tokio::sync::oneshot;

use super::tables::Tables;
use crate::store::{Batch, CommitError, Revision, Unavailable};

/// Commits that may wait for the writer; more are refused.
const QUEUE: usize = 4096;

/// Commits that share one fsync, at the most, so that the first of them does not wait long.
const GROUP: usize = 512;

/// Records collected in one go, at the most, so that commits do not wait long.
const COLLECT: usize = 1000;

/// Work for the writer.
pub(super) enum Job {
    Commit { batch: Batch, revision: Revision, reply: oneshot::Sender<Result<(), CommitError>> },
    Collect { now: i64, reply: oneshot::Sender<Result<usize, Unavailable>> },
}

/// Where jobs are handed in. The thread ends when this is dropped.
pub(super) struct Writer(SyncSender<Job>);

impl Writer {
    pub(super) fn start(db: Arc<Database>) -> io::Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&db, &jobs))?;
        Ok(Self(sender))
    }

    pub(super) fn send(&self, job: Job) -> Result<(), Unavailable> {
        self.0.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => Unavailable("too many commits are waiting".to_owned()),
            TrySendError::Disconnected(_) => Unavailable("the writer has stopped".to_owned()),
        })
    }
}

fn run(db: &Database, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(jobs.try_iter()).take(GROUP).collect::<Vec<_>>();
        answer(apply(db, &group), group);
    }
}

/// What became of a job, before it is durable.
enum Done {
    Committed(bool),
    Collected(usize),
}

fn apply(db: &Database, group: &[Job]) -> Result<Vec<Done>, Error> {
    let transaction = db.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    let mut done = Vec::with_capacity(group.len());
    for job in group {
        done.push(match job {
            Job::Commit { batch, revision, .. } => Done::Committed(tables.apply(batch, *revision)?),
            Job::Collect { now, .. } => Done::Collected(tables.collect(*now, COLLECT)?),
        });
    }
    drop(tables);
    // Nothing to make durable is no reason to wait for the disk.
    if done.iter().any(|done| matches!(done, Done::Committed(true) | Done::Collected(1..))) {
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
        match job {
            Job::Commit { reply, .. } => {
                let _ = reply.send(match done {
                    Ok(Some(Done::Committed(true))) => Ok(()),
                    Ok(_) => Err(CommitError::Conflict),
                    Err(e) if is_full(e) => Err(CommitError::Full),
                    Err(e) => Err(Unavailable(e.to_string()).into()),
                });
            }
            Job::Collect { reply, .. } => {
                let _ = reply.send(match done {
                    Ok(Some(Done::Collected(count))) => Ok(count),
                    Ok(_) => Ok(0),
                    Err(e) => Err(Unavailable(e.to_string())),
                });
            }
        }
    }
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::Io(e) if e.kind() == io::ErrorKind::StorageFull)
}
