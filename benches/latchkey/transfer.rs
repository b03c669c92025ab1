//! How long it takes to bring people here and to take them away again, with the commands of the released binary on a
//! Redis that keeps what it is told.

use std::{
    fmt::{self, Display},
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    folder::temporary_folder,
    redis::OnDisk,
    redis_server::RedisServer,
    service::{BINARY, Place, Service},
    start::Megabytes,
    table::{Row, Table},
};

/// How often a command is asked for its memory.
const PACE: Duration = Duration::from_millis(50);

/// A hash as it comes from another service. It is kept as it is, so nothing is hashed.
const HASH: &str = "$2b$10$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

/// What a command took.
struct Run {
    took: Duration,
    /// The most memory that was resident, in bytes.
    memory: u64,
}

/// Imports so many people, imports them again, when each is found as the line says, and exports them.
pub(crate) async fn measure(table: &mut Table, people: u32) {
    let (folder, redis) = (temporary_folder(), OnDisk::start());
    drop(Service::start(Place::Redis(&redis.server))); // it writes the layout
    let [lines, out] = ["lines", "out"].map(|name| folder.path().join(name));
    write_lines(&lines, people);
    for (what, command, file, limits) in [
        ("import", "import", &lines, true),
        ("import again", "import", &lines, false),
        ("export", "export", &out, false),
    ] {
        let run = run(&redis.server, folder.path(), command, file).await;
        let rate = f64::from(people) / run.took.as_secs_f64();
        let row =
            Row::value(&format!("{what} of {people} users"), "Redis", Seconds(run.took)).also(format!("{rate:.0}/s"));
        let in_time = run.took <= Duration::from_secs(600);
        table.add(if limits { row.limit("600 s", in_time) } else { row });
        let row = Row::value(&format!("memory at most, {what}"), "Redis", Megabytes(run.memory));
        table.add(row.limit("100 MB", run.memory <= 100_000_000));
    }
    let there = BufReader::new(File::open(&out).unwrap()).lines().count();
    assert_eq!(there, people as usize, "everybody is there");
}

fn write_lines(path: &Path, people: u32) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for n in 0..people {
        // The id makes the line the same person when it is imported again.
        let line = serde_json::json!({
            "id": format!("6f1c2d3e-0000-4000-8000-{n:012x}"),
            "email": format!("person{n}@example{}.com", n % 97),
            "email_verified": n % 3 != 0,
            "username": format!("person{n}"),
            "name": format!("Person Number {n}"),
            "metadata": { "plan": "free", "n": n },
            "created_at": format!("2021-{:02}-{:02}T10:00:00Z", n % 12 + 1, n % 28 + 1),
            "password_hash": HASH,
        });
        writeln!(file, "{line}").unwrap();
    }
    file.flush().unwrap();
}

async fn run(server: &RedisServer, folder: &Path, command: &str, file: &Path) -> Run {
    let begun = Instant::now();
    let mut child = Command::new(BINARY)
        .env_clear()
        .current_dir(folder)
        .args(["--redis-url", &server.url(), command])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut memory = 0;
    let status = loop {
        memory = most_memory(&child).unwrap_or(memory);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => tokio::time::sleep(PACE).await,
        }
    };
    assert!(status.success(), "{command}: {status}");
    Run { took: begun.elapsed(), memory }
}

/// The most that was resident, in bytes, while the process is there.
fn most_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}
