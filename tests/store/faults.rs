//! Faults that come one at a time: a permission that is missing, a server that is not the master any more, a burst that
//! is more than can be done.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all};
use latchkey::store::{Batch, CommitError, Name, Redis, RedisOptions, Slot};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::{TcpListener, TcpStream};

use super::{
    cluster_of_servers::{RedisCluster, calls, info, until},
    connect, fields, key, put,
    redis_server::{RedisServer, command},
    sentinel::Watched,
    slot,
};

async fn connections(client: &fred::clients::Client) -> usize {
    command::<String>(client, "CLIENT LIST").await.lines().count()
}

/// The connections that commits were made on.
async fn committers(client: &fred::clients::Client) -> BTreeSet<String> {
    let list = command::<String>(client, "CLIENT LIST").await;
    let committers = list.lines().filter(|line| line.contains(" cmd=exec "));
    committers.filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_burst_leaves_no_connection_behind() {
    let server = RedisServer::start();
    let store = connect(&server.url()).await;
    let client = server.client().await;
    for _ in 0..3 {
        // So many that most give up while they wait, some of them while they connect.
        let burst = (0..10_000).map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(put(&format!("k{n}"), "1")).await.is_ok() })
        });
        join_all(burst.collect::<Vec<_>>()).await;
    }
    // Two that read, sixteen that commit, and this one.
    until(async || connections(&client).await <= 19).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_lessons_leave_no_connection_behind() {
    let cluster = RedisCluster::start(3, 0).await;
    let clients = cluster.clients().await;
    let store = connect(&cluster.url()).await;
    for client in &clients {
        let _: () = command(client, "CONFIG SET cluster-require-full-coverage no").await;
    }
    let orphan = Slot::new("orphan");
    let number: u16 = command(&clients[0], "CLUSTER KEYSLOT {orphan}").await;
    for client in &clients {
        let _ = super::redis_server::try_command::<()>(client, &format!("CLUSTER DELSLOTS {number}")).await;
    }
    join_all((0..30).map(|n| store.commit(Batch::new(Slot::new(format!("s{n}")))))).await;
    let before = join_all(clients.iter().map(committers)).await;
    assert!(before.iter().all(|committers| !committers.is_empty()), "{before:?}");
    // Nobody has the slot, so each read asks everybody again and again who has it. They begin one after the other.
    let (begun, key) = (Instant::now(), orphan.key(&Name::ROOT));
    let reads = join_all((0..100).map(async |n| {
        for n in 0..n {
            store.get(&Slot::new(format!("s{}", n % 30)).key(&Name::ROOT)).await.unwrap();
        }
        store.get(&key).await
    }));
    assert!(reads.await.iter().all(Result::is_err));
    let most = u64::try_from(begun.elapsed().as_millis()).unwrap() / 100 + 3;
    let lessons = join_all(clients.iter().map(|client| calls(client, "cluster|slots"))).await;
    assert!(lessons.iter().all(|lessons| *lessons < most), "more than ten a second: {lessons:?}, not {most}");
    let mut left_alone = 0;
    for (client, before) in clients.iter().zip(before) {
        until(async || connections(client).await <= 19).await;
        left_alone += usize::from(committers(client).await.is_superset(&before));
    }
    assert_eq!(left_alone, 2, "but for the node that had the slot");
    let _: () = command(&clients[0], &format!("CLUSTER ADDSLOTS {number}")).await;
    until(async || store.get(&key).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_discards_over_another_connection_when_one_is_killed() {
    let server = RedisServer::start();
    let store = connect(&server.url()).await;
    let client = server.client().await;
    for _ in 0..50 {
        store.commit(put("a", "1")).await.unwrap();
        let _: i64 = command(&client, "CLIENT KILL TYPE normal SKIPME yes").await;
        store.discard(&slot(), &[Name::new("a")]).await.unwrap();
        assert!(store.get(&key("a")).await.unwrap().is_none());
    }
}

/// Without MULTI, each write of a commit would be done at once and alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_that_refuses_a_transaction_gets_no_part_of_it() {
    let server = RedisServer::start();
    let client = server.client().await;
    let _: () = command(&client, "ACL SETUSER ours on >pw ~* +@all -multi").await;
    let store = connect(&server.url().replace("redis://", "redis://ours:pw@")).await;
    assert!(matches!(store.commit(put("a", "1")).await, Err(CommitError::Unavailable(_))));
    let keys: Vec<String> = command(&client, "KEYS *").await;
    assert_eq!(keys, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_walk_over_a_restart_is_no_whole_walk() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = connect(&server.url()).await;
    for chunk in 0..25 {
        let mut batch = Batch::new(slot());
        for n in 0..200 {
            batch.put(Name::new(format!("{chunk}-{n}")), fields([("value", "1")]));
        }
        store.commit(batch).await.unwrap();
    }
    let mut walk = store.keys();
    let (mut seen, mut failed) = (BTreeSet::new(), false);
    for page in 0.. {
        match walk.next().await {
            None => break,
            Some(Ok(keys)) => seen.extend(keys.iter().map(ToString::to_string)),
            Some(Err(_)) => {
                failed = true;
                break;
            }
        }
        if page == 1 {
            server.kill();
            server.restart();
        }
    }
    assert!(failed || seen.len() == 5_000, "it says that {} of 5000 are all", seen.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_that_hangs_keeps_nobody_from_the_others() {
    let watched = Watched::start(1).await;
    let store = connect(&watched.url()).await;
    let client = watched.servers[0].client().await;
    for sentinel in &watched.sentinels {
        let process = Pid::from_child(&sentinel.process);
        kill_process(process, Signal::STOP).unwrap();
        let _: i64 = command(&client, "CLIENT KILL TYPE normal SKIPME yes").await;
        store.commit(put("a", "1")).await.unwrap();
        store.get(&key("a")).await.unwrap().unwrap();
        connect(&watched.url()).await;
        kill_process(process, Signal::CONT).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_that_names_a_replica_is_not_believed() {
    let watched = Watched::start(0).await;
    let client = watched.servers[0].client().await;
    let _: () = command(&client, "REPLICAOF 127.0.0.1 1").await;
    let refused = Redis::connect(&RedisOptions::new(watched.url(), "test:")).await.unwrap_err().to_string();
    assert!(refused.contains("the sentinels name a server that is a replica"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_names_a_server_that_need_not_say_what_it_is() {
    let watched = Watched::start(0).await;
    let client = watched.servers[0].client().await;
    let _: () = command(&client, "ACL SETUSER ours on >pw ~* +@all -info").await;
    let url = watched.url().replace("redis-sentinel://", "redis-sentinel://ours:pw@");
    let store = connect(&url).await;
    store.commit(put("a", "1")).await.unwrap();
}

/// A name or an address that leads to the new master, while the old one is still there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_reads_follow_a_master_that_has_moved() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let (of_old, of_new) = (old.client().await, new.client().await);
    let _: () = command(&of_new, &format!("REPLICAOF 127.0.0.1 {}", old.port())).await;
    until(async || info(&of_new, "replication").await.contains("master_link_status:up")).await;
    let master = Arc::new(AtomicU16::new(old.port()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let leads_to = Arc::clone(&master);
    let relay = tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(("127.0.0.1", leads_to.load(Ordering::SeqCst))).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await.is_ok() });
        }
    });
    let store = connect(&url).await;
    store.commit(put("a", "1")).await.unwrap();
    let _: () = command(&of_new, "REPLICAOF NO ONE").await;
    master.store(new.port(), Ordering::SeqCst);
    let _: () = command(&of_old, "REPLICAOF 127.0.0.1 1").await;
    store.commit(put("a", "2")).await.unwrap();
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().fields["value"], "2", "what was acknowledged is read");
    relay.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_with_a_dead_master_serves_the_rest_from_the_start() {
    let mut cluster = RedisCluster::start(3, 0).await;
    for client in cluster.clients().await {
        let _: () = command(&client, "CONFIG SET cluster-require-full-coverage no").await;
    }
    cluster.nodes[2].kill();
    let store = connect(&cluster.url()).await;
    let begun = Instant::now();
    let outcomes = join_all((0..30).map(|n| {
        let mut batch = Batch::new(Slot::new(format!("s{n}")));
        batch.put(Name::new("a"), fields([("value", "1")]));
        store.commit(batch)
    }))
    .await;
    let served = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((10..30).contains(&served), "{served} of 30");
    assert!(begun.elapsed() < Duration::from_millis(3_300), "{:?}", begun.elapsed());
    let findings = store.inspect(0).await;
    assert!(findings.iter().any(|finding| finding.found.contains("cannot be asked")), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_and_cluster_are_not_asked_after_the_end() {
    let server = RedisServer::start();
    for url in [server.url(), RedisCluster::shared().await.url()] {
        let store = connect(&url).await;
        store.close().await;
        assert!(store.get(&key("a")).await.is_err());
        assert!(store.commit(put("a", "1")).await.is_err());
    }
}
