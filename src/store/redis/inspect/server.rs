//! The server itself: version, role and clock.

use super::Facts;
use crate::store::{Check, Finding};

/// The first Redis with all commands that records are written with: HSET of several fields, UNLINK.
const LEAST: (u32, u32) = (4, 0);
/// The first Redis that is no longer left without fixes.
const OLDEST: (u32, u32) = (6, 2);

/// From where on a clock is worth a word, and from where on it is wrong, in milliseconds: a record outlives its expiry by
/// 300 s.
const NOTED: u64 = 1_000;
const WRONG: u64 = 240_000;

pub(super) fn version(facts: &Facts) -> Finding {
    // Valkey says a version of Redis as well, of which it is a successor.
    if let Ok(version) = facts.info("valkey_version") {
        return Finding::ok(Check::Version, format!("Valkey {version}"));
    }
    let version = match facts.info("redis_version") {
        Ok(version) => version,
        Err(unanswered) => return unanswered.unknown(Check::Version),
    };
    let found = format!("Redis {version}");
    let mend = "install Redis 6.2 or later, or Valkey";
    match parse(version) {
        Some(version) if version < LEAST => Finding::error(Check::Version, found).mend(mend),
        Some(version) if version < OLDEST => Finding::warning(Check::Version, found).mend(mend),
        Some(_) => Finding::ok(Check::Version, found),
        None => Finding::unknown(Check::Version, found),
    }
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

pub(super) fn role(facts: &Facts) -> Finding {
    match facts.info("role") {
        Ok("master") => Finding::ok(Check::Role, "a master"),
        Ok(_) => {
            let master = |name| facts.info(name).unwrap_or("?");
            let (host, port) = (master("master_host"), master("master_port"));
            let mend = format!("use the URL of the master, which is at {host}:{port}, or of its sentinels");
            Finding::error(Check::Role, "a replica").mend(mend)
        }
        Err(unanswered) => unanswered.unknown(Check::Role),
    }
}

pub(super) fn clock(facts: &Facts) -> Finding {
    let ahead = match &facts.ahead {
        Ok(ahead) => *ahead,
        Err(unanswered) => return unanswered.unknown(Check::ClockSkew),
    };
    let off = ahead.unsigned_abs();
    if off <= NOTED {
        return Finding::ok(Check::ClockSkew, "at most 1 s from the clock of this machine");
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let found = format!("{} s {direction} the clock of this machine", off / 1000);
    let mend = "set the time of both machines by NTP";
    if off > WRONG {
        return Finding::error(Check::ClockSkew, found).mend(mend);
    }
    Finding::warning(Check::ClockSkew, found).mend(mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Severity;

    #[test]
    fn an_old_redis_is_warned_of_and_a_very_old_one_refused() {
        let severity = |version| super::version(&Facts::told(&format!("redis_version:{version}\r\n"))).severity;
        let severities = ["3.2.12", "4.0.0", "6.0.16", "6.2.0", "10.0.1", "unstable"].map(severity);
        let (error, warning, ok) = (Severity::Error, Severity::Warning, Severity::Ok);
        assert_eq!(severities, [error, warning, warning, ok, ok, Severity::Unknown]);
    }
}
