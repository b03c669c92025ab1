//! A cluster whose slots move and whose masters change while commits are under way.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fred::clients::Client;
use latchkey::store::{Redis, RedisOptions, Slot, Store};
use tokio::time::timeout;

use super::{
    cluster_of_servers::{RedisCluster, id, info, info_of_cluster, until},
    history::{Verdict, duration, during, prepare},
    redis_server::command,
};

/// A good number of writes between two faults.
const CALM: Duration = Duration::from_millis(300);

/// How long after its election a node stands for the next one: four times `cluster-node-timeout`, and no less than this.
///
/// A replica that is handed over to before half of that is over counts the votes of its last election again
/// (`clusterHandleSlaveFailover` of Redis 7.0), and later it waits, with writes held up. In the first case the others do not
/// follow, so that there are two masters for a moment, and what one of them has acknowledged is gone.
const TERM: Duration = Duration::from_secs(4);

async fn connect(cluster: &RedisCluster) -> Arc<Store> {
    Arc::new(Store::Redis(Redis::connect(&RedisOptions::new(cluster.url(), "test:")).await.unwrap()))
}

/// The nodes of a cluster, to move slots between them.
struct Mover<'a> {
    cluster: &'a RedisCluster,
    clients: Vec<Client>,
    ids: Vec<String>,
}

impl<'a> Mover<'a> {
    async fn new(cluster: &'a RedisCluster) -> Self {
        let clients = cluster.clients().await;
        let mut ids = Vec::new();
        for client in &clients {
            ids.push(id(client).await);
        }
        Self { cluster, clients, ids }
    }

    async fn slot_number(&self, slot: &Slot) -> u16 {
        command(&self.clients[0], &format!("CLUSTER KEYSLOT {{{slot}}}")).await
    }

    /// Which node has the slot.
    async fn owner(&self, slot: u16) -> usize {
        for (n, client) in self.clients.iter().enumerate() {
            let nodes: String = command(client, "CLUSTER NODES").await;
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap();
            let has = own.split(' ').skip(8).filter(|range| !range.starts_with('[')).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                (first.parse().unwrap()..=last.parse().unwrap()).contains(&slot)
            });
            if has {
                return n;
            }
        }
        panic!("nobody has slot {slot}");
    }

    /// Moves a slot to another node, key by key, as `redis-cli --cluster reshard` does.
    async fn move_slot(&self, slot: u16, to: usize) {
        let from = self.owner(slot).await;
        let _: () = command(&self.clients[to], &format!("CLUSTER SETSLOT {slot} IMPORTING {}", self.ids[from])).await;
        let _: () = command(&self.clients[from], &format!("CLUSTER SETSLOT {slot} MIGRATING {}", self.ids[to])).await;
        let port = self.cluster.nodes[to].port();
        loop {
            let keys: Vec<String> = command(&self.clients[from], &format!("CLUSTER GETKEYSINSLOT {slot} 20")).await;
            if keys.is_empty() {
                break;
            }
            let keys = keys.join(" ");
            // Between the port and the database stands the key, which is empty when KEYS names several.
            let _: () = command(&self.clients[from], &format!("MIGRATE 127.0.0.1 {port}  0 5000 KEYS {keys}")).await;
        }
        for n in [to, from].into_iter().chain((0..self.clients.len()).filter(|n| ![to, from].contains(n))) {
            let _: () = command(&self.clients[n], &format!("CLUSTER SETSLOT {slot} NODE {}", self.ids[to])).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_slots_that_move_under_load_lose_and_double_nothing() {
    let cluster = RedisCluster::start(3, 0).await;
    let store = connect(&cluster).await;
    let slots = prepare(&store, 4).await;
    let mover = Mover::new(&cluster).await;
    let mut times = 0;
    let history = during(&store, &slots, async {
        let end = Instant::now() + 2 * duration();
        while Instant::now() < end {
            for slot in &slots {
                let number = mover.slot_number(slot).await;
                let to = (mover.owner(number).await + 1) % 3;
                mover.move_slot(number, to).await;
                times += 1;
                tokio::time::sleep(CALM / 4).await; // the pace of the fault
            }
        }
    })
    .await;
    assert!(times > 8, "only {times} moves");
    history.hold(&format!("{times} slots moved (MOVED, ASK), cluster"), &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_reads_ask_the_node_of_each_key() {
    let cluster = RedisCluster::start(3, 0).await;
    let store = connect(&cluster).await;
    for slot in prepare(&store, 12).await {
        let read = store.get(&slot.key(&super::name("counter"))).await.unwrap();
        assert_eq!(read.unwrap().fields["value"], "0", "{slot:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_reads_follow_a_slot_that_is_half_moved() {
    let cluster = RedisCluster::start(3, 0).await;
    let store = connect(&cluster).await;
    let slots = prepare(&store, 1).await;
    let mover = Mover::new(&cluster).await;
    let number = mover.slot_number(&slots[0]).await;
    let from = mover.owner(number).await;
    let to = (from + 1) % 3;
    let _: () = command(&mover.clients[to], &format!("CLUSTER SETSLOT {number} IMPORTING {}", mover.ids[from])).await;
    let _: () = command(&mover.clients[from], &format!("CLUSTER SETSLOT {number} MIGRATING {}", mover.ids[to])).await;
    let port = cluster.nodes[to].port();
    let _: () = command(&mover.clients[from], &format!("MIGRATE 127.0.0.1 {port} test:{{slot0}}:counter 0 5000")).await;
    let read = store.get(&slots[0].key(&super::name("counter"))).await.unwrap();
    assert_eq!(read.unwrap().fields["value"], "0", "the node that imports it was asked");
    assert!(store.get(&slots[0].key(&super::name("nobody"))).await.unwrap().is_none());
}

/// Makes a replica the master. A handover that takes 5 s is given up, and begun again.
async fn hand_over_to(heir: &Client) {
    for _ in 0..4 {
        let _: () = command(heir, "CLUSTER FAILOVER").await;
        let is_done = until(async || info(heir, "replication").await.contains("role:master"));
        if timeout(Duration::from_secs(6), is_done).await.is_ok() {
            return;
        }
    }
    panic!("no master hands over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_masters_that_hand_over_under_load_lose_and_double_nothing() {
    let cluster = RedisCluster::start(3, 1).await;
    let store = connect(&cluster).await;
    let slots = prepare(&store, 4).await;
    let clients = cluster.clients().await;
    for client in &clients {
        // On a slow machine a master may look dead, and what dies loses something.
        let _: () = command(client, "CONFIG SET cluster-replica-no-failover yes").await;
    }
    let mut handed_over = 0;
    let history = during(&store, &slots, async {
        let end = Instant::now() + 2 * duration();
        while Instant::now() < end {
            for pair in 0..3 {
                // Node n + 3 is the replica of node n, or the other way round.
                let is_replica = info(&clients[pair], "replication").await.contains("role:slave");
                let (heir, former) = if is_replica { (pair, pair + 3) } else { (pair + 3, pair) };
                hand_over_to(&clients[heir]).await;
                until(async || info(&clients[former], "replication").await.contains("role:slave")).await;
                handed_over += 1;
                tokio::time::sleep(TERM / 6).await; // the pace of the fault: there are six nodes
            }
        }
    })
    .await;
    assert!(handed_over > 3, "only {handed_over} masters");
    history.hold(&format!("{handed_over} masters handed over, cluster"), &store).await;
}

/// Replication is asynchronous, so what is lost here is measured, not promised.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_masters_that_die_under_load_double_nothing() {
    let mut cluster = RedisCluster::start(3, 1).await;
    let store = connect(&cluster).await;
    let slots = prepare(&store, 4).await;
    let heir = cluster.nodes[3].client().await;
    let history = during(&store, &slots, async {
        tokio::time::sleep(CALM).await;
        cluster.nodes[0].kill();
        until(async || info(&heir, "replication").await.contains("role:master")).await;
        until(async || info_of_cluster(&heir).await.contains("cluster_state:ok")).await;
        tokio::time::sleep(2 * CALM).await;
    })
    .await;
    let verdict = history.judge(&store).await;
    history.print("master killed, cluster, relaxed", &verdict);
    assert_eq!(Verdict { lost: 0, ..verdict }, Verdict::default());
    assert!(history.longest_gap < Duration::from_secs(10), "{:?}", history.longest_gap);
}
