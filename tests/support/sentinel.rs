//! A Redis with replicas and three sentinels, on loopback.

use std::{fs, process::Child};

use tempfile::TempDir;

use crate::{
    cluster_of_servers::{info, until},
    redis_server::{RedisServer, command, free_port, spawn},
};

const SENTINELS: usize = 3;

/// A master with its replicas, watched by sentinels. Dropping it ends all processes.
pub(crate) struct Watched {
    /// The first is the master at the start.
    pub(crate) servers: Vec<RedisServer>,
    pub(crate) sentinels: Vec<Sentinel>,
}

pub(crate) struct Sentinel {
    pub(crate) process: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Watched {
    /// Starts a master with so many replicas. The sentinels take a server that is silent for 1 s for dead.
    pub(crate) async fn start(replicas: usize) -> Self {
        let start = || RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]);
        let servers = (0..=replicas).map(|_| start()).collect::<Vec<_>>();
        let master = servers[0].port();
        for replica in &servers[1..] {
            let client = replica.client().await;
            let _: () = command(&client, &format!("REPLICAOF 127.0.0.1 {master}")).await;
            until(async || info(&client, "replication").await.contains("master_link_status:up")).await;
        }
        let watched = Self { servers, sentinels: (0..SENTINELS).map(|_| Sentinel::start(master)).collect() };
        for sentinel in &watched.sentinels {
            let client = RedisServer::client_of(sentinel.port).await;
            // All of them know each other and every replica, or else they do not agree on a new master.
            let known = format!("slaves={replicas},sentinels={SENTINELS}");
            until(async || info(&client, "sentinel").await.contains(&known)).await;
        }
        watched
    }

    /// The URL that names the sentinels.
    pub(crate) fn url(&self) -> String {
        let [first, others @ ..] = self.sentinels.as_slice() else { unreachable!("there are three") };
        let url = format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName=ours", first.port);
        others.iter().fold(url, |url, other| format!("{url}&node=127.0.0.1:{}", other.port))
    }
}

impl Sentinel {
    fn start(master: u16) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let file = folder.path().join("sentinel.conf");
        let dir = folder.path().display();
        let lines = format!(
            "port {port}\nbind 127.0.0.1\ndir {dir}\nsentinel monitor ours 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds ours 1000\nsentinel failover-timeout ours 5000\n"
        );
        fs::write(&file, lines).unwrap();
        let process = spawn("redis-server", [file.to_str().unwrap(), "--sentinel"].into_iter());
        Self { process, port, _folder: folder }
    }
}
