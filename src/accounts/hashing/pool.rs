//! Threads that hash, so that a login storm slows nothing else.
//!
//! Each thread keeps its memory warm (a fresh 19 MiB costs milliseconds of page faults), runs at a lower priority than
//! the threads that answer requests, and takes jobs from one bounded queue. A full queue is an answer, not a wait.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use tracing::field::Empty;

use super::{engine::Engine, load::Load};
use crate::{
    accounts::error::Error,
    metrics::{Counter, Histogram, Page},
    traces,
};

/// The threads, and what waits for them.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when there is a job, or no more will come.
    changed: Condvar,
    waits: Histogram,
    times: Histogram,
    refused: Counter,
}

struct State {
    /// Each job, and since when it waits.
    waiting: VecDeque<(Instant, Box<dyn Job>)>,
    load: Load,
    closed: bool,
}

/// Something to compute, and whoever asked for it.
trait Job: Send {
    /// Whether whoever asked has gone away.
    fn is_abandoned(&self) -> bool;

    fn run(self: Box<Self>, engine: &mut Engine);
}

struct Asked<T, F> {
    asker: oneshot::Sender<T>,
    compute: F,
}

impl<T: Send, F: FnOnce(&mut Engine) -> T + Send> Job for Asked<T, F> {
    fn is_abandoned(&self) -> bool {
        self.asker.is_closed()
    }

    fn run(self: Box<Self>, engine: &mut Engine) {
        // Whoever asked may have gone away meanwhile.
        let _ = self.asker.send((self.compute)(engine));
    }
}

impl Pool {
    /// Starts `threads` threads. `fixed` is how many jobs may wait, in place of 2 s worth of them; a hash is taken to last
    /// as long as `guess` until one was measured.
    ///
    /// # Errors
    /// When the system starts no more threads.
    pub(super) fn start(threads: u32, fixed: Option<u32>, guess: Duration) -> io::Result<Self> {
        let state = State { waiting: VecDeque::new(), load: Load::new(threads, fixed, guess), closed: false };
        let (waits, times, refused) = (Histogram::default(), Histogram::default(), Counter::default());
        let shared = Shared { state: Mutex::new(state), changed: Condvar::new(), waits, times, refused };
        let pool = Self(Arc::new(shared));
        for number in 0..threads {
            let shared = Arc::clone(&pool.0);
            thread::Builder::new().name(format!("hasher-{number}")).spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Computes something on one of the threads. It is dropped when the future is, unless it has begun.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many jobs wait; [`Error::Corrupt`] when it panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (asker, answer) = oneshot::channel();
        let span = tracing::info_span!(target: traces::TARGET, "hash", error.type = Empty, ended = Empty);
        let waits = span.in_scope(|| tracing::info_span!(target: traces::TARGET, "wait for a thread"));
        let within = span.clone();
        let compute = move |engine: &mut Engine| {
            drop(waits);
            within.in_scope(|| {
                let _work = tracing::info_span!(target: traces::TARGET, "compute").entered();
                compute(engine)
            })
        };
        if let Err(error) = self.0.put(Box::new(Asked { asker, compute })) {
            span.record("error.type", "overloaded");
            return Err(error);
        }
        let answer = answer.await;
        span.record("ended", true);
        answer.map_err(|_| Error::Corrupt("a password hash: its computation panicked".to_owned()))
    }

    /// How many jobs may wait at this time.
    pub(super) fn capacity(&self) -> usize {
        self.0.lock().load.capacity()
    }

    /// Writes what there is to count.
    pub(super) fn write(&self, page: &mut Page) {
        let (waiting, busy, capacity) = {
            let state = self.0.lock();
            (state.waiting.len(), state.load.working(), state.load.capacity())
        };
        page.gauge("latchkey_hash_queue_length", "Passwords that wait to be hashed.").is(&[], waiting);
        page.gauge("latchkey_hash_queue_capacity", "As many as may wait at this time.").is(&[], capacity);
        page.gauge("latchkey_hash_threads_busy", "Threads that hash at this moment.").is(&[], busy);
        page.histogram("latchkey_hash_wait_seconds", "How long passwords waited for a thread.")
            .times(&[], &self.0.waits);
        page.histogram("latchkey_hash_duration_seconds", "How long a thread took for a hash.")
            .times(&[], &self.0.times);
        let about = "Passwords that were not hashed, since too many waited.";
        page.counter("latchkey_hash_refused_total", about).is(&[], self.0.refused.get());
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    /// A lock for a few instructions, never while something is computed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let mut state = self.lock();
        if !state.load.has_room(state.waiting.len()) {
            state.waiting.retain(|(_, job)| !job.is_abandoned());
        }
        let waiting = state.waiting.len();
        if !state.load.has_room(waiting) {
            self.refused.add_one();
            return Err(Error::Overloaded { retry_after: state.load.drained_in(waiting) });
        }
        state.waiting.push_back((Instant::now(), job));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job for somebody who is still there, or nothing when no more will come.
    fn next(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        loop {
            match state.waiting.pop_front() {
                Some((_, job)) if job.is_abandoned() => {}
                Some((since, job)) => {
                    state.load.begin_one();
                    self.waits.observe(since.elapsed());
                    return Some(job);
                }
                None if state.closed => return None,
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn work(&self) {
        // On Linux this is the priority of this thread alone. Hashes yield to requests, and are left about a quarter of their
        // rate while these take all there is; a lower priority leaves them next to nothing.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(10);
        let mut engine = Engine::default();
        while let Some(job) = self.next() {
            let begun = Instant::now();
            // A job that panics ends alone: its caller is told, and the thread goes on.
            let done = catch_unwind(AssertUnwindSafe(|| job.run(&mut engine)));
            let took = done.ok().map(|()| begun.elapsed());
            self.lock().load.end_one(took);
            took.inspect(|took| self.times.observe(*took));
        }
    }
}

#[cfg(test)]
mod tests;
