//! The questions to one server, and its answers.

use std::collections::HashMap;

use fred::{
    error::Error,
    interfaces::ClientLike,
    types::{FromValue, Value, config::ServerConfig},
};
use tokio::time::Instant;

use super::super::{
    confirm,
    node::{Node, command},
};
use crate::store::{Check, Finding};

/// An answer, or why there is none.
pub(super) type Answer<T> = Result<T, Unanswered>;

/// A question that was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unanswered {
    question: String,
    reason: String,
    /// The rule of an ACL that permits the question, and who needs it.
    permission: Option<(&'static str, String)>,
}

/// When it is asked, and how long.
pub(super) struct Asked {
    now: i64,
    begun: Instant,
    deadline: Instant,
}

/// What one server says.
pub(super) struct Facts {
    /// Every address that led to it.
    pub(super) hosts: Vec<String>,
    pub(super) is_encrypted: bool,
    /// Whether we take it for a node of a cluster.
    pub(super) is_node: bool,
    /// Whether it can be asked to wait for its disk, if it tells.
    pub(super) has_waitaof: Option<bool>,
    pub(super) info: Answer<HashMap<String, String>>,
    pub(super) cluster: Answer<HashMap<String, String>>,
    pub(super) appendfsync: Answer<String>,
    pub(super) min_replicas: Answer<String>,
    pub(super) account: Answer<Account>,
    /// How far its clock is ahead of ours, in milliseconds, at the least: an answer takes its time.
    pub(super) ahead: Answer<i64>,
}

/// As whom we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) has_password: bool,
}

impl Unanswered {
    /// That nothing is known of `check`, and what permits the question if that is why.
    pub(super) fn unknown(&self, check: Check) -> Finding {
        let Self { question, reason, permission } = self;
        let finding = Finding::unknown(check, format!("the server does not answer {question}: {reason}"));
        match permission {
            Some((rule, name)) => finding.mend(format!("redis-cli ACL SETUSER {name} {rule}")),
            None => finding,
        }
    }
}

impl Asked {
    pub(super) fn new(now: i64, deadline: Instant) -> Self {
        Self { now, begun: Instant::now(), deadline }
    }

    /// The present, in Unix milliseconds.
    fn present(&self) -> i64 {
        self.now.saturating_add(i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

impl Facts {
    pub(super) async fn ask(node: &Node, is_node: bool, asked: &Asked) -> Self {
        let reader = node.reader();
        let client = &reader.client;
        let config = client.client_config();
        let mut servers = config.server.hosts();
        servers.extend(client.active_connections());
        let is_socket = matches!(config.server, ServerConfig::Unix { .. });
        let hosts = servers.iter().map(|server| server.host.to_string()).filter(|_| !is_socket);
        let has_waitaof = confirm::knows_waitaof(reader).await.ok().flatten();
        let asking = Asking { node, asked, login: config.username.as_deref().unwrap_or("default") };
        let (info, cluster, appendfsync, min_replicas, account, ahead) = tokio::join!(
            asking.lines("INFO", &[], "+info"),
            asking.cluster(is_node),
            asking.setting("appendfsync"),
            asking.setting("min-replicas-to-write"),
            asking.account(),
            asking.ahead(),
        );
        let (hosts, is_encrypted) = (hosts.collect(), config.tls.is_some());
        Self { hosts, is_encrypted, is_node, has_waitaof, info, cluster, appendfsync, min_replicas, account, ahead }
    }

    /// What is known of a server that answers INFO and nothing else.
    #[cfg(test)]
    pub(super) fn told(info: &str) -> Self {
        fn no<T>() -> Answer<T> {
            Err(silent("anything", "more"))
        }
        Self {
            hosts: Vec::new(),
            is_encrypted: false,
            is_node: false,
            has_waitaof: None,
            info: Ok(pairs(info)),
            cluster: no(),
            appendfsync: no(),
            min_replicas: no(),
            account: no(),
            ahead: no(),
        }
    }

    /// A line of INFO.
    pub(super) fn info(&self, name: &str) -> Answer<&str> {
        line(&self.info, "INFO", name)
    }

    /// A number in INFO.
    pub(super) fn number(&self, name: &str) -> Answer<u64> {
        self.info(name)?.parse().map_err(|_| silent("INFO", name))
    }

    /// A line of CLUSTER INFO.
    pub(super) fn cluster(&self, name: &str) -> Answer<&str> {
        line(&self.cluster, "CLUSTER INFO", name)
    }

    /// A number in CLUSTER INFO.
    pub(super) fn cluster_number(&self, name: &str) -> Answer<u64> {
        self.cluster(name)?.parse().map_err(|_| silent("CLUSTER INFO", name))
    }
}

fn line<'a>(lines: &'a Answer<HashMap<String, String>>, question: &str, name: &str) -> Answer<&'a str> {
    let lines = lines.as_ref().map_err(Unanswered::clone)?;
    lines.get(name).map(String::as_str).ok_or_else(|| silent(question, name))
}

fn pairs(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn silent(question: &str, name: &str) -> Unanswered {
    Unanswered { question: question.to_owned(), reason: format!("it does not tell {name}"), permission: None }
}

struct Asking<'a> {
    node: &'a Node,
    asked: &'a Asked,
    login: &'a str,
}

impl Asking<'_> {
    async fn ask<T: FromValue>(&self, name: &'static str, words: &[&str], rule: &'static str) -> Answer<T> {
        let words = words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let question = [&[name.to_owned()], words.as_slice()].concat().join(" ");
        let answer = Box::pin(self.node.reader().client.custom::<Value, _>(command(name), words));
        let outcome = tokio::time::timeout_at(self.asked.deadline, answer).await;
        let unanswered = |reason: String, permission| Unanswered { question, reason, permission };
        match outcome {
            Ok(Ok(value)) => value.convert().map_err(|e: Error| unanswered(e.details().to_owned(), None)),
            Ok(Err(e)) => {
                let permission = e.details().starts_with("NOPERM").then(|| (rule, self.login.to_owned()));
                Err(unanswered(e.details().to_owned(), permission))
            }
            Err(_) => Err(unanswered("no answer in time".to_owned(), None)),
        }
    }

    /// Asks for lines of `name:value`.
    async fn lines(&self, name: &'static str, words: &[&str], rule: &'static str) -> Answer<HashMap<String, String>> {
        self.ask::<String>(name, words, rule).await.map(|text| pairs(&text))
    }

    async fn cluster(&self, is_node: bool) -> Answer<HashMap<String, String>> {
        if !is_node {
            return Err(silent("CLUSTER INFO", "anything, since it is no cluster"));
        }
        self.lines("CLUSTER", &["INFO"], "+cluster|info").await
    }

    async fn setting(&self, name: &str) -> Answer<String> {
        let mut found = self.ask::<HashMap<String, String>>("CONFIG", &["GET", name], "+config|get").await?;
        found.remove(name).ok_or_else(|| silent("CONFIG GET", name))
    }

    async fn account(&self) -> Answer<Account> {
        let name = self.ask::<String>("ACL", &["WHOAMI"], "+acl|whoami").await?;
        let about = self.ask::<HashMap<String, Value>>("ACL", &["GETUSER", &name], "+acl|getuser").await?;
        let flags = about.get("flags").cloned().ok_or_else(|| silent("ACL GETUSER", "flags"))?;
        let flags = flags.into_array().into_iter().filter_map(Value::into_string).collect::<Vec<_>>();
        Ok(Account { name, has_password: !flags.iter().any(|flag| flag == "nopass") })
    }

    async fn ahead(&self) -> Answer<i64> {
        let before = self.asked.present();
        let (seconds, micros) = self.ask::<(i64, i64)>("TIME", &[], "+time").await?;
        let after = self.asked.present();
        let there = seconds.saturating_mul(1000).saturating_add(micros / 1000);
        Ok(there - there.clamp(before, after))
    }
}
