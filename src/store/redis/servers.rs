//! The server, or the servers: where a key is, and what to do when it is no longer there.
//!
//! Behind Sentinel there is one node as well: its connections ask the sentinels who is master whenever they are made.

use std::{sync::Arc, time::Duration};

use fred::{
    error::{Error, ErrorKind},
    types::{
        FromValue, Value,
        config::{Config, Server, ServerConfig},
    },
};
use tokio::time::Instant;

use super::{
    cluster::Cluster,
    node::{Node, Question, builder},
};

/// The first pause before asking again; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// All servers of a store.
pub(super) enum Servers {
    /// One server, or the master that the sentinels name.
    One(Arc<Node>),
    Cluster(Box<Cluster>),
}

/// The pauses between attempts.
pub(super) struct Pauses {
    next: Duration,
    deadline: Instant,
}

impl Pauses {
    pub(super) fn until(deadline: Instant) -> Self {
        Self { next: PAUSE, deadline }
    }

    /// Grants more time.
    pub(super) fn extend(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Waits before the next attempt, and answers false, at once, when there is no time for one.
    pub(super) async fn pause(&mut self) -> bool {
        if Instant::now() + self.next > self.deadline {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        true
    }
}

impl Servers {
    pub(super) async fn connect(config: Config) -> Result<Self, Error> {
        let cluster = match &config.server {
            ServerConfig::Clustered { hosts, .. } => Some(hosts.clone()),
            _ => None,
        };
        Ok(match cluster {
            Some(seeds) => Self::Cluster(Box::new(Cluster::discover(builder(config), seeds).await?)),
            None => Self::One(Arc::new(Node::connect(&builder(config)).await?)),
        })
    }

    /// The node that has `key`.
    pub(super) async fn node_of(&self, key: &str) -> Result<Arc<Node>, Error> {
        match self {
            Self::One(node) => Ok(Arc::clone(node)),
            Self::Cluster(cluster) => cluster.node_of(key).await,
        }
    }

    /// All nodes that have keys.
    pub(super) async fn masters(&self) -> Result<Vec<Arc<Node>>, Error> {
        match self {
            Self::One(node) => Ok(vec![Arc::clone(node)]),
            Self::Cluster(cluster) => {
                let mut masters = Vec::new();
                for server in cluster.masters() {
                    masters.push(cluster.node(&server).await?);
                }
                Ok(masters)
            }
        }
    }

    /// Asks whoever has the key, until there is an answer or no time left.
    pub(super) async fn ask<T: FromValue>(&self, question: &Question, deadline: Instant) -> Result<T, Error> {
        let mut pauses = Pauses::until(deadline);
        loop {
            match self.ask_once(question).await {
                Ok(value) => return value.convert(),
                Err(error) if !is_passing(&error) => return Err(error),
                Err(error) => {
                    self.learn_from(&error).await;
                    if !pauses.pause().await {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn ask_once(&self, question: &Question) -> Result<Value, Error> {
        let answer = self.node_of(question.key()).await?.ask(question).await;
        match (self, answer) {
            (Self::Cluster(cluster), Err(error)) => match importer(&error) {
                Some(server) => cluster.node(&server).await?.ask_importing(question).await,
                None => Err(error),
            },
            (_, answer) => answer,
        }
    }

    /// Looks again who has what, when an error may come of not knowing.
    pub(super) async fn learn_from(&self, error: &Error) {
        match self {
            // Idle connections may lead to a server that was the master.
            Self::One(node) => node.leases.forget_idle(),
            Self::Cluster(_) if error.details().starts_with("ASK") => {} // a move that has not ended
            Self::Cluster(cluster) => {
                if let Err(error) = cluster.learn().await {
                    tracing::debug!(%error, "no node of the cluster answers");
                }
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::One(node) => node.close().await,
            Self::Cluster(cluster) => cluster.close().await,
        }
    }
}

/// The node that an ASK names: it is taking the slot over, and has this key already, if anybody has.
fn importer(error: &Error) -> Option<Server> {
    let (host, port) = error.details().strip_prefix("ASK ")?.split_once(' ')?.1.rsplit_once(':')?;
    Some(Server::new(host, port.parse().ok()?))
}

/// Whether asking again may help: the server was not there, or it was not the right one, or not yet.
fn is_passing(error: &Error) -> bool {
    let replies = ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY"];
    let gone = [ErrorKind::IO, ErrorKind::Timeout, ErrorKind::Cluster, ErrorKind::Sentinel, ErrorKind::Canceled];
    replies.iter().any(|reply| error.details().starts_with(reply)) || gone.contains(error.kind())
}
