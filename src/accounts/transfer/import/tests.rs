//! What an import waits for, and how much it reads at once.

use std::{
    io::{BufRead, Read},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::accounts::{claims::HandleKind, testing, transfer::MAX_LINE, user::UserId};

fn import(dry_run: bool) -> Import {
    Import { dry_run, by: Authority::operator() }
}

/// Counts what is read of it.
struct Counted<'a>(&'a [u8], &'a AtomicUsize);

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        self.1.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.0)
    }

    fn consume(&mut self, amount: usize) {
        self.1.fetch_add(amount, Ordering::Relaxed);
        self.0.consume(amount);
    }
}

#[tokio::test]
async fn long_lines_are_looked_at_fewer_at_a_time() {
    let accounts = testing::accounts().await;
    let line = |number| json!({"email": format!("p{number}@example.com")}).to_string();
    let lines = (0..100).map(|number| format!("{:<60000}\n", line(number)));
    let (text, read) = (lines.collect::<String>(), AtomicUsize::new(0));
    let (mut created, mut read_before) = (0, usize::MAX);
    let mut tell = |imported: Imported| {
        created += usize::from(matches!(imported.outcome, ImportOutcome::Created(_)));
        read_before = read_before.min(read.load(Ordering::Relaxed));
    };
    accounts.import(Lines::new(Counted(text.as_bytes(), &read)), &import(false), &mut tell).await.unwrap();
    assert_eq!(created, 100);
    assert!((WINDOW_BYTES..=WINDOW_BYTES + MAX_LINE).contains(&read_before), "{read_before}");
}

#[tokio::test]
async fn while_a_store_is_away_nothing_is_said_of_any_line() {
    let accounts = testing::accounts().await;
    accounts.store.close().await;
    tokio::time::pause();
    let (line, mut told) = (json!({"email": "ada@example.com"}).to_string(), Vec::new());
    let imported = accounts.import(Lines::new(line.as_bytes()), &import(false), &mut |line| told.push(line)).await;
    assert!(matches!(imported, Err(ImportError::Store(_))), "{imported:?}");
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn who_was_about_to_have_something_before_an_import_is_waited_for_once() {
    let accounts = testing::accounts().await;
    let [ada, bob] = ["ada", "bob"].map(|name| json!({"email": format!("{name}@example.com")}));
    let somebody = UserId::new(accounts.now(), accounts.random);
    let claimed = accounts.candidate_of(1, &ada);
    let at = accounts.now();
    accounts.leave_claim(&claimed, HandleKind::Email, Some(somebody), at).await;
    let (later, free) = (at.plus(Duration::from_millis(1)), accounts.candidate_of(2, &bob));
    tokio::time::pause();
    for (import, begun, candidate, waits) in [
        (import(false), later, &claimed, true),
        (import(true), later, &claimed, false),
        (import(false), at, &claimed, false),
        (import(false), later, &free, false),
    ] {
        let mut run =
            Run { import: &import, begun, has_waited: false, seen: HashSet::new(), outage: Outage::default() };
        for waits in [waits, false] {
            let begun = Instant::now();
            accounts.look_at_rest(&mut run, std::slice::from_ref(candidate)).await.unwrap();
            assert_eq!(begun.elapsed().as_secs(), if waits { 10 } else { 0 });
        }
    }
}
