//! What a server says of itself that its operator should know before accounts are kept there.

use std::collections::HashMap;

/// What is wrong with a server for our purpose, by its answer to INFO: each with why it matters and what mends it.
pub(super) fn warnings(info: &str) -> Vec<String> {
    let facts = info.lines().filter_map(|line| line.trim().split_once(':')).collect::<HashMap<_, _>>();
    let mut warnings = Vec::new();
    if let Some(policy) = facts.get("maxmemory_policy").filter(|policy| **policy != "noeviction") {
        warnings.push(format!(
            "Redis evicts keys when its memory is full (maxmemory-policy {policy}), and accounts would vanish; \
             mend it with: redis-cli CONFIG SET maxmemory-policy noeviction"
        ));
    }
    if facts.get("aof_enabled") == Some(&"0") {
        warnings.push(
            "Redis keeps no append-only file, and a restart of it loses the accounts made since its last snapshot, or \
             all of them; mend it with: redis-cli CONFIG SET appendonly yes"
                .to_owned(),
        );
    }
    if let Some(status) = facts.get("aof_last_write_status").filter(|status| **status != "ok") {
        warnings.push(format!(
            "Redis could not write its append-only file (aof_last_write_status {status}); look at its disk and its log"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_fit_for_accounts_gives_no_warning() {
        let info =
            "# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\naof_last_write_status:ok\r\n";
        assert_eq!(warnings(info), Vec::<String>::new());
        assert_eq!(warnings("what a server does not tell is not known"), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_told_with_what_mends_it() {
        let told = warnings("maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\naof_last_write_status:err\r\n");
        for (warning, part) in told.iter().zip(["noeviction", "appendonly yes", "err"]) {
            assert!(warning.contains(part), "{warning}");
        }
        assert_eq!(told.len(), 3);
    }
}
