//! The real binary as a child process, with the settings that it has when nothing is set.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{folder::temporary_folder, redis_server::RedisServer};

/// The binary, built as it is released.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_latchkey");

/// Throttles that never refuse, but count.
pub(crate) const WIDE: [&str; 5] = [
    "--password-attempts=1000000/1m",
    "--password-attempts-per-address=1000000/1m",
    "--registrations-per-address=1000000/1m",
    "--mails-per-address=1000000/1m",
    "--mails-per-sender=1000000/1m",
];

/// A store for a service.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Embedded(&'a Path),
    Redis(&'a RedisServer),
}

/// A running service. Dropping it kills the process.
pub(crate) struct Service {
    pub(crate) process: Child,
    address: String,
    /// From before the process was made to the end of its first answer.
    pub(crate) started_in: Duration,
    /// Where letters go.
    pub(crate) outbox: PathBuf,
    _log: TempDir,
}

impl Service {
    /// Starts a service and waits until it answers.
    pub(crate) fn start(place: Place<'_>) -> Self {
        Self::start_with(place, &[])
    }

    /// The same, with more arguments.
    pub(crate) fn start_with(place: Place<'_>, arguments: &[&str]) -> Self {
        let folder = temporary_folder();
        let log = folder.path().join("log");
        let mut command = Command::new(BINARY);
        // An empty environment, so that no setting of whoever runs this counts.
        command
            .env_clear()
            .current_dir(folder.path())
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        // The log is written as always, to a file: one line of JSON for each request.
        command.stderr(File::create(&log).unwrap());
        let data = match place {
            Place::Embedded(data) => data.to_owned(),
            Place::Redis(_) => folder.path().join("data"),
        };
        command.arg("--data-dir").arg(&data);
        match place {
            Place::Embedded(_) => &mut command,
            Place::Redis(server) => command.args(["--redis-url", &server.url()]),
        };
        let begun = Instant::now();
        let process = command.spawn().unwrap();
        let (address, outbox) = (String::new(), data.join("outbox"));
        let mut service = Self { process, address, started_in: Duration::ZERO, outbox, _log: folder };
        let died = || -> ! { panic!("the service did not start: {}", fs::read_to_string(&log).unwrap()) };
        service.address = service.read_address().unwrap_or_else(|| died());
        while !is_alive(&service.address).unwrap_or(false) {
            if begun.elapsed() > Duration::from_secs(10) {
                died();
            }
        }
        service.started_in = begun.elapsed();
        service
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The memory that is resident, in bytes.
    pub(crate) fn resident_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The address, from the line `The API is at http://<address>/v1`.
    fn read_address(&mut self) -> Option<String> {
        let mut lines = BufReader::new(self.process.stdout.take()?).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("http://")))?;
        Some(line.split_once("http://")?.1.split('/').next()?.to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks with a plain socket, so that no client has to be set up while the clock runs.
fn is_alive(address: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /health/live HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200 "))
}
