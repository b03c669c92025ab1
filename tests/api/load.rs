//! A load of registrations and reads, and what becomes of them while something is broken.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};

use crate::support::{PASSWORD, TestApp};

const WRITERS: usize = 8;
const READERS: usize = 4;

/// What became of the load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whose registration was acknowledged.
    pub acknowledged: Vec<String>,
    /// Registrations that answered 503: nobody knows.
    pub unknown: u32,
    /// Reads that answered 503.
    pub unread: u32,
    /// The longest time without one acknowledged registration, and the same for reads.
    pub longest_write_gap: Duration,
    pub longest_read_gap: Duration,
    /// The longest time that anybody waited for an answer.
    pub slowest: Duration,
}

/// How one kind of request went.
struct Progress {
    last: Instant,
    longest: Duration,
}

/// Runs the load against `app` until `faults` has ended.
pub async fn during(app: &TestApp, faults: impl Future<Output = ()>) -> Outcome {
    let reader = app.person("reader").await;
    let done = AtomicBool::new(false);
    let next = AtomicU32::new(0);
    let writers = join_all((0..WRITERS).map(|_| write(app, &done, &next)));
    let readers = join_all((0..READERS).map(|_| read(app, &done, &reader.token)));
    let stop = async {
        faults.await;
        done.store(true, Ordering::Relaxed);
    };
    let ((written, read), ()) = join(join(writers, readers), stop).await;

    let mut outcome = Outcome::default();
    // Between two successes of the same worker; with several of them that is an upper bound of the whole gap.
    for (acknowledged, unknown, progress, slowest) in written {
        outcome.acknowledged.extend(acknowledged);
        outcome.unknown += unknown;
        outcome.longest_write_gap = outcome.longest_write_gap.max(progress);
        outcome.slowest = outcome.slowest.max(slowest);
    }
    for (unread, progress, slowest) in read {
        outcome.unread += unread;
        outcome.longest_read_gap = outcome.longest_read_gap.max(progress);
        outcome.slowest = outcome.slowest.max(slowest);
    }
    outcome
}

impl Outcome {
    /// How many of those who were acknowledged cannot sign in.
    pub async fn lost(&self, app: &TestApp) -> usize {
        let mut lost = 0;
        for email in &self.acknowledged {
            lost += usize::from(app.sign_in(email, PASSWORD).await.status != 201);
        }
        lost
    }

    /// The line of this fault in a table.
    pub fn print(&self, fault: &str, lost: usize) {
        println!(
            "{fault}: {} acknowledged, {lost} lost, {} unknown, {} reads refused; no write for {:.1} s, no read for {:.1} s, \
             slowest answer {:.1} s",
            self.acknowledged.len(),
            self.unknown,
            self.unread,
            self.longest_write_gap.as_secs_f64(),
            self.longest_read_gap.as_secs_f64(),
            self.slowest.as_secs_f64()
        );
    }
}

impl Progress {
    fn begin() -> Self {
        Self { last: Instant::now(), longest: Duration::ZERO }
    }

    fn succeeded(&mut self) {
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
    }
}

async fn write(app: &TestApp, done: &AtomicBool, next: &AtomicU32) -> (Vec<String>, u32, Duration, Duration) {
    let (mut acknowledged, mut unknown, mut progress) = (Vec::new(), 0, Progress::begin());
    let mut slowest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let who = format!("w{}", next.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        let answer = app.register(&who).await;
        slowest = slowest.max(sent.elapsed());
        if answer.status == 201 {
            acknowledged.push(format!("{who}@example.com"));
            progress.succeeded();
        } else {
            answer.refused(503, "store_unavailable").header("retry-after");
            unknown += 1;
        }
    }
    progress.succeeded();
    (acknowledged, unknown, progress.longest, slowest)
}

async fn read(app: &TestApp, done: &AtomicBool, token: &str) -> (u32, Duration, Duration) {
    let (mut unread, mut progress, mut slowest) = (0, Progress::begin(), Duration::ZERO);
    while !done.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let answer = app.me(token).await;
        slowest = slowest.max(sent.elapsed());
        if answer.status == 200 {
            progress.succeeded();
        } else {
            answer.refused(503, "store_unavailable").header("retry-after");
            unread += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await; // the pace of the readers
    }
    progress.succeeded();
    (unread, progress.longest, slowest)
}
