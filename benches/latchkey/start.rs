//! How large the binary is, how soon it answers, and how much memory it holds.

use std::{fs, path::Path, time::Duration};

use futures_util::future::join_all;

use crate::{
    client::Client,
    folder::temporary_folder,
    hash::defaults,
    redis_server::RedisServer,
    samples::{Milliseconds, Samples},
    service::{BINARY, Place, Service},
    table::{Row, Table},
};

const STARTS: usize = 20;

pub(crate) async fn measure(table: &mut Table, redis: &RedisServer) {
    let size = fs::metadata(BINARY).unwrap().len();
    let row = Row::value("binary", "", Megabytes(size)).also(format!("{size} bytes"));
    table.add(row.limit("12 MB", size <= 12_000_000));
    starts(table, redis);
    memory(table).await;
}

fn starts(table: &mut Table, redis: &RedisServer) {
    let [mut first, mut again, mut on_redis] = [(); 3].map(|()| Samples::default());
    for _ in 0..STARTS {
        let folder = temporary_folder();
        first.push(start(folder.path()).started_in);
        again.push(start(folder.path()).started_in);
        on_redis.push(Service::start(Place::Redis(redis)).started_in);
    }
    for (what, on, samples) in [
        ("first start to first answer", "embedded", first),
        ("next start to first answer", "embedded", again),
        ("start to first answer", "Redis", on_redis),
    ] {
        let (least, most) = (Milliseconds(samples.quantile(0.0)), Milliseconds(samples.quantile(1.0)));
        let row = Row::of(what, on, &samples).also(format!("{least} to {most}"));
        table.add(row.limit("50 ms", samples.median() <= Duration::from_millis(50)));
    }
}

async fn memory(table: &mut Table) {
    let folder = temporary_folder();
    let service = start(folder.path());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = service.resident_memory();
    table.add(Row::value("memory, idle", "embedded", Megabytes(idle)).limit("20 MB", idle <= 20_000_000));

    // As many at once as there are threads: each thread has one, since it takes longer than handing out the others.
    let client = Client::new(service.url());
    let threads = defaults().hashing.threads();
    join_all((0..threads).map(|_| client.sign_in_as_nobody())).await;
    let hashed = service.resident_memory();
    let row = Row::value("memory, after a hash on each thread", "embedded", Megabytes(hashed));
    let each = u64::from(defaults().hashing.cost().memory_kib) * 1024;
    table.add(row.also(format!("{threads} threads with {} each", Megabytes(each))));
}

fn start(data: &Path) -> Service {
    Service::start(Place::Embedded(data))
}

/// Bytes, in units of a million.
pub(crate) struct Megabytes(pub(crate) u64);

impl std::fmt::Display for Megabytes {
    #[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} MB", self.0 as f64 / 1e6)
    }
}
