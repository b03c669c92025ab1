//! Connections that end without a word, or between two steps of a commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{TryStreamExt, future::join_all};
use latchkey::store::{CommitError, in_one_request, in_time};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::{
    cluster_of_servers::{calls, info, until},
    connect, key, put,
    redis_server::RedisServer,
};

/// What stands between us and the server. Dropping it ends it.
struct Relay {
    url: String,
    /// How often all connections that there were have died without a word.
    deaths: Arc<watch::Sender<u32>>,
    /// Whether connections end as soon as they are in a transaction, each second time that one is.
    ends_in_transactions: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Relay {
    async fn to(server: &RedisServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (deaths, ends_in_transactions) = (Arc::new(watch::Sender::new(0)), Arc::<AtomicBool>::default());
        let (port, begun) = (server.port(), Arc::<AtomicUsize>::default());
        let (all_deaths, ends) = (Arc::clone(&deaths), Arc::clone(&ends_in_transactions));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let (mut deaths, ends, begun) = (all_deaths.subscribe(), Arc::clone(&ends), Arc::clone(&begun));
                let cut = move || ends.load(Ordering::SeqCst) && begun.fetch_add(1, Ordering::SeqCst) % 2 == 0;
                let died = async move {
                    let _ = deaths.changed().await;
                };
                tokio::spawn(relay(client, server, died, cut));
            }
        });
        Self { url, deaths, ends_in_transactions, task }
    }

    /// From now on nothing comes from, or goes to, the connections that there are, and nobody is told.
    fn kill_silently(&self) {
        self.deaths.send_modify(|deaths| *deaths += 1);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Relays until one side ends, or until `cut` says so when the server has begun a transaction. Once it has `died`, it keeps
/// both and relays nothing.
async fn relay(mut client: TcpStream, mut server: TcpStream, died: impl Future<Output = ()>, cut: impl Fn() -> bool) {
    let mut died = std::pin::pin!(died);
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut begins = false;
    loop {
        tokio::select! {
            () = &mut died => return std::future::pending().await,
            read = client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                begins = request[..length].windows(5).any(|word| word == b"MULTI");
                if server.write_all(&request[..length]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answer[..length]).await.is_err() || (begins && cut()) {
                    return;
                }
            }
        }
    }
}

/// Of sixteen connections that commits borrow, and of two that read, no other is tried once one has turned out to be dead: for
/// two of them there is no time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_connections_that_died_without_a_word_are_found_out_by_the_first() {
    let server = RedisServer::start();
    let relay = Relay::to(&server).await;
    let store = connect(&relay.url).await;
    let client = server.client().await;
    until(async || {
        let all = (0..64).map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(put(&format!("k{n}"), "1")).await.unwrap() })
        });
        join_all(all).await;
        info(&client, "clients").await.contains("connected_clients:19")
    })
    .await;
    relay.kill_silently();
    store.commit(put("a", "1")).await.unwrap();
    let store = connect(&relay.url).await;
    relay.kill_silently();
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().fields["value"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_connection_that_ends_within_a_commit_is_replaced() {
    let server = RedisServer::start();
    let relay = Relay::to(&server).await;
    let store = connect(&relay.url).await;
    relay.ends_in_transactions.store(true, Ordering::SeqCst);
    for n in 0..100 {
        store.commit(put("a", &n.to_string())).await.unwrap();
    }
}

/// Whoever waits for a commit is told that it is unavailable, and it is not sent behind their back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_answers_too_late_gets_no_exec() {
    let server = RedisServer::start();
    let store = connect(&server.url()).await;
    store.commit(put("a", "1")).await.unwrap();
    let client = server.client().await;
    let calls = async |of: &str| calls(&client, of).await;
    let (multis, execs) = (calls("multi").await, calls("exec").await);
    in_one_request(async {
        // Most of the time is gone, and the server comes back when all of it is.
        in_time(tokio::time::sleep(Duration::from_millis(1_400))).await.unwrap();
        server.freeze();
        let late = store.commit(put("a", "2")).await;
        assert!(matches!(late, Err(CommitError::Unavailable(_))), "{late:?}");
        server.thaw();
    })
    .await;
    until(async || calls("multi").await > multis).await;
    until(async || info(&client, "clients").await.contains("connected_clients:3")).await; // the one in a transaction is closed
    assert_eq!(calls("exec").await, execs);
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().fields["value"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_walk_goes_on_when_the_server_does() {
    let server = RedisServer::start();
    let store = connect(&server.url()).await;
    store.commit(put("a", "1")).await.unwrap();
    let mut walk = store.keys();
    server.freeze();
    let (found, ()) = tokio::join!(walk.try_next(), async {
        tokio::time::sleep(Duration::from_millis(1_100)).await; // the fault: longer than one question waits
        server.thaw();
    });
    assert_eq!(found.unwrap(), Some(vec![key("a")]));
}
