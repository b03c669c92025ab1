//! What survives: the append-only file and the replicas, for what the store promises of a commit.

use super::{super::options::Durability, Answer, Facts, set};
use crate::store::{Check, Finding, Severity};

pub(super) fn append_only_file(facts: &Facts, durability: Durability) -> Vec<Finding> {
    let is_enabled = match facts.info("aof_enabled") {
        Ok(enabled) => enabled != "0",
        Err(unanswered) => {
            let checks = [Check::AofEnabled, Check::AofLastWrite];
            let unknown = checks.into_iter().map(|check| unanswered.unknown(check));
            return unknown.chain([appendfsync(facts, durability)]).collect();
        }
    };
    if !is_enabled {
        let severity = if durability == Durability::Fsync { Severity::Error } else { Severity::Warning };
        return vec![Finding::new(Check::AofEnabled, severity, "appendonly is no").mend(set("appendonly", "yes"))];
    }
    vec![Finding::ok(Check::AofEnabled, "appendonly is yes"), last_write(facts), appendfsync(facts, durability)]
}

/// No error: a server with a full disk still answers reads, and a restart should not take those away.
fn last_write(facts: &Facts) -> Finding {
    match facts.info("aof_last_write_status") {
        Ok("ok") => Finding::ok(Check::AofLastWrite, "the last write succeeded"),
        Ok(_) => Finding::warning(Check::AofLastWrite, "the last write failed")
            .mend("make room on the disk of the server; its log says what failed"),
        Err(unanswered) => unanswered.unknown(Check::AofLastWrite),
    }
}

fn appendfsync(facts: &Facts, durability: Durability) -> Finding {
    let setting = match &facts.appendfsync {
        Ok(setting) => setting.as_str(),
        Err(unanswered) => return unanswered.unknown(Check::Appendfsync),
    };
    let say =
        |severity, rest: &str| Finding::new(Check::Appendfsync, severity, format!("appendfsync is {setting}{rest}"));
    let mend = |value| set("appendfsync", value);
    match (setting, durability, facts.has_waitaof) {
        ("always", _, _) => say(Severity::Ok, ""),
        ("everysec", Durability::Fsync, Some(true)) => {
            say(Severity::Ok, ": a write waits for the next sync, up to about 1 s")
        }
        ("everysec", Durability::Fsync, None) => {
            Finding::unknown(Check::Appendfsync, "the server does not say whether it has WAITAOF").mend(
                "permit it, with redis-cli ACL SETUSER and +command|info, or redis-cli CONFIG SET appendfsync always",
            )
        }
        ("everysec", Durability::Fsync, Some(false)) => {
            say(Severity::Error, ", and this server has no WAITAOF to wait for the disk with").mend(mend("always"))
        }
        (_, Durability::Fsync, _) => {
            say(Severity::Error, ": nobody knows when a write is on the disk").mend(mend("always"))
        }
        ("everysec", _, _) => say(Severity::Ok, ": a power failure loses about 1 s"),
        _ => say(Severity::Warning, ": a power failure may lose 30 s or more").mend(mend("everysec")),
    }
}

/// Nothing, unless replicas are waited for.
pub(super) fn replicas(facts: &Facts, durability: Durability) -> Vec<Finding> {
    match durability {
        Durability::Relaxed | Durability::Fsync => Vec::new(),
        Durability::Replicated(asked) => vec![connected(facts, asked), min_replicas(facts)],
    }
}

/// No error: reads go on without replicas, and a restart of the service should not take those away.
fn connected(facts: &Facts, asked: u32) -> Finding {
    let online = match online(facts) {
        Ok(online) => online,
        Err(unanswered) => return unanswered.unknown(Check::Replicas),
    };
    let found = format!("{online} of {asked} replicas that are waited for");
    if online >= u64::from(asked) {
        return Finding::ok(Check::Replicas, found);
    }
    Finding::warning(Check::Replicas, found)
        .mend("connect replicas to the server, with redis-cli REPLICAOF on each, or wait for fewer of them")
}

/// A replica that is only now copying everything does not answer WAIT.
fn online(facts: &Facts) -> Answer<u64> {
    let known = facts.number("connected_slaves")?;
    let is_online = |n: &u64| facts.info(&format!("slave{n}")).is_ok_and(|replica| replica.contains("state=online"));
    Ok(u64::try_from((0..known).filter(is_online).count()).unwrap_or(known))
}

fn min_replicas(facts: &Facts) -> Finding {
    match facts.min_replicas.as_deref() {
        Ok("0") => {
            Finding::warning(Check::MinReplicas, "min-replicas-to-write is 0").mend(set("min-replicas-to-write", "1"))
        }
        Ok(setting) => Finding::ok(Check::MinReplicas, format!("min-replicas-to-write is {setting}")),
        Err(unanswered) => unanswered.unknown(Check::MinReplicas),
    }
}
