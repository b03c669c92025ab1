//! The server, or the servers: connections to whoever has a key, and what to do when somebody else has it.
//!
//! Each server has its own connections, so that one that fails keeps nobody from the others. Nothing reconnects by
//! itself: when a connection has ended, or its server says that it is the wrong one, it is found out anew who has what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use fred::{
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{
        FromValue, Value,
        config::{Config, Server},
    },
    util::redis_keyslot,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all, try_join_all},
};
use tokio::time::Instant;

use super::{
    node::{Node, Question, command},
    options::Durability,
    pauses::Pauses,
    topology::{SlotMap, Source},
};
use crate::store::metrics::Metrics;

/// What is wrong with a slot that no node had when it was last asked who has what.
const NOBODY: &str = "no node has the slot";

/// The least time from one lesson about who has what to the next.
const BETWEEN: Duration = Duration::from_millis(100);

/// All servers of a store.
pub(super) struct Servers {
    config: Config,
    source: Source,
    durability: Durability,
    // Std locks, since no await happens while they are held.
    slots: RwLock<Arc<SlotMap>>,
    /// None when the store is closed.
    nodes: Mutex<Option<Nodes>>,
    /// When it was last asked who has what.
    learned: tokio::sync::Mutex<Option<Instant>>,
    pub(super) metrics: Arc<Metrics>,
}

/// The servers that somebody wanted, each connected once, or about to be. Those who want one at the same time share the
/// attempt, and it goes on when they give up.
type Nodes = HashMap<Server, Shared<BoxFuture<'static, Result<Arc<Node>, Error>>>>;

impl Servers {
    pub(super) async fn connect(config: Config, durability: Durability) -> Result<Self, Error> {
        let servers = Self {
            source: Source::of(&config),
            config,
            durability,
            slots: RwLock::default(),
            nodes: Mutex::new(Some(HashMap::new())),
            learned: tokio::sync::Mutex::default(),
            metrics: Arc::default(),
        };
        servers.learn(None).await?;
        if !servers.is_cluster() {
            servers.node_of("").await?;
        }
        Ok(servers)
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.source, Source::Cluster { .. })
    }

    /// The node that has `key`, connected.
    pub(super) async fn node_of(&self, key: &str) -> Result<Arc<Node>, Error> {
        let slots = self.slots();
        let server = slots.owner(redis_keyslot(key.as_bytes()));
        self.node(server.ok_or_else(|| Error::new(ErrorKind::Cluster, NOBODY))?).await
    }

    /// Every server that has keys, with its connections, or why there are none.
    pub(super) async fn masters(&self) -> Vec<(Server, Result<Arc<Node>, Error>)> {
        let slots = self.slots();
        let masters = slots.masters().into_iter();
        join_all(masters.map(|server| async { (server.clone(), self.node(server).await) })).await
    }

    /// Asks whoever has the key, until there is an answer or no time left.
    pub(super) async fn ask<T: FromValue>(&self, question: &Question, deadline: Instant) -> Result<T, Error> {
        let mut pauses = Pauses::until(deadline);
        loop {
            let (node, error) = match self.node_of(question.key()).await {
                Err(error) => (None, error),
                Ok(node) => match self.ask_node(&node, question).await {
                    Ok(value) => return value.convert(),
                    Err(error) => (Some(node), error),
                },
            };
            if !is_passing(&error) || !pauses.is_one_left() {
                return Err(error);
            }
            self.learn_from(node.as_deref(), &error).await;
            pauses.pause().await;
        }
    }

    /// Asks several questions, in one round trip to each node.
    pub(super) async fn ask_all<T: FromValue>(
        &self,
        questions: &[Question],
        deadline: Instant,
    ) -> Result<Vec<T>, Error> {
        let answers = self.ask_all_once(questions).await.unwrap_or_default();
        let mut answers = answers.into_iter();
        let again = questions.iter().map(|question| (question, answers.next().flatten()));
        let asked = again.map(|(question, answer)| async move {
            match answer {
                Some(value) => value.convert(),
                None => self.ask(question, deadline).await,
            }
        });
        try_join_all(asked.collect::<Vec<_>>()).await
    }

    /// The answers that come at the first try, in the order of the questions.
    pub(super) async fn ask_all_once(&self, questions: &[Question]) -> Result<Vec<Option<Value>>, Error> {
        let mut rounds: Vec<(Arc<Node>, Vec<usize>)> = Vec::new();
        for (at, question) in questions.iter().enumerate() {
            let node = self.node_of(question.key()).await?;
            match rounds.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &node)) {
                Some((_, round)) => round.push(at),
                None => rounds.push((node, vec![at])),
            }
        }
        let asked = rounds.iter().map(|(node, round)| async move {
            let asked = round.iter().filter_map(|at| questions.get(*at)).collect::<Vec<_>>();
            node.ask_all(&asked).await
        });
        let mut answers = vec![None; questions.len()];
        for ((_, round), answered) in rounds.iter().zip(join_all(asked).await) {
            for (at, answer) in round.iter().zip(answered.unwrap_or_default()) {
                if let (Some(place), Ok(value)) = (answers.get_mut(*at), answer) {
                    *place = Some(value);
                }
            }
        }
        Ok(answers)
    }

    async fn ask_node(&self, node: &Node, question: &Question) -> Result<Value, Error> {
        match node.ask(question).await {
            Err(error) => match place(&error, "ASK ") {
                // It is taking the slot over, and has this key already, if anybody has.
                Some(server) => self.node(&server).await?.ask_importing(question).await,
                None => Err(error),
            },
            answer => answer,
        }
    }

    /// Finds out anew who has what, when an error of `node` may come of not knowing.
    pub(super) async fn learn_from(&self, node: Option<&Node>, error: &Error) {
        let says = |words: &[&str]| words.iter().any(|word| error.details().starts_with(word));
        if let Some(node) = node {
            if says(&["READONLY"]) {
                node.retire();
            } else if is_of_connection(error) {
                node.leases.forget(); // others may have died as silently
            }
        }
        if is_of_connection(error) || says(&[NOBODY, "MOVED", "CLUSTERDOWN", "READONLY", "MASTERDOWN"]) {
            let named = place(error, "MOVED ");
            if let Err(error) = self.learn(named.as_ref()).await {
                tracing::debug!(%error, "nobody says who has what");
            }
        }
    }

    /// Asks who has what. Those who want to know at the same time share one lesson; and when nobody was named who knows, the
    /// last one is good for a moment, since each one asks everybody.
    async fn learn(&self, named: Option<&Server>) -> Result<(), Error> {
        let (wanted, good) = (Instant::now(), if named.is_some() { Duration::ZERO } else { BETWEEN });
        let mut learned = self.learned.lock().await;
        if learned.is_some_and(|learned| learned + good > wanted) {
            return Ok(());
        }
        let answer = self.source.ask(&self.config, &self.slots(), named).await;
        *learned = Some(Instant::now());
        if let Some(nodes) = &mut *self.lock_nodes() {
            let masters = answer.as_ref().ok().map(SlotMap::masters);
            nodes.retain(|server, _| masters.as_ref().is_none_or(|masters| masters.contains(server)));
        }
        let found = answer?;
        *self.slots.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        Ok(())
    }

    /// Begins nothing any more. What is under way goes on, and each connection is closed when nobody has it.
    pub(super) fn close(&self) {
        *self.lock_nodes() = None;
    }

    /// A server by its address, connected.
    async fn node(&self, server: &Server) -> Result<Arc<Node>, Error> {
        let node = {
            let mut nodes = self.lock_nodes();
            let nodes = nodes.as_mut().ok_or_else(|| Error::new(ErrorKind::Config, "the store is closed"))?;
            let is_of_no_use = |node: &Result<Arc<Node>, _>| node.as_ref().is_ok_and(|node| node.is_of_no_use());
            if nodes.get(server).and_then(Shared::peek).is_some_and(is_of_no_use) {
                nodes.remove(server);
            }
            nodes.entry(server.clone()).or_insert_with(|| self.begin_to_connect(server)).clone()
        };
        let connected = node.clone().await;
        if connected.is_err()
            && let Some(nodes) = &mut *self.lock_nodes()
            && nodes.get(server).is_some_and(|known| known.ptr_eq(&node))
        {
            nodes.remove(server); // so that the next one tries again
        }
        connected
    }

    fn begin_to_connect(&self, server: &Server) -> Shared<BoxFuture<'static, Result<Arc<Node>, Error>>> {
        let builder = self.source.builder_for(&self.config, server);
        let (durability, metrics) = (self.durability, Arc::clone(&self.metrics));
        // Sentinels name the old master until they have agreed on a new one, and it may be a replica already. A cluster's
        // replicas send everybody away by themselves.
        let may_be_replica = matches!(self.source, Source::Sentinels { .. });
        let task = tokio::spawn(Box::pin(async move {
            let node = Node::connect(builder, durability, metrics).await?;
            if may_be_replica {
                expect_master(&node).await?;
            }
            Ok(Arc::new(node))
        }));
        let ending = |_| Err(Error::new(ErrorKind::Canceled, "the service is ending"));
        task.map(move |connected| connected.unwrap_or_else(ending)).boxed().shared()
    }

    fn slots(&self) -> Arc<SlotMap> {
        Arc::clone(&self.slots.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock_nodes(&self) -> MutexGuard<'_, Option<Nodes>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn expect_master(node: &Node) -> Result<(), Error> {
    let reader = node.reader();
    let asked = Box::pin(reader.client.custom::<String, _>(command("INFO"), vec!["replication"]));
    match reader.answer(asked).await {
        Ok(info) if info.contains("role:slave") => {
            Err(Error::new(ErrorKind::Sentinel, "the sentinels name a server that is a replica"))
        }
        Err(error) if is_of_connection(&error) => Err(error),
        _ => Ok(()), // what it does not permit to ask is not known
    }
}

/// The server that a redirection names. One that leaves the host out names nobody.
fn place(error: &Error, kind: &str) -> Option<Server> {
    let (host, port) = error.details().strip_prefix(kind)?.split_once(' ')?.1.rsplit_once(':')?;
    (!matches!(host, "" | "?")).then_some(Server::new(host, port.parse().ok()?))
}

/// Whether it comes of the connection, and not of the server's mind.
pub(super) fn is_of_connection(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled | ErrorKind::Sentinel)
}

/// Whether asking again may help: the server was not there, or it was not the right one, or not yet.
fn is_passing(error: &Error) -> bool {
    let replies = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"];
    replies.iter().any(|reply| error.details().starts_with(reply))
        || is_of_connection(error)
        || *error.kind() == ErrorKind::Cluster
}
