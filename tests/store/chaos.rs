//! Faults between commits and one server, and what they may not do: lose a commit, apply it twice, or call one a conflict
//! that was applied.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use latchkey::store::Store;

use super::{
    history::{duration, during, prepare},
    proxy::{Fault, Proxy},
    put,
    redis_server::{RedisServer, command},
};
use crate::{connect, increment, key};

/// How often connections are killed.
const EVERY: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_connections_lose_and_double_nothing() {
    let server = RedisServer::start();
    let store = connect(&server.url()).await;
    let slots = prepare(&store, 1).await;
    let client = server.client().await;
    let mut killed = 0;
    let history = during(&store, &slots, async {
        let end = Instant::now() + duration();
        while Instant::now() < end {
            killed += command::<i64>(&client, "CLIENT KILL TYPE normal SKIPME yes").await;
            tokio::time::sleep(EVERY).await; // the pace of the fault
        }
    })
    .await;
    assert!(killed > 100, "only {killed} connections were killed");
    history.hold("all connections killed every 10 ms", &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_lost_replies_of_exec_lose_and_double_nothing() {
    through("reply of EXEC lost, every 5th", Fault::LoseReply).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_lost_requests_of_exec_lose_and_double_nothing() {
    through("request of EXEC lost, every 5th", Fault::LoseRequest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_late_replies_of_exec_lose_and_double_nothing() {
    through("reply of EXEC 1 s late, every 5th", Fault::DelayReply(Duration::from_secs(1))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_late_requests_of_exec_lose_and_double_nothing() {
    through("EXEC 1 s late, every 5th", Fault::DelayRequest(Duration::from_secs(1))).await;
}

/// Writes through a proxy with faults, and judges without it.
async fn through(fault: &str, kind: Fault) {
    let server = RedisServer::start();
    let direct = connect(&server.url()).await;
    let slots = prepare(&direct, 4).await;
    let proxy = Proxy::start(&server.url(), kind, |exec| exec % 5 == 0, || {}).await;
    let store = connect(&proxy.url).await;
    let history = during(&store, &slots, tokio::time::sleep(duration())).await;
    assert!(proxy.faults() > 10, "only {} faults, so this proved little", proxy.faults());
    history.hold(fault, &direct).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_is_frozen_again_and_again_loses_and_doubles_nothing() {
    let server = RedisServer::start();
    let store = connect(&server.url()).await;
    let slots = prepare(&store, 4).await;
    let history = during(&store, &slots, async {
        let end = Instant::now() + 2 * duration();
        while Instant::now() < end {
            server.freeze();
            tokio::time::sleep(Duration::from_millis(900)).await; // longer than one step may take
            server.thaw();
            tokio::time::sleep(Duration::from_millis(300)).await; // the pace of the fault
        }
    })
    .await;
    history.hold("server frozen for 0.9 s of every 1.2 s", &store).await;
}

/// A commit's future is dropped after each number of polls in turn. It runs to its end all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valkey_a_commit_that_is_dropped_at_any_await_is_whole() {
    // Redis says who watches since 7.4 only.
    let server = RedisServer::launch("valkey-server", &[]);
    let store = connect(&server.url()).await;
    store.commit(put("counter", "0")).await.unwrap();
    let (mut started, mut deepest) = (0, 0);
    // Some end sooner than others.
    for _ in 0..10 {
        for polls in 0.. {
            let mut left = polls;
            let mut commit = pin!(increment(&store));
            let done = poll_fn(|context| match commit.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => {
                    left -= 1;
                    Poll::Pending
                }
            });
            started += 1;
            deepest = deepest.max(polls + 1);
            if let Some(outcome) = done.await {
                outcome.unwrap();
                break;
            }
        }
    }
    // What was dropped before it was sent did nothing; all the others end, and nobody is kept waiting by them.
    let deadline = Instant::now() + Duration::from_secs(5);
    let before = value(&store).await;
    increment(&store).await.unwrap();
    while value(&store).await <= before {
        assert!(Instant::now() < deadline);
    }
    let clients: String = command(&server.client().await, "CLIENT LIST").await;
    assert!(clients.contains("watch="), "it does not say who watches: {clients}");
    let watching = clients.lines().filter(|client| !client.contains("watch=0"));
    assert_eq!(watching.count(), 0, "{clients}");
    assert!(value(&store).await <= started + 1, "something was applied twice");
    assert!(deepest > 2, "only {deepest} awaits");
}

async fn value(store: &Store) -> u32 {
    store.get(&key("counter")).await.unwrap().unwrap().fields["value"].parse().unwrap()
}
