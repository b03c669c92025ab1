//! Memory: how full it is, and what happens when it is full.

use super::{Answer, Facts, set};
use crate::store::{Check, Finding};

/// From how much of the memory on there is little left, in hundredths.
const SCARCE: u64 = 80;

pub(super) fn eviction(facts: &Facts) -> Finding {
    match facts.info("maxmemory_policy") {
        Ok("noeviction") => Finding::ok(Check::Eviction, "maxmemory-policy is noeviction"),
        Ok(policy) => Finding::error(Check::Eviction, format!("maxmemory-policy is {policy}"))
            .mend(set("maxmemory-policy", "noeviction")),
        Err(unanswered) => unanswered.unknown(Check::Eviction),
    }
}

/// No error, even when nothing is left: reads and signing out still work then, and a restart should not take those away.
pub(super) fn headroom(facts: &Facts) -> Finding {
    let (used, limit, whose) = match usage(facts) {
        Ok(usage) => usage,
        Err(unanswered) => return unanswered.unknown(Check::Memory),
    };
    let percent = used.saturating_mul(100) / limit.max(1);
    if percent < SCARCE {
        return Finding::ok(Check::Memory, format!("less than {SCARCE} % of {whose} is used"));
    }
    let mend = "give the server more memory, and raise maxmemory with redis-cli CONFIG SET maxmemory";
    let found =
        if used >= limit { format!("all of {whose} is used") } else { format!("{percent} % of {whose} is used") };
    Finding::warning(Check::Memory, found).mend(mend)
}

/// How much is used, of how much, and what that is.
fn usage(facts: &Facts) -> Answer<(u64, u64, &'static str)> {
    let used = facts.number("used_memory")?;
    match facts.number("maxmemory")? {
        0 => Ok((used, facts.number("total_system_memory")?, "the memory of the machine")),
        limit => Ok((used, limit, "maxmemory")),
    }
}
