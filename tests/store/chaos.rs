//! Faults between a commit and the server, and what they may not do: lose a commit, apply it twice, or call one a
//! conflict that was applied.

use std::sync::Arc;

use latchkey::store::{CommitError, Redis, RedisOptions, Store};

use super::{
    increment, key,
    proxy::{Fault, Proxy},
    put,
    redis_server::RedisServer,
};

/// What became of the increments of all writers.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: u32,
    unknown: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_lost_replies_of_exec_lose_and_double_nothing() {
    let tally = increments_through(Fault::LoseReply).await;
    assert_eq!(tally.unknown, 0, "each is found out from its marker: {tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_lost_requests_of_exec_lose_and_double_nothing() {
    let tally = increments_through(Fault::LoseRequest).await;
    assert_eq!(tally.unknown, 0, "each is tried again: {tally:?}");
}

/// Sixteen writers add to one counter, each commit expecting the revision that it read, through a proxy with faults.
async fn increments_through(fault: Fault) -> Tally {
    let server = RedisServer::start();
    let direct = Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap());
    direct.commit(put("counter", "0")).await.unwrap();
    let proxy = Proxy::start(&server.url(), fault, 5).await;
    let store = Arc::new(Store::Redis(Redis::connect(&RedisOptions::new(&proxy.url, "test:")).await.unwrap()));

    let writers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut tally = Tally::default();
            for _ in 0..20 {
                match increment(&store).await {
                    Ok(()) => tally.acknowledged += 1,
                    Err(CommitError::Unavailable(_)) => tally.unknown += 1,
                    Err(e) => panic!("{e}"),
                }
            }
            tally
        })
    });
    let mut sum = Tally::default();
    for writer in writers.collect::<Vec<_>>() {
        let tally = writer.await.unwrap();
        sum.acknowledged += tally.acknowledged;
        sum.unknown += tally.unknown;
    }
    assert!(proxy.cuts() > 50, "only {} faults, so this proved little", proxy.cuts());
    let value = value(&direct).await;
    let possible = sum.acknowledged..=sum.acknowledged + sum.unknown;
    assert!(possible.contains(&value), "{value} after {sum:?} and {} faults", proxy.cuts());
    sum
}

async fn value(store: &Store) -> u32 {
    store.get(&key("counter")).await.unwrap().unwrap().fields["value"].parse().unwrap()
}
