//! What the servers say of themselves that their operator should know before records are kept there.
//!
//! [`facts`] asks, and the other files judge what was answered, each some of the checks. What a server does not say is
//! unknown, which is no fault of it: it may not permit the question.

mod access;
mod cluster;
mod durability;
mod facts;
mod memory;
mod server;

use futures_util::future::join_all;
use tokio::time::Instant;

use self::facts::{Answer, Asked, Facts};
use super::{confirm::Confirm, options::Durability, servers::Servers};
use crate::store::{Check, Finding};

/// What the store promises of a commit, and what it asks a server for that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    pub(super) durability: Durability,
    pub(super) confirm: Confirm,
}

/// Asks all servers that take writes, until `deadline`, and judges what they say. `now` is the present, in Unix
/// milliseconds.
pub(super) async fn inspect(servers: &Servers, promise: Promise, now: i64, deadline: Instant) -> Vec<Finding> {
    let asked = Asked::new(now, deadline);
    let masters = match tokio::time::timeout_at(deadline, servers.masters()).await {
        Ok(Ok(masters)) => masters,
        Ok(Err(e)) => return unanswered(promise, &e.to_string()),
        Err(_) => return unanswered(promise, "no answer in time"),
    };
    let is_cluster = matches!(servers, Servers::Cluster(_));
    let answered = join_all(masters.iter().map(|node| Facts::ask(node, is_cluster, &asked))).await;
    merge(answered.iter().map(|facts| (facts.name.as_str(), judge(facts, promise))).collect())
}

fn judge(facts: &Facts, promise: Promise) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(server::version(facts));
    findings.push(server::role(facts));
    findings.extend(cluster::state(facts));
    findings.extend(durability::append_only_file(facts, promise));
    findings.extend(durability::replicas(facts, promise));
    findings.push(memory::eviction(facts));
    findings.push(memory::headroom(facts));
    findings.push(access::tls(facts));
    findings.push(access::acl(facts));
    findings.push(server::clock(facts));
    findings
}

/// Not all nodes of a cluster could be found, so nothing is known.
fn unanswered(promise: Promise, reason: &str) -> Vec<Finding> {
    let is_asked = |check: &Check| match check {
        Check::Replicas | Check::MinReplicas => matches!(promise.durability, Durability::Replicated(_)),
        Check::FilePermissions | Check::FreeSpace | Check::Layout => false,
        _ => true,
    };
    let unknown = |check| Finding::unknown(check, format!("the servers cannot be asked: {reason}"));
    Check::ALL.into_iter().filter(is_asked).map(unknown).collect()
}

/// What is the same on all servers is told once, and anything else with the servers where it is so.
fn merge(servers: Vec<(&str, Vec<Finding>)>) -> Vec<Finding> {
    let all = servers.len();
    let mut merged: Vec<(Finding, Vec<&str>)> = Vec::new();
    for (name, findings) in servers {
        for finding in findings {
            match merged.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, names)) => names.push(name),
                None => merged.push((finding, vec![name])),
            }
        }
    }
    merged.sort_by_key(|(finding, _)| finding.check);
    let told = |(finding, names): (Finding, Vec<&str>)| {
        let at = (names.len() < all).then(|| names.join(", "));
        Finding { at, ..finding }
    };
    merged.into_iter().map(told).collect()
}

/// What mends a setting, now and after a restart.
fn set(name: &str, value: &str) -> String {
    format!("redis-cli CONFIG SET {name} {value}, and the same in the configuration file of the server")
}
