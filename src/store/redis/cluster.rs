//! Which node of a cluster has which slot, and how that is found out again when it changes.
//!
//! Each node has its own connections here, so that one that fails keeps nobody from the others.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use fred::{
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{
        Builder, Value,
        config::{Server, ServerConfig},
    },
    util::redis_keyslot,
};
use futures_util::{FutureExt, future::select_ok};
use tokio::sync::OnceCell;

use super::{
    lease::Connection,
    node::{Node, command},
};

/// A cluster of servers, each with some of the 16,384 slots.
pub(super) struct Cluster {
    builder: Builder,
    seeds: Vec<Server>,
    // Std locks, since no await happens while they are held.
    slots: RwLock<Arc<SlotMap>>,
    nodes: Mutex<HashMap<Server, Arc<OnceCell<Arc<Node>>>>>,
    learning: tokio::sync::Mutex<()>,
    /// How often the nodes were asked.
    lessons: AtomicU64,
}

/// Who has which slots.
#[derive(Debug, Default, PartialEq, Eq)]
struct SlotMap {
    ranges: Vec<(u16, u16, Server)>,
    /// Every node that was named, replicas too: whom to ask next time.
    known: BTreeSet<Server>,
}

impl SlotMap {
    fn owner(&self, slot: u16) -> Option<&Server> {
        let range = self.ranges.iter().find(|(first, last, _)| (first..=last).contains(&&slot));
        range.map(|(_, _, server)| server)
    }

    fn masters(&self) -> BTreeSet<&Server> {
        self.ranges.iter().map(|(_, _, server)| server).collect()
    }

    /// Reads an answer to CLUSTER SLOTS. A node that does not know its own address leaves it out: it is at `asked`.
    fn parse(answer: Value, asked: &Server) -> Option<Self> {
        let mut map = Self::default();
        for row in answer.into_array() {
            let mut row = row.into_array().into_iter();
            let (first, last) = (slot(&row.next()?)?, slot(&row.next()?)?);
            let nodes = row.map(|node| server(node, asked)).collect::<Option<Vec<_>>>()?;
            map.ranges.push((first, last, nodes.first()?.clone()));
            map.known.extend(nodes);
        }
        (!map.ranges.is_empty()).then_some(map)
    }
}

fn slot(value: &Value) -> Option<u16> {
    value.as_i64().and_then(|slot| u16::try_from(slot).ok())
}

fn server(node: Value, asked: &Server) -> Option<Server> {
    let mut node = node.into_array().into_iter();
    let host = node.next()?.into_string().filter(|host| !host.is_empty());
    let port = slot(&node.next()?)?;
    Some(Server::new(host.unwrap_or_else(|| asked.host.to_string()), port))
}

impl Cluster {
    /// Asks the `seeds` who has what.
    pub(super) async fn discover(builder: Builder, seeds: Vec<Server>) -> Result<Self, Error> {
        let cluster = Self {
            builder,
            seeds,
            slots: RwLock::default(),
            nodes: Mutex::default(),
            learning: tokio::sync::Mutex::default(),
            lessons: AtomicU64::default(),
        };
        cluster.learn().await?;
        Ok(cluster)
    }

    /// The node that has `key`.
    pub(super) async fn node_of(&self, key: &str) -> Result<Arc<Node>, Error> {
        let slots = self.slots();
        let server = slots.owner(redis_keyslot(key.as_bytes()));
        self.node(server.ok_or_else(|| Error::new(ErrorKind::Cluster, "no node has the slot"))?).await
    }

    /// The nodes that have slots.
    pub(super) fn masters(&self) -> Vec<Server> {
        self.slots().masters().into_iter().cloned().collect()
    }

    /// A node by its address, connected.
    pub(super) async fn node(&self, server: &Server) -> Result<Arc<Node>, Error> {
        let node = {
            let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(nodes.entry(server.clone()).or_default())
        };
        let connect = || async { Node::connect(&self.builder_for(server)).await.map(Arc::new) };
        node.get_or_try_init(connect).await.cloned()
    }

    /// Asks all known nodes who has what now, and believes the first that answers. Those who want to know at the same
    /// time share one lesson.
    pub(super) async fn learn(&self) -> Result<(), Error> {
        let before = self.lessons.load(Ordering::Acquire);
        let _one = self.learning.lock().await;
        if self.lessons.load(Ordering::Acquire) != before {
            return Ok(());
        }
        let slots = self.slots();
        let asked = slots.known.iter().chain(&self.seeds).map(|server| self.ask_for_slots(server).boxed());
        let answer = select_ok(asked).await;
        self.lessons.fetch_add(1, Ordering::Release);
        let (found, _) = answer?;
        let masters = found.masters();
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).retain(|server, _| masters.contains(server));
        drop(masters);
        *self.slots.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        Ok(())
    }

    pub(super) async fn close(&self) {
        let nodes = std::mem::take(&mut *self.nodes.lock().unwrap_or_else(PoisonError::into_inner));
        for node in nodes.values().filter_map(|node| node.get()) {
            node.close().await;
        }
    }

    fn slots(&self) -> Arc<SlotMap> {
        Arc::clone(&self.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn ask_for_slots(&self, server: &Server) -> Result<SlotMap, Error> {
        let connection = Connection::open(&self.builder_for(server)).await?;
        let answer = connection.client.custom(command("CLUSTER"), vec!["SLOTS"]).await?;
        let no_map = || Error::new(ErrorKind::Cluster, format!("{server} does not know who has the slots"));
        SlotMap::parse(answer, server).ok_or_else(no_map)
    }

    fn builder_for(&self, server: &Server) -> Builder {
        let mut builder = self.builder.clone();
        builder.with_config(|c| c.server = ServerConfig::Centralized { server: server.clone() });
        builder
    }
}
