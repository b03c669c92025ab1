//! What an acknowledged commit has survived, tier by tier, when servers are killed or replicas are silent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use latchkey::store::{CommitError, Durability, REQUEST_DEADLINE, Redis, RedisOptions, Store};

use super::{
    history::{Verdict, duration, during, prepare},
    key,
    proxy::{Fault, Proxy},
    put,
    redis_server::{RedisServer, command, try_command},
};
use crate::cluster_of_servers::{calls, info, until};

/// How long a server lives between two kills.
const LIFE: Duration = Duration::from_millis(400);

async fn connect(server: &RedisServer, durability: Durability) -> Arc<Store> {
    let options = RedisOptions { durability, ..RedisOptions::new(server.url(), "test:") };
    Arc::new(Store::Redis(Redis::connect(&options).await.unwrap()))
}

/// Kills the server again and again under load. A process that is killed loses nothing that the operating system has of
/// it: that the disk is waited for is held by the tests after these.
async fn killed(mut server: RedisServer, durability: Durability, fault: &str) -> Verdict {
    let store = connect(&server, durability).await;
    let slots = prepare(&store, 4).await;
    let history = during(&store, &slots, async {
        let end = Instant::now() + duration();
        while Instant::now() < end {
            tokio::time::sleep(LIFE).await; // the moment of the kill
            server.kill();
            server.restart();
        }
        tokio::time::sleep(LIFE).await;
    })
    .await;
    let verdict = history.judge(&store).await;
    history.print(fault, &verdict);
    assert!(history.acknowledged() > 50, "only {} writes, so this proved little", history.acknowledged());
    verdict
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_in_the_fsync_tier_loses_nothing() {
    let server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let verdict = killed(server, Durability::Fsync, "SIGKILL of Redis, fsync by appendfsync always").await;
    assert_eq!(verdict, Verdict::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valkey_killed_in_the_fsync_tier_loses_nothing() {
    let server = RedisServer::launch("valkey-server", &["--appendonly", "yes", "--appendfsync", "everysec"]);
    let verdict = killed(server, Durability::Fsync, "SIGKILL of Valkey, fsync by WAITAOF").await;
    assert_eq!(verdict, Verdict::default());
}

/// What is lost in this tier is measured, not promised: nothing is ever doubled or told wrongly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_in_the_relaxed_tier_doubles_nothing() {
    let server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let verdict = killed(server, Durability::Relaxed, "SIGKILL of Redis, relaxed, appendfsync everysec").await;
    assert_eq!(Verdict { lost: 0, ..verdict }, Verdict::default());
}

#[tokio::test]
async fn valkey_in_the_fsync_tier_is_asked_about_its_disk_for_each_commit() {
    let server = RedisServer::launch("valkey-server", &["--appendonly", "yes", "--appendfsync", "everysec"]);
    let client = server.client().await;
    // One that does not say what it can is asked all the same.
    for permissions in ["+@all", "+@all -command -config"] {
        let _: () = command(&client, &format!("ACL SETUSER ours reset on >pw ~* {permissions}")).await;
        let _: () = command(&client, "CONFIG RESETSTAT").await;
        let url = server.url().replace("redis://", "redis://ours:pw@");
        let options = RedisOptions { durability: Durability::Fsync, ..RedisOptions::new(url, "test:") };
        let store = Store::Redis(Redis::connect(&options).await.unwrap());
        for _ in 0..3 {
            store.commit(put("a", "1")).await.unwrap();
        }
        let asked = calls(&client, "waitaof").await;
        assert!(asked >= 3, "{permissions}: {asked} times");
    }
}

#[tokio::test]
async fn valkey_that_cannot_sync_acknowledges_nothing_in_the_fsync_tier() {
    let server = RedisServer::launch("valkey-server", &["--appendonly", "no"]);
    let store = connect(&server, Durability::Fsync).await;
    let begun = Instant::now();
    assert!(matches!(store.commit(put("a", "1")).await, Err(CommitError::Unavailable(_))));
    assert!(begun.elapsed() < REQUEST_DEADLINE + Duration::from_millis(1_500));
}

/// Redis has WAITAOF since 7.2. One without it must sync before it replies, which this one does not.
#[tokio::test]
async fn redis_that_syncs_each_second_acknowledges_in_the_fsync_tier_only_what_it_is_asked_about() {
    let server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let can_be_asked = try_command::<Vec<i64>>(&server.client().await, "WAITAOF 0 0 1").await.is_ok();
    let store = connect(&server, Durability::Fsync).await;
    let told = store.commit(put("a", "1")).await;
    assert_eq!(told.is_ok(), can_be_asked, "{told:?}");
}

/// A master and a replica of it that is up to date.
async fn master_and_replica(program: &'static str) -> (RedisServer, RedisServer) {
    let start = || RedisServer::launch(program, &["--repl-diskless-sync-delay", "0"]);
    let (master, replica) = (start(), start());
    let client = replica.client().await;
    let _: () = command(&client, &format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
    until(async || info(&client, "replication").await.contains("master_link_status:up")).await;
    (master, replica)
}

#[tokio::test]
async fn redis_in_the_replicated_tier_acknowledges_what_a_replica_has() {
    let (master, replica) = master_and_replica("redis-server").await;
    let store = connect(&master, Durability::Replicated(1)).await;
    store.commit(put("a", "1")).await.unwrap();
    let on_replica: String = command(&replica.client().await, "HGET test:{slot}:a value").await;
    assert_eq!(on_replica, "1");

    replica.freeze();
    let begun = Instant::now();
    let told = store.commit(put("a", "2")).await.unwrap_err();
    assert!(matches!(&told, CommitError::Unavailable(_)), "{told}");
    assert!(begun.elapsed() < REQUEST_DEADLINE + Duration::from_millis(1_500), "{:?}", begun.elapsed());
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().fields["value"], "2", "it is there, on one server");
    replica.thaw();
    store.commit(put("a", "3")).await.unwrap();
    let two = connect(&master, Durability::Replicated(2)).await;
    assert!(matches!(two.commit(put("a", "4")).await, Err(CommitError::Unavailable(_))), "there is but one replica");
}

/// It is asked over another connection then. Where that has written nothing, Redis up to 7.0 waits for all that was written,
/// and Valkey for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valkey_in_the_replicated_tier_acknowledges_no_commit_in_doubt_that_no_replica_has() {
    let (master, replica) = master_and_replica("valkey-server").await;
    let proxy = Proxy::start(&master.url(), Fault::LoseReply, |exec| exec == 1, || {}).await;
    let options = RedisOptions { durability: Durability::Replicated(1), ..RedisOptions::new(&proxy.url, "test:") };
    let store = Store::Redis(Redis::connect(&options).await.unwrap());
    replica.freeze();
    let told = store.commit(put("a", "1")).await;
    replica.thaw();
    assert_eq!(proxy.faults(), 1);
    assert!(matches!(told, Err(CommitError::Unavailable(_))), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_in_the_replicated_tier_with_a_silent_replica_loses_and_doubles_nothing() {
    let (master, replica) = master_and_replica("redis-server").await;
    let store = connect(&master, Durability::Replicated(1)).await;
    let slots = prepare(&store, 4).await;
    let history = during(&store, &slots, async {
        let end = Instant::now() + 2 * duration();
        while Instant::now() < end {
            replica.freeze();
            tokio::time::sleep(Duration::from_millis(700)).await; // longer than one question waits
            replica.thaw();
            tokio::time::sleep(Duration::from_millis(300)).await; // the pace of the fault
        }
    })
    .await;
    history.hold("replica frozen for 0.7 s of every 1 s, replicated", &store).await;
}
