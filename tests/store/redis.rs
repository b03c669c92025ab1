//! What the Redis store promises beyond the contract: MULTI/EXEC done right, also when connections break.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use latchkey::store::{
    Batch, CommitError, Expectation, REQUEST_DEADLINE, ReadError, Redis, RedisOptions, Store, in_one_request,
    in_the_same_request, pause,
};

use super::{
    cluster_of_servers::calls,
    fields, key, name, put,
    redis_server::{RedisServer, command},
    slot,
};

async fn connect(server: &RedisServer) -> Arc<Store> {
    Arc::new(Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap()))
}

#[tokio::test]
async fn records_and_indexes_can_be_read_with_redis_cli() {
    let server = RedisServer::start();
    let store = connect(&server).await;
    let mut batch = put("a", "1");
    batch.add(name("index"), "a", 7);
    batch.put_until(name("passing"), fields([("value", "1")]), 4_000_000_000_000);
    let revision = store.commit(batch).await.unwrap();

    let client = server.client().await;
    let hash: Vec<String> = command(&client, "HGETALL test:{slot}:a").await;
    assert_eq!(hash, ["rev", &revision.to_string(), "value", "1"]);
    let index: Vec<String> = command(&client, "ZRANGE test:{slot}:index 0 -1 WITHSCORES").await;
    assert_eq!(index, ["a", "7"]);
    let expiry: i64 = command(&client, "PEXPIRETIME test:{slot}:passing").await;
    assert_eq!(expiry, 4_000_000_300_000, "kept for the grace");
    let marker: i64 = command(&client, &format!("PTTL test:op:{{slot}}:{revision}")).await;
    assert!((55_000..=60_000).contains(&marker), "{marker}");
}

#[tokio::test]
async fn a_conflict_leaves_no_watch_and_no_connection_behind() {
    let server = RedisServer::launch("valkey-server", &[]); // Redis says who watches since 7.4 only
    let store = connect(&server).await;
    store.commit(put("a", "1")).await.unwrap();
    for _ in 0..100 {
        let mut batch = put("b", "1");
        batch.expect(name("a"), Expectation::Absent);
        assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
    }
    let clients: String = command(&server.client().await, "CLIENT LIST").await;
    assert!(clients.lines().count() <= 4, "{clients}");
    assert!(clients.lines().all(|client| client.contains(" watch=0")), "{clients}");
}

#[tokio::test]
async fn a_full_server_refuses_and_writes_nothing() {
    let server = RedisServer::start();
    let store = connect(&server).await;
    let client = server.client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    assert!(matches!(store.commit(put("a", "1")).await, Err(CommitError::Full)));
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    assert!(store.get(&key("a")).await.unwrap().is_none());
    store.commit(put("a", "1")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_within_the_deadline_and_usable_afterwards() {
    let server = RedisServer::start();
    let store = connect(&server).await;
    store.commit(put("a", "1")).await.unwrap();
    let _: () = command(&server.client().await, "CLIENT PAUSE 4000 ALL").await;
    let started = Instant::now();
    let a = key("a");
    // More commits than there are connections for them: those that wait for one may not come back to it later.
    let (read, commits) = tokio::join!(store.get(&a), join_all((0..100).map(|_| store.commit(put("a", "2")))));
    assert!(read.is_err());
    assert!(commits.iter().all(|commit| matches!(commit, Err(CommitError::Unavailable(_)))));
    assert!(started.elapsed() < REQUEST_DEADLINE + Duration::from_millis(1_500), "{:?}", started.elapsed());
    // None had come as far as EXEC, so none is applied later either.
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.commit(put("b", "1")).await.is_err() {
        assert!(Instant::now() < deadline, "the server is not used again");
    }
    assert_eq!(store.get(&a).await.unwrap().unwrap().fields["value"], "1");
}

#[tokio::test]
async fn the_calls_of_one_request_share_one_deadline_on_all_its_tasks() {
    let server = RedisServer::start();
    let store = connect(&server).await;
    server.freeze();
    let begun = Instant::now();
    in_one_request(async {
        assert!(store.get(&key("a")).await.is_err());
        assert!(begun.elapsed() >= REQUEST_DEADLINE, "a call alone has all the time: {:?}", begun.elapsed());
        let another = Arc::clone(&store);
        let task = tokio::spawn(in_the_same_request(async move { another.commit(put("a", "1")).await }));
        assert!(matches!(task.await.unwrap(), Err(CommitError::Unavailable(_))));
        assert!(store.get(&key("a")).await.is_err());
        assert!(!pause(Duration::from_millis(1)).await);
    })
    .await;
    assert!(begun.elapsed() < REQUEST_DEADLINE + Duration::from_millis(1_500), "{:?}", begun.elapsed());
    server.thaw();
    in_one_request(async { store.commit(put("a", "2")).await.unwrap() }).await;
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let mut server = RedisServer::start();
    let store = connect(&server).await;
    store.commit(put("a", "1")).await.unwrap();
    server.kill();
    assert!(store.get(&key("a")).await.is_err());
    assert!(matches!(store.commit(put("a", "2")).await, Err(CommitError::Unavailable(_))));
    server.restart();
    store.commit(put("b", "1")).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.get(&key("b")).await.is_err() {
        assert!(Instant::now() < deadline, "the readers did not reconnect");
    }
}

#[tokio::test]
async fn a_record_of_somebody_else_is_not_taken_for_ours() {
    let server = RedisServer::start();
    let store = connect(&server).await;
    let _: i64 = command(&server.client().await, "HSET test:{slot}:a value 1").await;
    assert!(store.get(&key("a")).await.is_err());
}

#[tokio::test]
async fn an_unreachable_server_is_said_at_once() {
    let server = RedisServer::start();
    let url = server.url();
    drop(server);
    let refused = Redis::connect(&RedisOptions::new(&url, "test:")).await.unwrap_err().to_string();
    assert!(refused.contains("refused"), "{refused}");
}

#[tokio::test]
async fn batches_of_all_kinds_survive_a_database_number() {
    let server = RedisServer::start();
    let url = format!("{}/3", server.url());
    let store = Store::Redis(Redis::connect(&RedisOptions::new(&url, "test:")).await.unwrap());
    let mut batch = Batch::new(slot());
    batch.put(name("a"), fields([("value", "1")]));
    store.commit(batch).await.unwrap();
    let keyspace: String = command(&server.client().await, "INFO keyspace").await;
    assert!(keyspace.contains("db3:keys=2"), "{keyspace}");
}

/// Once with others, and once alone.
#[tokio::test]
async fn redis_what_cannot_be_read_is_asked_for_twice() {
    let server = RedisServer::start();
    let (store, client) = (connect(&server).await, server.client().await);
    let _: () = command(&client, "SET test:{slot}:a text").await;
    let found = store.get(&key("a")).await;
    assert!(matches!(&found, Err(ReadError::Unreadable(why)) if why.contains("WRONGTYPE")), "{found:?}");
    assert_eq!(calls(&client, "hgetall").await, 2);
}
