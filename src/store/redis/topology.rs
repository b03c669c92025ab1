//! Which server has which slot, and whom to ask about it: nobody, the sentinels, or the nodes of the cluster.

use std::collections::BTreeSet;

use fred::{
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::{
        Builder, Value,
        config::{Config, Server, ServerConfig},
    },
};
use futures_util::{FutureExt, future::select_ok};

use super::{
    connection::Connection,
    node::{builder, command},
};

/// The last slot of a cluster. A server of its own has them all.
const LAST: u16 = 16_383;

/// Who has which slots.
#[derive(Debug, Default)]
pub(super) struct SlotMap {
    ranges: Vec<(u16, u16, Server)>,
    /// Every node that was named, replicas too: whom to ask next time.
    known: BTreeSet<Server>,
}

/// Who knows who has which slots.
pub(super) enum Source {
    /// There is one server, and it stays.
    Fixed,
    Sentinels {
        hosts: Vec<Server>,
        service: String,
        username: Option<String>,
        password: Option<String>,
    },
    Cluster {
        seeds: Vec<Server>,
    },
}

impl SlotMap {
    pub(super) fn owner(&self, slot: u16) -> Option<&Server> {
        let range = self.ranges.iter().find(|(first, last, _)| (first..=last).contains(&&slot));
        range.map(|(_, _, server)| server)
    }

    pub(super) fn masters(&self) -> BTreeSet<&Server> {
        self.ranges.iter().map(|(_, _, server)| server).collect()
    }

    fn whole(server: Server) -> Self {
        Self { ranges: vec![(0, LAST, server)], known: BTreeSet::new() }
    }

    /// Reads an answer to CLUSTER SLOTS. A node that does not know its own address leaves it out: it is at `asked`.
    fn parse(answer: Value, asked: &Server) -> Option<Self> {
        let mut map = Self::default();
        for row in answer.into_array() {
            let mut row = row.into_array().into_iter();
            let (first, last) = (number(&row.next()?)?, number(&row.next()?)?);
            let nodes = row.map(|node| server(node, asked)).collect::<Option<Vec<_>>>()?;
            map.ranges.push((first, last, nodes.first()?.clone()));
            map.known.extend(nodes);
        }
        (!map.ranges.is_empty()).then_some(map)
    }
}

fn number(value: &Value) -> Option<u16> {
    value.as_str()?.parse().ok()
}

fn server(node: Value, asked: &Server) -> Option<Server> {
    let mut node = node.into_array().into_iter();
    let host = node.next()?.into_string().filter(|host| !matches!(host.as_str(), "" | "?"));
    let port = number(&node.next()?)?;
    Some(Server::new(host.unwrap_or_else(|| asked.host.to_string()), port))
}

impl Source {
    pub(super) fn of(config: &Config) -> Self {
        match config.server.clone() {
            ServerConfig::Sentinel { hosts, service_name, username, password } => {
                Self::Sentinels { hosts, service: service_name, username, password }
            }
            ServerConfig::Clustered { hosts, .. } => Self::Cluster { seeds: hosts },
            ServerConfig::Centralized { .. } | ServerConfig::Unix { .. } => Self::Fixed,
        }
    }

    /// What connects to `server`.
    pub(super) fn builder_for(&self, config: &Config, server: &Server) -> Builder {
        let mut config = config.clone();
        if !matches!(self, Self::Fixed) {
            config.server = ServerConfig::Centralized { server: server.clone() };
        }
        builder(config)
    }

    /// Asks who has what now: the one who was named by the server that had it, or else everybody, and then the first who
    /// answers is believed.
    pub(super) async fn ask(&self, config: &Config, last: &SlotMap, named: Option<&Server>) -> Result<SlotMap, Error> {
        match self {
            Self::Fixed => {
                let server = config.server.hosts().into_iter().next();
                server.map(SlotMap::whole).ok_or_else(|| Error::new(ErrorKind::Config, "no server is named"))
            }
            Self::Sentinels { hosts, service, username, password } => {
                let asked = hosts.iter().map(|sentinel| {
                    let mut config = config.clone();
                    (config.username, config.password) = (username.clone(), password.clone());
                    config.database = None;
                    let builder = self.builder_for(&config, sentinel);
                    master(builder, service).boxed()
                });
                let (master, _) = select_ok(asked).await?;
                Ok(SlotMap::whole(master))
            }
            Self::Cluster { seeds } => {
                let slots = |server| slots(self.builder_for(config, server), server).boxed();
                if let Some(named) = named
                    && let Ok(map) = slots(named).await
                {
                    return Ok(map);
                }
                let everybody = last.known.iter().chain(seeds).collect::<BTreeSet<_>>();
                let (map, _) = select_ok(everybody.into_iter().map(slots)).await?;
                Ok(map)
            }
        }
    }
}

/// Asks a sentinel for the master.
async fn master(sentinel: Builder, service: &str) -> Result<Server, Error> {
    let connection = Connection::open(sentinel).await?;
    let words = vec!["GET-MASTER-ADDR-BY-NAME".to_owned(), service.to_owned()];
    let asked = Box::pin(connection.client.custom::<Value, _>(command("SENTINEL"), words));
    let mut answer = connection.answer(asked).await?.into_array().into_iter();
    let found = answer.next().and_then(Value::into_string).zip(answer.next().as_ref().and_then(number));
    let unknown = || Error::new(ErrorKind::Sentinel, format!("a sentinel knows no master by the name {service}"));
    found.map(|(host, port)| Server::new(host, port)).ok_or_else(unknown)
}

/// Asks a node of a cluster who has which slots.
async fn slots(node: Builder, server: &Server) -> Result<SlotMap, Error> {
    let connection = Connection::open(node).await?;
    let asked = Box::pin(connection.client.custom::<Value, _>(command("CLUSTER"), vec!["SLOTS"]));
    let answer = connection.answer(asked).await?;
    let unknown = || Error::new(ErrorKind::Cluster, format!("{server} does not know who has the slots"));
    SlotMap::parse(answer, server).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_say_where_it_is_is_where_it_was_asked() {
        let asked = Server::new("asked", 1);
        let node = |host: Value| Value::Array(vec![host, Value::Integer(7), Value::String("id".into())]);
        let owner = |host| {
            let rows = Value::Array(vec![Value::Array(vec![Value::Integer(0), Value::Integer(9), node(host)])]);
            SlotMap::parse(rows, &asked).unwrap().owner(9).cloned()
        };
        assert_eq!(owner(Value::String("there".into())), Some(Server::new("there", 7)));
        for unknown in [Value::Null, Value::String("".into()), Value::String("?".into())] {
            assert_eq!(owner(unknown), Some(Server::new("asked", 7)));
        }
    }
}
