//! A Redis Cluster of a test's own, on loopback.

use std::{
    sync::{Once, OnceLock},
    thread,
    time::{Duration, Instant},
};

use fred::clients::Client;

use crate::redis_server::{RedisServer, command, free_port, try_command};

/// The number of slots of a cluster.
const SLOTS: usize = 16_384;

/// A running cluster. Dropping it ends all its processes.
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Three masters that all tests of a process share, each with keys of its own prefix.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisCluster> = OnceLock::new();
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            // The nodes end with the thread that starts them, so it stays.
            thread::spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let _ = SHARED.set(runtime.block_on(Self::start(3, 0)));
                loop {
                    thread::park();
                }
            });
        });
        tokio::task::spawn_blocking(|| SHARED.wait()).await.unwrap()
    }

    /// Starts so many masters that share the slots, each with so many replicas.
    pub(crate) async fn start(masters: usize, replicas: usize) -> Self {
        let nodes = (0..masters * (1 + replicas)).map(|_| start_node()).collect::<Vec<_>>();
        let cluster = Self { nodes };
        let clients = cluster.clients().await;
        for (n, client) in clients.iter().enumerate() {
            let _: () = command(client, &format!("CLUSTER SET-CONFIG-EPOCH {}", n + 1)).await;
            if n < masters {
                let (first, last) = (n * SLOTS / masters, (n + 1) * SLOTS / masters - 1);
                let _: () = command(client, &format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await;
            }
            let _: () = command(client, &cluster.nodes[0].meet()).await;
        }
        for (n, client) in clients.iter().enumerate().skip(masters) {
            let master = id(&clients[n % masters]).await;
            until(async || try_command::<()>(client, &format!("CLUSTER REPLICATE {master}")).await.is_ok()).await;
        }
        for client in &clients {
            until(async || is_complete(client, masters * (1 + replicas), masters).await).await;
        }
        if replicas > 0 {
            for client in &clients[masters..] {
                until(async || info(client, "replication").await.contains("master_link_status:up")).await;
            }
        }
        cluster
    }

    /// The URL that names the first node.
    pub(crate) fn url(&self) -> String {
        self.nodes[0].url().replace("redis://", "redis-cluster://")
    }

    /// A client to each node.
    pub(crate) async fn clients(&self) -> Vec<Client> {
        let mut clients = Vec::new();
        for node in &self.nodes {
            clients.push(node.client().await);
        }
        clients
    }
}

impl RedisServer {
    fn meet(&self) -> String {
        let bus = std::fs::read_to_string(self.folder().join("bus")).unwrap();
        format!("CLUSTER MEET 127.0.0.1 {} {bus}", self.port())
    }
}

/// The name of a node in its cluster.
pub(crate) async fn id(client: &Client) -> String {
    command(client, "CLUSTER MYID").await
}

/// Asks until it is so.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "it does not become so");
        tokio::time::sleep(Duration::from_millis(20)).await; // the pace of asking
    }
}

async fn is_complete(client: &Client, nodes: usize, masters: usize) -> bool {
    let info = info_of_cluster(client).await;
    let says = |fact: String| info.lines().any(|line| line.trim() == fact);
    says("cluster_state:ok".to_owned())
        && says(format!("cluster_known_nodes:{nodes}"))
        && says(format!("cluster_size:{masters}"))
}

pub(crate) async fn info_of_cluster(client: &Client) -> String {
    command(client, "CLUSTER INFO").await
}

pub(crate) async fn info(client: &Client, section: &str) -> String {
    command(client, &format!("INFO {section}")).await
}

/// How often a server was given a command, whose name is in small letters.
pub(crate) async fn calls(client: &Client, command: &str) -> u64 {
    let (statistics, of) = (info(client, "commandstats").await, format!("cmdstat_{command}:calls="));
    let calls = statistics.lines().find_map(|line| line.strip_prefix(&of)?.split(',').next());
    calls.map_or(0, |calls| calls.parse().unwrap())
}

fn start_node() -> RedisServer {
    let bus = free_port().to_string();
    let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", &bus];
    let node = RedisServer::start_with(&[&arguments[..], &["--repl-diskless-sync-delay", "0"]].concat());
    std::fs::write(node.folder().join("bus"), bus).unwrap();
    node
}
