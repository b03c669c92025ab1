//! The outbox of a service on Redis, as it is stored.

use std::{collections::HashMap, time::Duration};

use fred::interfaces::HashesInterface;
use latchkey::accounts::Clock;
use serde_json::json;

use super::TestApp;
use crate::redis_server::command;

/// After so long, a letter is tried again that was not sent the first few times.
pub const NEXT_TRY: Duration = Duration::from_secs(250);

/// After so long, a letter is tried again that somebody had who is gone.
pub const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// Arguments of a service whose letters go to the mail server at `url`, as many as are asked for.
pub fn sent_by(url: &str) -> [&str; 10] {
    [
        "--smtp-url",
        url,
        "--smtp-timeout",
        "2s",
        "--mail-from",
        "accounts@example.com",
        "--mails-per-address",
        "none",
        "--mails-per-sender",
        "none",
    ]
}

/// The fields of a letter that is to be sent.
pub type Entry = HashMap<String, String>;

impl TestApp {
    /// Asks for a letter with which the person can set a new password.
    pub async fn forget_password(&self, email: &str) {
        self.post("/v1/password-resets").json(&json!({"email": email})).send().await.expect(202);
    }

    /// The letters that are to be sent, and those that were given up.
    pub async fn entries(&self) -> Vec<Entry> {
        let client = self.redis.as_ref().unwrap().client().await;
        let mut entries = Vec::new();
        for key in command::<Vec<String>>(&client, "KEYS latchkey:{b*}:mail:*").await {
            let entry: Entry = client.hgetall(&key).await.unwrap();
            if !entry.is_empty() {
                entries.push(entry); // one may be sent meanwhile
            }
        }
        entries
    }

    /// Those letters, as soon as they are so.
    #[track_caller]
    pub fn entries_when(&self, are_so: impl Fn(&[Entry]) -> bool) -> impl Future<Output = Vec<Entry>> {
        let caller = std::panic::Location::caller();
        async move {
            let mut entries = Vec::new();
            for _ in 0..400 {
                entries = self.entries().await;
                if are_so(&entries) {
                    return entries;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("the outbox stays as it is, at {caller}: {entries:?}")
        }
    }

    /// Waits until the letters, of which there are so many, were tried so often in vain, and are to be tried again. Answers
    /// why one of them was not sent.
    #[track_caller]
    pub fn failed(&self, letters: usize, attempts: u32) -> impl Future<Output = String> {
        let is_over = move |entry: &Entry| {
            // Whoever tries has a letter for longer.
            let next = self.clock.now().until(entry["due_at"].parse().unwrap());
            entry["attempts"].parse::<u32>().unwrap() >= attempts && next < NEXT_TRY
        };
        let entries = self.entries_when(move |entries| entries.len() == letters && entries.iter().all(&is_over));
        async move { entries.await.pop().unwrap()["last_error"].clone() }
    }
}
