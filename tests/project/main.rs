//! What holds for the project as a whole: the rooms, the files beside the code, and what the README promises.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic; clippy.toml allows it in test functions, but not in what they call"
)]

mod container;
mod curl_session;
mod kubernetes;
mod makefile;
mod readme;
mod rooms;
mod rust_code;
mod security;
mod systemd;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use latchkey::{accounts::HashCost, config::Config};

/// The folder of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the project.
fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// How long the service may take to end: its drain, requests and letters under way, and imports and traces at last.
fn longest_stop(config: &Config) -> Duration {
    config.drain_delay + 2 * config.shutdown_timeout + Duration::from_secs(10)
}

/// The memory that all threads need at once, in KiB, for the dearest hashes that may come over HTTP.
fn dearest_hashes_kib(config: &Config) -> u32 {
    config.hashing.threads() * config.hashing.cost().memory_kib.max(HashCost::FROM_AFAR_KIB)
}

/// Every Rust file below a folder: its path from the folder of the project, and its text.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                let text = text(&name);
                files.push((name, text));
            }
        }
    }
    files.sort();
    files
}

/// The part of a Markdown page under a heading, up to the next heading of the same depth.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("there is no heading `{heading}`"));
    let body = &page[start + heading.len() + 2..];
    body.split("\n## ").next().unwrap()
}

/// The rows of the first table of a section, without its heading, each split into cells.
fn table(section: &str) -> Vec<Vec<String>> {
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}
