//! Counters: all who share a store count together, each counter is gone after its life, and failures count on.

use std::{sync::Arc, time::Duration};

use futures_util::{TryStreamExt, future::join_all};
use latchkey::store::{Counter, Redis, RedisOptions, Store};

use super::{
    contract::contract,
    redis_server::{RedisServer, command},
};

const MINUTE: Duration = Duration::from_secs(60);

fn hits<const N: usize>(names: [&str; N], by: i64) -> Vec<(Counter, i64)> {
    names.map(|name| (Counter::new(name, "tries", MINUTE), by)).into()
}

contract! {
    async fn counters_go_up_and_down_together(store: Arc<Store>) {
        assert_eq!(store.hit(&hits(["a", "b"], 1)).await, [1, 1]);
        assert_eq!(store.hit(&hits(["b"], 2)).await, [3]);
        assert_eq!(store.hit(&hits(["a", "b"], -1)).await, [0, 2]);
        let both = [hits(["b"], 1), hits(["a"], 5)].concat();
        assert_eq!(store.hit(&both).await, [3, 5], "in the order asked");
        assert_eq!(store.hit(&hits(["c", "a"], 0)).await, [0, 5], "looking counts nothing");
        assert_eq!(store.hit(&[]).await, [0; 0]);
    }

    async fn no_hit_is_lost_among_many(store: Arc<Store>) {
        let all = (0..100).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.hit(&hits(["a", "b", "c"], 1)).await[0] })
        });
        let mut seen = join_all(all).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
        seen.sort_unstable();
        assert_eq!(seen, (1..=100).collect::<Vec<_>>(), "each hit sees another count");
        assert_eq!(store.hit(&hits(["a", "b", "c"], 0)).await, [100, 100, 100]);
    }

    async fn a_walk_does_not_meet_counters(store: Arc<Store>) {
        store.hit(&hits(["a"], 1)).await;
        let met = store.keys().try_collect::<Vec<_>>().await.unwrap();
        assert!(met.concat().is_empty(), "{met:?}");
    }
}

async fn connect(server: &RedisServer) -> Store {
    Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_counters_are_shared_and_expire() {
    let server = RedisServer::start();
    let (one, two) = (connect(&server).await, connect(&server).await);
    assert_eq!(one.hit(&hits(["a"], 1)).await, [1]);
    assert_eq!(two.hit(&hits(["a"], 1)).await, [2]);
    let client = server.client().await;
    let left: i64 = command(&client, "PTTL test:count:{a}:tries").await;
    assert!((1..=60_000).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_full_or_gone_leaves_counting_to_the_instance() {
    let server = RedisServer::start();
    let store = connect(&server).await;
    let client = server.client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    assert_eq!(store.hit(&hits(["a"], 1)).await, [1]);
    assert_eq!(store.hit(&hits(["a"], 1)).await, [2]);
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    assert_eq!(store.hit(&hits(["a"], 1)).await, [1], "Redis counts again, what it has seen");
    drop(server);
    assert_eq!(store.hit(&hits(["a"], 1)).await, [3]);
}
