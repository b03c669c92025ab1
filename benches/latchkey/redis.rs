//! A Redis of the benchmark's own, set up as `docker-compose.yml` sets it up: with an append-only file that is synced
//! every second. The server of the tests keeps nothing on disk, so its numbers would be too good.

use std::process::Command;

use tempfile::TempDir;

use crate::{folder::temporary_folder, redis_server::RedisServer};

/// How it is synced.
pub(crate) const EVERY_SECOND: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

/// A running server, or a Valkey, and its folder on the disk of the project.
pub(crate) struct OnDisk {
    pub(crate) server: RedisServer,
    _folder: TempDir,
}

impl OnDisk {
    pub(crate) fn start() -> Self {
        Self::launch("redis-server", &EVERY_SECOND)
    }

    pub(crate) fn launch(program: &'static str, arguments: &[&str]) -> Self {
        let folder = temporary_folder();
        let dir = ["--dir", folder.path().to_str().unwrap()];
        Self { server: RedisServer::launch(program, &[arguments, &dir].concat()), _folder: folder }
    }
}

/// Its version, or a line that says what to install.
pub(crate) fn version() -> Result<String, &'static str> {
    let output = Command::new("redis-server").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = |text: &str| Some(text.split_once("v=")?.1.split_whitespace().next()?.to_owned());
    text.ok().and_then(|text| version(&text)).ok_or(
        "the benchmark measures against redis-server, which is not installed: install the package redis-server \
         (`make test-tools` does)",
    )
}
