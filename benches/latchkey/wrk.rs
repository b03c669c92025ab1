//! Load by `wrk`, which takes less of the machine than a client in Rust with the comfort of one would.

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Duration};

use serde::Deserialize;
use tempfile::TempDir;

use crate::folder::temporary_folder;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/load.lua");

/// A request as `load.lua` reads it. Each `{n}` in the body is another number, each `{refresh_token}` one that is good, of another
/// session.
#[derive(Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) token: String,
    pub(crate) body: String,
}

/// What came of it.
#[derive(Deserialize)]
pub(crate) struct Load {
    answers: f64,
    seconds: f64,
    refused: f64,
    broken: f64,
    p50: f64,
    p99: f64,
}

/// Who sends it: so many connections, each with its next request when the last one is answered, for so long.
pub(crate) struct Wrk {
    folder: TempDir,
    /// What `{n}` was last.
    number: u64,
}

impl Wrk {
    pub(crate) fn new() -> Self {
        Self { folder: temporary_folder(), number: 0 }
    }

    /// Sends `requests` in turn.
    pub(crate) fn send(
        &mut self,
        address: &str,
        connections: u32,
        time: Duration,
        requests: &[Request],
        refresh_tokens: &[&str],
    ) -> Load {
        let [requests_file, tokens_file] = ["requests", "tokens"].map(|name| self.folder.path().join(name));
        let mut lines = String::new();
        for Request { method, path, token, body } in requests {
            let kind = if body.is_empty() { "" } else { "application/json" };
            writeln!(lines, "{method}\t{path}\t{kind}\t{token}\t{body}").unwrap();
        }
        fs::write(&requests_file, lines).unwrap();
        let mut command = Command::new("wrk");
        command
            .args(["-t1", &format!("-c{connections}"), &format!("-d{}s", time.as_secs()), "--timeout", "30s"])
            .args(["-s", SCRIPT, &format!("http://{address}"), "--"])
            .args([&requests_file, Path::new(&self.number.to_string())]);
        if !refresh_tokens.is_empty() {
            fs::write(&tokens_file, refresh_tokens.join("\n")).unwrap();
            command.arg(&tokens_file);
        }
        self.number += 10_000_000;
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let last = said.lines().last().unwrap_or_default();
        let load = serde_json::from_str::<Load>(last);
        let load = load.unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
        assert!(load.answers > load.refused, "nothing was answered but refusals: {said}");
        load
    }
}

impl Load {
    /// Requests a second that were not refused.
    pub(crate) fn rate(&self) -> f64 {
        (self.answers - self.refused) / self.seconds
    }

    /// The median of the times.
    pub(crate) fn p50(&self) -> Duration {
        Duration::from_secs_f64(self.p50 / 1e3)
    }

    pub(crate) fn p99(&self) -> Duration {
        Duration::from_secs_f64(self.p99 / 1e3)
    }

    /// Answers that refuse, and connections that broke.
    pub(crate) fn errors(&self) -> f64 {
        self.refused + self.broken
    }

    /// Answers of all kinds.
    pub(crate) fn answers(&self) -> f64 {
        self.answers
    }
}
