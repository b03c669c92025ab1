//! What Latchkey costs, measured on the binary as it is released: `cargo bench --bench latchkey`.
//!
//! The binary runs as a child process, once on an embedded store and once on a Redis of its own, and is driven over
//! real HTTP. What comes out is one table in markdown. Nothing here makes a build fail: a number depends on the machine,
//! so it is for people to read.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made ends the run"
)]

mod client;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/support/cluster.rs"]
mod cluster_of_servers;
mod commits;
mod disk;
mod enumeration;
mod environment;
mod folder;
mod growth;
mod hash;
mod passwords;
mod redis;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/support/redis.rs"]
mod redis_server;
mod requests;
mod samples;
mod service;
mod start;
mod storm;
mod table;
mod tokens;
mod transfer;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    folder::temporary_folder,
    redis::OnDisk,
    service::{Place, Service},
    start::Megabytes,
    table::{Row, Table},
};

const HOW: &str = "\
How it was measured:

- Latency is from before a request is sent to the last byte of its answer, in one client thread on the same machine, over
  connections that are kept alive; one request at a time unless it says otherwise. It includes the client's own work.
- The service runs with its defaults, logging to a file. Its hashing threads run at nice 5; Argon2 alone runs on a thread
  at nice 0, in memory that is warm, in the same turns as the requests it is compared with.
- The differences and ratios are of medians. A limit on latency or on the start is held against the median.
- The binary is built with the features that the crates of the tests ask for, so it is some 1 % larger than what
  `cargo build --release` makes.
- A start is from before the process is made to the end of its first answer to /health/live. Each first start has an
  empty folder; each next start finds the folder of a process that was killed.
- Memory is VmRSS. MB are millions of bytes.
- A commit of the embedded store ends with one fdatasync. A sign-in, a change and a sign-out make one commit; a
  registration makes one for the account and one for each claim (the address, the username), and a deletion likewise.
- The disk is measured in turns with the requests: 4 KiB written within a file, and 4 KiB added to its end.
- At 1000/s, a GET is sent each millisecond whether or not the one before was answered; idle and storm take turns. The
  client that sends them shares the cores with the service.
- A commit, alone, writes two records of 500 bytes and an index entry, and expects one record to be unchanged. `SET alone`
  is what redis-benchmark gets out of the same server with as many connections and 500 bytes each, just before.
- The room of a user is what their record, their claims and their index entries take, on average; markers of commits, which
  last a minute, are taken out first. Growth is held against the median among the fewest users.
- An import is from before the command is started to its end, with its lines in a file: an address, a username, a name,
  metadata and a bcrypt hash each. An import again finds each person as their line says. Its memory is VmHWM.
- With 16 connections, each sends its next request when the last one is answered, and the client shares the cores with
  the service. The signature of the token is remembered by then, as that of a token in use is. `Bare poem` is an endpoint
  that answers a word, in the process of the client. `Redis GET alone` is what redis-benchmark gets out of the server of
  the service with as many connections.
- Two kinds of request that are answered alike are sent in turns, 1000 of each; `t` is Welch's, and beyond 4.5 the time tells
  them apart. The services of these rows, and of those that sign in wrongly, have throttles that never refuse, but count.
- The rate of sign-ins is held against that of Argon2 alone on as many threads, measured just before and just after. It is
  less than threads / median: two hashes at once share the memory's bandwidth. Whoever is refused comes again when the
  answer says.
";

/// A running service, its client, and the name of its store.
struct Side<'a> {
    name: &'static str,
    client: Client,
    service: &'a Service,
}

/// With the argument `growth`, only how the stores grow is measured, and to more users; with `transfer`, only imports and
/// exports, of a million; with `enumeration`, only whether times tell who has an account.
fn main() -> ExitCode {
    let redis_version = match environment::check() {
        Ok(version) => version,
        Err(line) => {
            eprintln!("latchkey bench: {line}");
            return ExitCode::FAILURE;
        }
    };
    // One thread, so that the client takes as little of the machine as it can.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (begun, load) = (Instant::now(), environment::load());
    let asked = |part: &str| std::env::args().any(|argument| argument == part);
    let table = runtime.block_on(async {
        match () {
            () if asked("growth") => measure_growth().await,
            () if asked("transfer") => measure_transfer().await,
            () if asked("enumeration") => measure_enumeration().await,
            () => measure().await,
        }
    });
    println!("\n{}\n{table}\n{HOW}", environment::describe(&redis_version, &load));
    println!("It took {} s.", begun.elapsed().as_secs());
    ExitCode::SUCCESS
}

async fn measure() -> Table {
    let mut table = Table::default();
    let redis = OnDisk::start();
    let server = &redis.server;
    start::measure(&mut table, server).await;

    let folder = temporary_folder();
    let services = [Place::Redis(server), Place::Embedded(folder.path())]
        .map(|place| Service::start_with(place, &enumeration::WIDE));
    let [redis, embedded] = &services;
    let sides = [("Redis", redis), ("embedded", embedded)].map(|(name, service)| Side {
        name,
        client: Client::new(service.url()),
        service,
    });
    let accounts = passwords::measure(&mut table, &sides).await;
    let readers = requests::measure(&mut table, &sides).await;
    let sessions = storm::measure(&mut table, &sides, &readers).await;
    tokens::measure(&mut table, &sides, &readers, server.port()).await;
    requests::measure_ends(&mut table, &sides, &sessions, &accounts).await;
    for side in &sides {
        table.add(Row::value("memory, after all this", side.name, Megabytes(side.service.resident_memory())));
    }
    drop(services);
    enumeration::measure(&mut table).await;
    commits::measure(&mut table).await;
    growth::measure(&mut table, &[1_000, 100_000]).await;
    transfer::measure(&mut table, 50_000).await;
    table
}

async fn measure_transfer() -> Table {
    let mut table = Table::default();
    transfer::measure(&mut table, 1_000_000).await;
    table
}

async fn measure_enumeration() -> Table {
    let mut table = Table::default();
    enumeration::measure(&mut table).await;
    table
}

async fn measure_growth() -> Table {
    let mut table = Table::default();
    growth::measure(&mut table, &[1_000, 100_000, 1_000_000]).await;
    table
}

/// So many rounds, or as many as fit into this time: on a slow machine there are fewer, and `n` says so.
fn rounds(most: usize, time: Duration) -> impl Iterator<Item = usize> {
    let begun = Instant::now();
    (0..most).take_while(move |_| begun.elapsed() < time)
}
