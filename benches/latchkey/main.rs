//! What Latchkey costs, measured on the binary as it is released: `cargo bench --bench latchkey`.
//!
//! The binary runs as a child process, once on an embedded store and once on a Redis of its own, and is driven over
//! real HTTP. What comes out are tables in markdown. Nothing here makes a build fail: a number depends on the machine,
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
mod limits;
mod load;
mod passwords;
mod redis;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/support/redis.rs"]
mod redis_server;
mod requests;
mod samples;
mod service;
mod signatures;
mod start;
mod storm;
mod table;
mod transfer;
mod wrk;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    folder::temporary_folder,
    redis::OnDisk,
    service::{Place, Service, WIDE},
    start::Megabytes,
    table::{Row, TIMES, Table},
};

const HOW_LOAD: &str = "\
How the load was measured:

- `wrk` sends, and each connection sends its next request when the last one is answered: 70 people with one session each,
  in turn; others sign in; every registration is a new person. It is one thread, which shares the cores with the service.
- Requests that were refused, or whose connection broke, are errors. Those that were refused do not count as speed; in
  times and CPU they do. Times are those of wrk, which counts a stall also for the requests that would have been sent
  meanwhile. Where there are few answers, such as those of hashes, p99 stands on one or two of them.
- CPU is the processor time of the service for each answer, and on Redis that of Redis after it, in ticks of 10 ms for all
  of them together. Memory is VmRSS after the load; MB are millions of bytes.
- The limits are measured just before, with as many connections: an endpoint of poem that answers a word, in a process of
  its own; what redis-benchmark gets out of the same server, a SET and then a GET of 500 bytes for each round trip; commits
  of redb with 500 bytes and an fdatasync each, from one writer, which many connections can exceed since one fdatasync does
  for several commits of theirs; Argon2 with the same cost, on as many threads as the service has, or on one for one
  connection.
- The service runs with its defaults, logging to a file, but for throttles that never refuse, and count. The signature of
  a token is remembered when it is used again, as that of any token in use is.
";

const HOW: &str = "\
How the rest was measured:

- Latency is from before a request is sent to the last byte of its answer, in one client thread on the same machine, over
  connections that are kept alive; one request at a time unless it says otherwise. It includes the client's own work.
- The service runs with its defaults, logging to a file. Its hashing threads run at nice 10; Argon2 alone runs on a thread
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

impl<'a> Side<'a> {
    /// A service on Redis, and one on the embedded store.
    fn both([redis, embedded]: &'a [Service; 2]) -> [Self; 2] {
        [("Redis", redis), ("embedded", embedded)].map(|(name, service)| Self {
            name,
            client: Client::new(service.url()),
            service,
        })
    }
}

/// With the argument `quick`, only the load is measured, and for less time; with `growth`, only how the stores grow, and to
/// more users; with `transfer`, only imports and exports, of a million; with `enumeration`, only whether times tell who has
/// an account.
fn main() -> ExitCode {
    let asked = |part: &str| std::env::args().any(|argument| argument == part);
    if asked(limits::BARE_POEM) {
        limits::serve_bare_poem();
        return ExitCode::SUCCESS;
    }
    let only = ["quick", "growth", "transfer", "enumeration"].into_iter().find(|part| asked(part));
    let redis_version = match environment::check(only) {
        Ok(version) => version,
        Err(line) => {
            eprintln!("latchkey bench: {line}");
            return ExitCode::FAILURE;
        }
    };
    // One thread, so that the client takes as little of the machine as it can.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (begun, load) = (Instant::now(), environment::load());
    let tables = runtime.block_on(measure(only));
    println!("\n{}\n{tables}", environment::describe(&redis_version, &load));
    println!("It took {} s.", begun.elapsed().as_secs());
    ExitCode::SUCCESS
}

/// Measures one part or everything, and says how.
async fn measure(only: Option<&str>) -> String {
    let mut table = Table::new(TIMES);
    match only {
        Some("quick") => return format!("{}\n{HOW_LOAD}", load::measure(&load::QUICK).await),
        Some("growth") => growth::measure(&mut table, &[1_000, 100_000, 1_000_000]).await,
        Some("transfer") => transfer::measure(&mut table, 1_000_000).await,
        Some("enumeration") => enumeration::measure(&mut table).await,
        _ => {
            let load = load::measure(&load::FULL).await;
            measure_times(&mut table).await;
            return format!("{load}\n{HOW_LOAD}\n{table}\n{HOW}");
        }
    }
    format!("{table}\n{HOW}")
}

async fn measure_times(table: &mut Table) {
    let redis = OnDisk::start();
    let server = &redis.server;
    start::measure(table, server).await;

    let folder = temporary_folder();
    let services =
        [Place::Redis(server), Place::Embedded(folder.path())].map(|place| Service::start_with(place, &WIDE));
    let sides = Side::both(&services);
    let accounts = passwords::measure(table, &sides).await;
    let readers = requests::measure(table, &sides).await;
    let sessions = storm::measure(table, &sides, &readers).await;
    requests::measure_ends(table, &sides, &sessions, &accounts).await;
    for side in &sides {
        table.add(Row::value("memory, after all this", side.name, Megabytes(side.service.resident_memory())));
    }
    drop(services);
    signatures::measure(table).await;
    enumeration::measure(table).await;
    commits::measure(table).await;
    growth::measure(table, &[1_000, 100_000]).await;
    transfer::measure(table, 50_000).await;
}

/// So many rounds, or as many as fit into this time: on a slow machine there are fewer, and `n` says so.
fn rounds(most: usize, time: Duration) -> impl Iterator<Item = usize> {
    let begun = Instant::now();
    (0..most).take_while(move |_| begun.elapsed() < time)
}
