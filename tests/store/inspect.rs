//! What is found out about a store: each fault is provoked, on a real server.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    time::{Duration, Instant, UNIX_EPOCH},
};

use latchkey::store::{
    Check, Durability, Embedded, Finding, REQUEST_DEADLINE, Redis, RedisOptions,
    Severity::{self, Error, Ok, Unknown, Warning},
    Store,
};

use super::{
    cluster_of_servers::{RedisCluster, until},
    redis_server::{RedisServer, command, try_command},
};

const KEEPING: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

async fn connect(url: impl Into<String>, durability: Durability) -> Store {
    let options = RedisOptions { durability, ..RedisOptions::new(url, "test:") };
    Store::Redis(Redis::connect(&options).await.unwrap())
}

async fn inspect(url: impl Into<String>, durability: Durability) -> Vec<Finding> {
    connect(url, durability).await.inspect(now()).await
}

fn now() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// The only finding of a check.
#[track_caller]
fn found(findings: &[Finding], check: Check) -> (Severity, &str, &str) {
    let mut of_check = findings.iter().filter(|finding| finding.check == check);
    let finding = of_check.next().unwrap_or_else(|| panic!("nothing on {check:?} in {findings:#?}"));
    assert_eq!(of_check.next(), None);
    assert_eq!(finding.at, None);
    (finding.severity, &finding.found, finding.mend.as_deref().unwrap_or_default())
}

/// That a check finds this, with these words in what was found and in what mends it.
#[track_caller]
fn assert_found(findings: &[Finding], check: Check, severity: Severity, words: [&str; 2]) {
    let (is, found, mend) = found(findings, check);
    assert!(is == severity && found.contains(words[0]) && mend.contains(words[1]), "{is:?} {found} {mend}");
}

#[tokio::test]
async fn a_redis_or_valkey_fit_for_records_is_ok_in_everything() {
    use Check::{Acl, AofEnabled, AofLastWrite, Appendfsync, ClockSkew, Eviction, Memory, Role, Tls, Version};
    for program in ["redis-server", "valkey-server"] {
        let server = RedisServer::launch(program, &KEEPING);
        let findings = inspect(server.url(), Durability::Relaxed).await;
        let told = findings.iter().map(|finding| (finding.check, finding.severity)).collect::<Vec<_>>();
        let checks = [Version, Role, AofEnabled, AofLastWrite, Appendfsync, Eviction, Memory, Tls, Acl, ClockSkew];
        assert_eq!(told, checks.map(|check| (check, Ok)), "{findings:#?}");
        let (_, version, _) = found(&findings, Version);
        assert!(version.to_lowercase().contains(program.trim_end_matches("-server")), "{version}");
    }
}

#[tokio::test]
async fn a_redis_that_evicts_is_an_error() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "volatile-lru"]);
    let findings = inspect(server.url(), Durability::Relaxed).await;
    assert_found(&findings, Check::Eviction, Error, ["volatile-lru", "CONFIG SET maxmemory-policy noeviction"]);
}

#[tokio::test]
async fn a_redis_without_an_append_only_file_is_an_error_only_where_the_disk_is_promised() {
    let server = RedisServer::start();
    for (durability, severity) in
        [(Durability::Relaxed, Warning), (Durability::Fsync, Error), (Durability::Replicated(1), Warning)]
    {
        let findings = inspect(server.url(), durability).await;
        assert_found(&findings, Check::AofEnabled, severity, ["appendonly is no", "CONFIG SET appendonly yes"]);
    }
}

#[tokio::test]
async fn a_redis_that_could_not_write_its_append_only_file_is_warned_of() {
    let server = RedisServer::start();
    let folder = server.folder().join("appendonlydir");
    fs::create_dir(&folder).unwrap();
    symlink("/dev/full", folder.join("temp-appendonly.aof.incr")).unwrap();
    let client = server.client().await;
    let store = connect(server.url(), Durability::Relaxed).await;
    let _: () = command(&client, "CONFIG SET appendonly yes").await;
    until(async || try_command::<()>(&client, "SET a 1").await.is_err()).await;
    // Such a server refuses PING as well, with which a connection without a password begins.
    let refused = Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap_err().to_string();
    assert!(refused.contains("AOF"), "{refused}");
    let findings = store.inspect(now()).await;
    assert_found(&findings, Check::AofLastWrite, Warning, ["the last write failed", "disk"]);
}

/// The Redis that is installed may be newer than 7.0.
async fn has_waitaof(client: &fred::clients::Client) -> bool {
    !command::<Vec<fred::types::Value>>(client, "COMMAND INFO WAITAOF").await[0].is_null()
}

#[tokio::test]
async fn a_redis_without_waitaof_must_sync_always_where_the_disk_is_promised() {
    let server = RedisServer::start_with(&KEEPING);
    let client = server.client().await;
    // Of one that does not say what it can, nothing is known.
    let _: () = command(&client, "ACL SETUSER default -command").await;
    let findings = inspect(server.url(), Durability::Fsync).await;
    assert_found(&findings, Check::Appendfsync, Unknown, ["WAITAOF", "+command|info"]);
    let _: () = command(&client, "ACL SETUSER default +command").await;
    let findings = inspect(server.url(), Durability::Fsync).await;
    let severity = if has_waitaof(&client).await { Ok } else { Error };
    assert_found(&findings, Check::Appendfsync, severity, ["everysec", ""]);
    let _: () = command(&client, "CONFIG SET appendfsync always").await;
    assert_found(&inspect(server.url(), Durability::Fsync).await, Check::Appendfsync, Ok, ["always", ""]);
    let _: () = command(&client, "CONFIG SET appendfsync no").await;
    let findings = inspect(server.url(), Durability::Relaxed).await;
    assert_found(&findings, Check::Appendfsync, Warning, ["30 s", "CONFIG SET appendfsync everysec"]);
}

#[tokio::test]
async fn a_valkey_has_waitaof_but_must_sync_by_itself() {
    let server = RedisServer::launch("valkey-server", &KEEPING);
    assert_found(&inspect(server.url(), Durability::Fsync).await, Check::Appendfsync, Ok, ["up to about 1 s", ""]);
    let _: () = command(&server.client().await, "CONFIG SET appendfsync no").await;
    assert_found(&inspect(server.url(), Durability::Fsync).await, Check::Appendfsync, Error, ["no", "always"]);
}

#[tokio::test]
async fn a_redis_with_little_memory_left_or_none_is_warned_of() {
    let server = RedisServer::start();
    let client = server.client().await;
    let store = connect(server.url(), Durability::Relaxed).await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    assert_found(&store.inspect(now()).await, Check::Memory, Warning, ["all of maxmemory", "CONFIG SET maxmemory"]);
    let info: String = command(&client, "INFO memory").await;
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let limit = used.trim().parse::<u64>().unwrap() * 10 / 9;
    let _: () = command(&client, &format!("CONFIG SET maxmemory {limit}")).await;
    let findings = store.inspect(now()).await;
    let (severity, found, _) = found(&findings, Check::Memory);
    assert!(severity == Warning && found.ends_with("% of maxmemory is used"), "{severity:?} {found}");
}

#[tokio::test]
async fn a_redis_that_is_a_replica_is_an_error_that_names_its_master() {
    let (master, replica) = (RedisServer::start(), RedisServer::start());
    let _: () = command(&replica.client().await, &format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
    let place = format!("127.0.0.1:{}", master.port());
    assert_found(&inspect(replica.url(), Durability::Relaxed).await, Check::Role, Error, ["a replica", &place]);
}

#[tokio::test]
async fn replicas_of_redis_that_are_waited_for_should_be_there() {
    let (master, replica) = (RedisServer::start(), RedisServer::start());
    let client = master.client().await;
    let store = connect(master.url(), Durability::Replicated(1)).await;
    let findings = store.inspect(now()).await;
    assert_found(&findings, Check::Replicas, Warning, ["0 of 1", "REPLICAOF"]);
    assert_found(&findings, Check::MinReplicas, Warning, ["is 0", "CONFIG SET min-replicas-to-write 1"]);

    let _: () = command(&client, "CONFIG SET repl-diskless-sync-delay 0").await;
    let _: () = command(&client, "CONFIG SET min-replicas-to-write 1").await;
    let _: () = command(&replica.client().await, &format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
    until(async || command::<String>(&client, "INFO replication").await.contains("state=online")).await;
    let findings = store.inspect(now()).await;
    assert_found(&findings, Check::Replicas, Ok, ["1 of 1", ""]);
    assert_found(&findings, Check::MinReplicas, Ok, ["is 1", ""]);
}

#[tokio::test]
async fn what_a_redis_does_not_permit_to_ask_is_unknown_with_what_permits_it() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let store = connect(server.url(), Durability::Replicated(1)).await;
    let _: () = command(&server.client().await, "ACL SETUSER default -info -config -acl -time").await;
    let findings = store.inspect(now()).await;
    let known = findings.iter().filter(|finding| finding.severity != Unknown).map(|finding| finding.check);
    assert_eq!(known.collect::<Vec<_>>(), [Check::Tls], "we know that by ourselves: {findings:#?}");
    for (check, rule) in [
        (Check::Eviction, "ACL SETUSER default +info"),
        (Check::MinReplicas, "ACL SETUSER default +config|get"),
        (Check::Acl, "ACL SETUSER default +acl|whoami"),
        (Check::ClockSkew, "ACL SETUSER default +time"),
    ] {
        assert_found(&findings, check, Unknown, ["NOPERM", rule]);
    }
}

#[tokio::test]
async fn a_redis_that_does_not_answer_in_time_is_unknown() {
    let server = RedisServer::start();
    let store = connect(server.url(), Durability::Relaxed).await;
    let _: () = command(&server.client().await, "CLIENT PAUSE 4000 ALL").await;
    let started = Instant::now();
    let findings = store.inspect(now()).await;
    assert!(started.elapsed() < REQUEST_DEADLINE + Duration::from_millis(1_500), "{:?}", started.elapsed());
    assert!(findings.iter().all(|finding| finding.severity == Unknown || finding.check == Check::Tls), "{findings:#?}");
}

#[tokio::test]
async fn a_redis_with_another_time_is_warned_of_and_one_far_off_is_an_error() {
    let server = RedisServer::start();
    let store = connect(server.url(), Durability::Relaxed).await;
    for (off, severity, words) in [
        (-5_500, Warning, "5 s ahead of"),
        (5_500, Warning, "5 s behind"),
        (-250_500, Error, "250 s ahead of"),
        (250_500, Error, "250 s behind"),
    ] {
        assert_found(&store.inspect(now() + off).await, Check::ClockSkew, severity, [words, "NTP"]);
    }
}

#[tokio::test]
async fn a_redis_elsewhere_needs_a_password_and_tls() {
    let server = RedisServer::start();
    // This leads to this machine too, but is no address of loopback.
    let findings = inspect(format!("redis://0.0.0.0:{}", server.port()), Durability::Relaxed).await;
    assert_found(&findings, Check::Tls, Warning, ["0.0.0.0 are plain text", "rediss"]);
    assert_found(&findings, Check::Acl, Warning, ["`default` needs no password at 0.0.0.0", "ACL SETUSER default"]);

    let _: () = command(&server.client().await, "ACL SETUSER somebody on >secret ~* +@all").await;
    let url = format!("redis://somebody:secret@0.0.0.0:{}", server.port());
    assert_found(&inspect(url, Durability::Relaxed).await, Check::Acl, Ok, ["`somebody` needs a password", ""]);
}

#[tokio::test]
async fn the_nodes_of_a_cluster_are_told_apart_where_they_differ() {
    let cluster = RedisCluster::start(3, 0).await;
    let store = connect(cluster.url(), Durability::Relaxed).await;
    let findings = store.inspect(now()).await;
    assert_found(&findings, Check::ClusterState, Ok, ["all slots", ""]);
    assert_found(&findings, Check::AofEnabled, Warning, ["no", ""]);
    assert_found(&findings, Check::Eviction, Ok, ["noeviction", ""]);

    let clients = cluster.clients().await;
    let _: () = command(&clients[1], "CONFIG SET maxmemory-policy allkeys-lru").await;
    let findings = store.inspect(now()).await;
    let eviction = findings.iter().filter(|finding| finding.check == Check::Eviction);
    let told = eviction.map(|finding| (finding.severity, finding.at.clone().unwrap())).collect::<Vec<_>>();
    let place = |n: usize| format!("127.0.0.1:{}", cluster.nodes[n].port());
    assert!(told.contains(&(Error, place(1))) && told.len() == 2, "{told:?}");
    assert!(told.iter().any(|(severity, at)| *severity == Ok && at.contains(&place(0)) && at.contains(&place(2))));

    // A node of it, taken for a server of its own.
    let findings = inspect(cluster.nodes[0].url(), Durability::Relaxed).await;
    assert_found(&findings, Check::ClusterState, Error, ["taken for a server of its own", "redis-cluster"]);

    let _: () = command(&clients[2], "CLUSTER DELSLOTS 16383").await;
    until(async || command::<String>(&clients[2], "CLUSTER INFO").await.contains("cluster_state:fail")).await;
    let findings = store.inspect(now()).await;
    let state = findings.iter().find(|finding| finding.check == Check::ClusterState && finding.severity == Warning);
    assert!(state.unwrap().found.contains("16383 of 16384"), "{state:?}");
}

#[tokio::test]
async fn a_file_that_others_can_read_or_replace_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let store = Store::Embedded(Embedded::open(&file).unwrap());
    let findings = store.inspect(now()).await;
    assert_found(&findings, Check::FilePermissions, Ok, ["only its owner", ""]);
    found(&findings, Check::FreeSpace);
    let chmod = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    chmod(folder.path(), 0o777);
    assert_found(&store.inspect(now()).await, Check::FilePermissions, Warning, ["replace", "chmod 700"]);
    chmod(&file, 0o644);
    assert_found(&store.inspect(now()).await, Check::FilePermissions, Warning, ["open to others", "chmod 600"]);
}
