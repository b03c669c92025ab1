//! The contract of the store port, held against every store, and what each store promises beyond it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod chaos;
mod cluster;
#[path = "../support/cluster.rs"]
mod cluster_of_servers;
mod connections;
mod contract;
mod counters;
mod damage;
mod doubt;
mod durability;
mod embedded;
mod endings;
mod faults;
mod history;
mod indexes;
mod inspect;
mod logs;
mod model;
#[path = "../support/proxy.rs"]
mod proxy;
mod redis;
#[path = "../support/redis.rs"]
mod redis_server;
#[path = "../support/sentinel.rs"]
mod sentinel;
mod walks;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use cluster_of_servers::RedisCluster;
use latchkey::store::{Batch, CommitError, Embedded, Expectation, Fields, Key, Name, Redis, RedisOptions, Slot, Store};
use redis_server::RedisServer;

/// A store, and what must live as long as it does.
struct Fixture<T> {
    store: Store,
    _keep: T,
}

fn embedded_in_memory() -> Fixture<()> {
    Fixture { store: Store::Embedded(Embedded::in_memory().unwrap()), _keep: () }
}

fn embedded_on_disk() -> Fixture<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Embedded(Embedded::open(&folder.path().join("store.redb")).unwrap());
    Fixture { store, _keep: folder }
}

async fn redis() -> Fixture<RedisServer> {
    let server = RedisServer::start();
    let store = Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap());
    Fixture { store, _keep: server }
}

async fn valkey() -> Fixture<RedisServer> {
    let server = RedisServer::launch("valkey-server", &[]);
    let store = Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap());
    Fixture { store, _keep: server }
}

/// The store at this URL, as tests have it that share one.
async fn connect(url: &str) -> Arc<Store> {
    Arc::new(Store::Redis(Redis::connect(&RedisOptions::new(url, "test:")).await.unwrap()))
}

/// Keys of its own prefix on a cluster that is shared.
async fn cluster() -> Fixture<()> {
    static FIXTURES: AtomicU32 = AtomicU32::new(0);
    let prefix = format!("test{}:", FIXTURES.fetch_add(1, Ordering::Relaxed));
    let cluster = RedisCluster::shared().await;
    let store = Store::Redis(Redis::connect(&RedisOptions::new(cluster.url(), prefix)).await.unwrap());
    Fixture { store, _keep: () }
}

fn slot() -> Slot {
    Slot::new("slot")
}

fn name(name: &str) -> Name {
    Name::new(name)
}

fn key(record: &str) -> Key {
    slot().key(&name(record))
}

fn fields<const N: usize>(fields: [(&str, &str); N]) -> Fields {
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Adds one to the record `counter`, which nobody else may have changed meanwhile: again until it is acknowledged, or
/// until its outcome is unknown, after which it may not be repeated.
async fn increment(store: &Store) -> Result<(), CommitError> {
    loop {
        let Ok(Some(read)) = store.get(&key("counter")).await else { continue };
        let next = read.fields["value"].parse::<u32>().unwrap() + 1;
        let mut batch = put("counter", &next.to_string());
        batch.expect(name("counter"), Expectation::Revision(read.revision));
        match store.commit(batch).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(e) => return Err(e),
        }
    }
}

fn put(record: &str, value: &str) -> Batch {
    let mut batch = Batch::new(slot());
    batch.put(name(record), fields([("value", value)]));
    batch
}
