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
use super::{options::Durability, servers::Servers};
use crate::store::{Check, Finding};

/// Asks all servers that take writes, until `deadline`, and judges what they say. `now` is the present, in Unix
/// milliseconds.
pub(super) async fn inspect(servers: &Servers, durability: Durability, now: i64, deadline: Instant) -> Vec<Finding> {
    let asked = Asked::new(now, deadline);
    let Ok(masters) = tokio::time::timeout_at(deadline, servers.masters()).await else {
        return unanswered(durability, "no answer in time");
    };
    let is_cluster = servers.is_cluster();
    let answered = masters.into_iter().map(async |(server, node)| match node {
        Ok(node) => (server.to_string(), judge(&Facts::ask(&node, is_cluster, &asked).await, durability)),
        Err(e) => (server.to_string(), unanswered(durability, &e.to_string())),
    });
    merge(join_all(answered).await)
}

fn judge(facts: &Facts, durability: Durability) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(server::version(facts));
    findings.push(server::role(facts));
    findings.extend(cluster::state(facts));
    findings.extend(durability::append_only_file(facts, durability));
    findings.extend(durability::replicas(facts, durability));
    findings.push(memory::eviction(facts));
    findings.push(memory::headroom(facts));
    findings.push(access::tls(facts));
    findings.push(access::acl(facts));
    findings.push(server::clock(facts));
    findings
}

/// A server that cannot be asked, so nothing is known of it.
fn unanswered(durability: Durability, reason: &str) -> Vec<Finding> {
    let is_asked = |check: &Check| match check {
        Check::Replicas | Check::MinReplicas => matches!(durability, Durability::Replicated(_)),
        Check::FilePermissions | Check::FreeSpace | Check::Layout => false,
        _ => true,
    };
    let unknown = |check| Finding::unknown(check, format!("the server cannot be asked: {reason}"));
    Check::ALL.into_iter().filter(is_asked).map(unknown).collect()
}

/// What is the same on all servers is told once, and anything else with the servers where it is so.
fn merge(servers: Vec<(String, Vec<Finding>)>) -> Vec<Finding> {
    let all = servers.len();
    let mut merged: Vec<(Finding, Vec<String>)> = Vec::new();
    for (name, findings) in servers {
        for finding in findings {
            match merged.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, names)) => names.push(name.clone()),
                None => merged.push((finding, vec![name.clone()])),
            }
        }
    }
    merged.sort_by_key(|(finding, _)| finding.check);
    let told = |(finding, names): (Finding, Vec<String>)| {
        let at = (names.len() < all).then(|| names.join(", "));
        Finding { at, ..finding }
    };
    merged.into_iter().map(told).collect()
}

/// What mends a setting, now and after a restart.
fn set(name: &str, value: &str) -> String {
    format!("redis-cli CONFIG SET {name} {value}, and the same in the configuration file of the server")
}

#[cfg(test)]
mod tests;
