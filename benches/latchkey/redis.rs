//! A Redis server of the benchmark's own, set up as `docker-compose.yml` sets it up: with an append-only file that is
//! synced every second. The server of the tests keeps nothing on disk, so its numbers would be too good.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::folder::temporary_folder;

/// A running server. Dropping it ends the process.
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl RedisServer {
    /// Its version, or a line that says what to install.
    pub(crate) fn version() -> Result<String, &'static str> {
        let output = Command::new("redis-server").arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let version = |text: &str| Some(text.split_once("v=")?.1.split_whitespace().next()?.to_owned());
        text.ok().and_then(|text| version(&text)).ok_or(
            "the benchmark measures against redis-server, which is not installed: install the package \
             redis-server (`make test-tools` does)",
        )
    }

    pub(crate) fn start() -> Self {
        // Another process may take the port between our look and the server's start, so this is tried again.
        for _ in 0..10 {
            let folder = temporary_folder();
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let process = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"])
                .args(["--port", &port.to_string(), "--dir"])
                .arg(folder.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let mut server = Self { process, port, _folder: folder };
            if server.answers() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline && self.process.try_wait().unwrap().is_none() {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
