//! A Redis server of a test's own: a real process on a free port of loopback, ended with the test.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::{
        Builder, ClusterHash, CustomCommand, FromValue,
        config::{Config, ReconnectPolicy},
    },
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running server. Dropping it ends the process.
pub(crate) struct RedisServer {
    pub(crate) process: Child,
    program: &'static str,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a Redis that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a Redis with more arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::launch("redis-server", arguments)
    }

    /// Starts `program`, which takes the arguments of `redis-server`.
    pub(crate) fn launch(program: &'static str, arguments: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>();
        // Another process may take the port between our look and the server's start, so this is tried again.
        for _ in 0..10 {
            let port = free_port();
            let mut process = start(program, port, folder.path(), &arguments);
            if wait_until_ready(&mut process, port) {
                return Self { process, program, port, arguments, folder };
            }
        }
        panic!("{program} did not start in {}", folder.path().display());
    }

    /// The URL of the server.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder that the server works in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client for looking at the server, and for getting it into trouble.
    pub(crate) async fn client(&self) -> Client {
        Self::client_of(self.port).await
    }

    /// A client of whoever listens at this port, which it waits for.
    pub(crate) async fn client_of(port: u16) -> Client {
        let mut builder = Builder::from_config(Config::from_url(&format!("redis://127.0.0.1:{port}")).unwrap());
        builder.set_policy(ReconnectPolicy::new_constant(200, 50)).with_config(|c| c.fail_fast = false);
        let client = builder.build().unwrap();
        client.init().await.unwrap();
        client
    }

    /// Ends the process at once, without letting it say goodbye.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Stops the process where it is: it keeps its connections and answers nothing.
    pub(crate) fn freeze(&self) {
        kill_process(Pid::from_child(&self.process), Signal::STOP).unwrap();
    }

    /// Lets a frozen process go on.
    pub(crate) fn thaw(&self) {
        kill_process(Pid::from_child(&self.process), Signal::CONT).unwrap();
    }

    /// Starts the process again on the same port, after [`kill`](Self::kill).
    pub(crate) fn restart(&mut self) {
        self.process = start(self.program, self.port, self.folder.path(), &self.arguments);
        assert!(wait_until_ready(&mut self.process, self.port), "{} did not come back", self.program);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends one command as it would be typed into `redis-cli`.
pub(crate) async fn command<T: FromValue>(client: &Client, line: &str) -> T {
    try_command(client, line).await.unwrap()
}

/// Sends one command that may be refused.
pub(crate) async fn try_command<T: FromValue>(client: &Client, line: &str) -> Result<T, Error> {
    let mut words = line.split(' ').map(str::to_owned);
    let name = CustomCommand::new(words.next().unwrap(), ClusterHash::FirstKey, false);
    Box::pin(client.custom(name, words.collect::<Vec<_>>())).await // it is large
}

fn start(program: &str, port: u16, folder: &Path, arguments: &[String]) -> Child {
    let (port, folder) = (port.to_string(), folder.to_str().unwrap());
    let ours = ["--port", &port, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    spawn(program, ours.into_iter().chain(arguments.iter().map(String::as_str)))
}

/// Starts a program that ends with the thread that starts it, also when the test is killed.
pub(crate) fn spawn<'a>(program: &str, arguments: impl Iterator<Item = &'a str>) -> Child {
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", program])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
        .filter(|_| installed(program))
        .unwrap_or_else(|| {
            panic!(
                "these tests need {program} and setpriv: `make test` installs them; \
                 `cargo test -- --skip redis --skip valkey --skip cluster --skip sentinel` leaves these tests out"
            )
        })
}

fn installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn wait_until_ready(process: &mut Child, port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline && process.try_wait().unwrap().is_none() {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        std::thread::yield_now();
    }
    let _ = process.kill();
    let _ = process.wait();
    false
}
