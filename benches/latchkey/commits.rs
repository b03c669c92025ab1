//! What a commit costs on each store and in each tier, beside what the server or the file can do at the most.
//!
//! A commit here is like that of a session: two records and an index entry, one of them expected to be unchanged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use latchkey::store::{
    Batch, Durability, Embedded, Expectation, Fields, Name, Redis, RedisOptions, Revision, Slot, Store,
};

use crate::{
    cluster_of_servers::{RedisCluster, info, until},
    folder::temporary_folder,
    limits::{VALUE, bare_redb, bare_redis},
    redis::{EVERY_SECOND, OnDisk},
    redis_server::{RedisServer, command},
    samples::Samples,
    table::{Row, Table},
};

const WRITERS: u32 = 16;
const TIME: Duration = Duration::from_secs(3);

pub(crate) async fn measure(table: &mut Table) {
    let always = ["--appendonly", "yes", "--appendfsync", "always"];

    let server = OnDisk::start();
    on_server(table, "Redis, relaxed (everysec)", &server.server, Durability::Relaxed).await;
    let server = OnDisk::launch("redis-server", &always);
    on_server(table, "Redis, fsync (always)", &server.server, Durability::Fsync).await;
    let server = OnDisk::launch("valkey-server", &EVERY_SECOND);
    on_server(table, "Valkey, relaxed (everysec)", &server.server, Durability::Relaxed).await;
    let server = OnDisk::launch("valkey-server", &always);
    on_server(table, "Valkey, fsync (WAITAOF)", &server.server, Durability::Fsync).await;

    let server = OnDisk::launch("redis-server", &[&EVERY_SECOND[..], &["--repl-diskless-sync-delay", "0"]].concat());
    let replica = OnDisk::start();
    let client = replica.server.client().await;
    let _: () = command(&client, &format!("REPLICAOF 127.0.0.1 {}", server.server.port())).await;
    until(async || info(&client, "replication").await.contains("master_link_status:up")).await;
    on_server(table, "Redis, replicated (1)", &server.server, Durability::Replicated(1)).await;

    let cluster = RedisCluster::start(3, 0).await;
    let store = Redis::connect(&RedisOptions::new(cluster.url(), "bench:")).await.unwrap();
    commits(table, "Redis Cluster, 3 masters, no AOF", Store::Redis(store), None).await;

    let folder = temporary_folder();
    let bare = bare_redb(&folder.path().join("bare.redb"));
    let store = Embedded::open(&folder.path().join("store.redb")).unwrap();
    commits(table, "embedded, on disk", Store::Embedded(store), Some(("redb alone, 1 writer", bare))).await;
    commits(table, "embedded, in memory", Store::Embedded(Embedded::in_memory().unwrap()), None).await;
}

async fn on_server(table: &mut Table, name: &str, server: &RedisServer, durability: Durability) {
    let options = RedisOptions { durability, ..RedisOptions::new(server.url(), "bench:") };
    let store = Store::Redis(Redis::connect(&options).await.unwrap());
    let bare = bare_redis(server.port(), "set", WRITERS, 60_000);
    commits(table, name, store, Some(("SET alone", bare))).await;
}

/// Commits as fast as sixteen writers can, each in a slot of its own.
async fn commits(table: &mut Table, name: &str, store: Store, bare: Option<(&str, f64)>) {
    let store = Arc::new(store);
    let begun = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { write(&store, &Slot::new(format!("b{writer}"))).await })
    });
    let mut samples = Samples::default();
    for written in join_all(writers.collect::<Vec<_>>()).await {
        samples.extend(written.unwrap());
    }
    #[expect(clippy::cast_precision_loss, reason = "there are some ten thousand")]
    let rate = samples.len() as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    let also = match bare {
        Some((what, bare)) => format!("{rate:.0}/s; {what} {bare:.0}/s, x{:.2}", rate / bare),
        None => format!("{rate:.0}/s"),
    };
    table.add(Row::of("commits, 16 writers", name, &samples).also(also));
}

async fn write(store: &Store, slot: &Slot) -> Samples {
    let (mut samples, mut last) = (Samples::default(), None);
    let begun = Instant::now();
    for n in 0_u32.. {
        if begun.elapsed() > TIME {
            break;
        }
        let batch = batch(slot, n, last);
        let sent = Instant::now();
        last = Some(store.commit(batch).await.unwrap());
        samples.push(sent.elapsed());
    }
    samples
}

fn batch(slot: &Slot, n: u32, last: Option<Revision>) -> Batch {
    let mut batch = Batch::new(slot.clone());
    batch.expect(Name::new("user"), last.map_or(Expectation::Absent, Expectation::Revision));
    let value = "x".repeat(VALUE / 10);
    let fields: Fields = (0..10).map(|field| (format!("field{field}"), value.clone())).collect();
    batch.put(Name::new("user"), fields.clone());
    batch.put_until(Name::new(format!("session{}", n % 100)), fields, i64::from(u32::MAX) * 1_000);
    batch.add(Name::new("sessions"), format!("session{}", n % 100), i64::from(n));
    batch
}
