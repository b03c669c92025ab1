//! What the parts can do that Latchkey does not do without: poem alone, Redis alone, redb alone, Argon2 alone.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use latchkey::accounts::measure_hashes;
use poem::{
    Route, Server, get, handler,
    listener::{Acceptor, Listener, TcpListener},
};
use redb::{Database, TableDefinition};

use crate::hash::defaults;

/// The argument with which the benchmark is nothing but a bare poem.
pub(crate) const BARE_POEM: &str = "bare-poem";

/// The size of what is written for one user: the bare limits write as much.
pub(crate) const VALUE: usize = 500;

/// How often each thread hashes.
const HASHES: u32 = 40;

/// How long redb commits.
const TIME: Duration = Duration::from_secs(3);

/// The least that poem does for a request, in a process of its own, on as many threads as the service has.
pub(crate) struct BarePoem {
    pub(crate) process: Child,
    pub(crate) address: String,
}

impl BarePoem {
    pub(crate) fn start() -> Self {
        let binary = std::env::current_exe().unwrap();
        let mut process = Command::new(binary).arg(BARE_POEM).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }
}

impl Drop for BarePoem {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves a word until the process is ended, and tells where.
pub(crate) fn serve_bare_poem() {
    #[handler]
    fn hello() -> &'static str {
        "hello"
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
        println!("{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
        Server::new_with_acceptor(acceptor).run(Route::new().at("/", get(hello))).await.unwrap();
    });
}

/// What `redis-benchmark` gets out of a server a second with so many connections, one round trip each: of `get` or `set`.
pub(crate) fn bare_redis(port: u16, operation: &str, connections: u32, requests: u32) -> f64 {
    let output = Command::new("redis-benchmark")
        .args(["-p", &port.to_string(), "-c", &connections.to_string(), "-n", &requests.to_string()])
        .args(["-d", &VALUE.to_string(), "-r", "10000", "-t", operation, "--csv"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let name = format!("\"{}\"", operation.to_uppercase());
    let line = text.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("{text}"));
    line.split(',').nth(1).unwrap().trim_matches('"').parse().unwrap()
}

/// What one writer gets out of redb a second, each write made durable by itself.
pub(crate) fn bare_redb(path: &Path) -> f64 {
    const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
    let database = Database::create(path).unwrap();
    let (mut count, begun) = (0.0, Instant::now());
    while begun.elapsed() < TIME {
        let transaction = database.begin_write().unwrap();
        transaction.open_table(TABLE).unwrap().insert("user", [b'x'; VALUE].as_slice()).unwrap();
        transaction.commit().unwrap();
        count += 1.0;
    }
    count / begun.elapsed().as_secs_f64()
}

/// Hashes a second on so many threads, with the cost that the service has when nothing is set.
pub(crate) fn bare_argon2(threads: u32) -> f64 {
    measure_hashes(defaults().hashing.cost(), threads, HASHES).unwrap().per_second
}
