//! What is told of servers that say little, and where a finding begins.

use super::*;
use crate::store::Severity;

fn asked_of(durability: Durability) -> Vec<Check> {
    unanswered(durability, "gone").into_iter().map(|finding| finding.check).collect()
}

#[test]
fn of_a_server_that_cannot_be_asked_each_check_of_a_server_is_unknown() {
    let [relaxed, replicated] = [Durability::Relaxed, Durability::Replicated(1)].map(asked_of);
    let of_replicas = [Check::Replicas, Check::MinReplicas];
    let missing = Check::ALL.into_iter().filter(|check| !replicated.contains(check)).collect::<Vec<_>>();
    assert_eq!(missing, [Check::FilePermissions, Check::FreeSpace, Check::Layout]);
    let more = replicated.into_iter().filter(|check| !relaxed.contains(check)).collect::<Vec<_>>();
    assert_eq!(more, of_replicas);
}

#[test]
fn a_finding_names_its_servers_unless_it_is_so_on_all_of_them() {
    let one = |about: &str| Finding::ok(Check::Version, about);
    let of = |name: &str, findings: &[Finding]| (name.to_owned(), findings.to_vec());
    let [seven, eight, tls] = [one("7"), one("8"), Finding::ok(Check::Tls, "on")];
    let merged = merge(vec![
        of("a", &[tls.clone(), seven.clone()]),
        of("b", &[eight.clone(), tls.clone()]),
        of("c", &[tls.clone(), seven.clone()]),
    ]);
    let at = |finding: Finding, names: &str| Finding { at: Some(names.to_owned()), ..finding };
    assert_eq!(merged, [at(seven, "a, c"), at(eight, "b"), tls]);
}

#[test]
fn memory_is_scarce_from_four_fifths_on() {
    let severity =
        |used: u64| memory::headroom(&Facts::told(&format!("used_memory:{used}\r\nmaxmemory:1000\r\n"))).severity;
    assert_eq!([799, 800, 1000].map(severity), [Severity::Ok, Severity::Warning, Severity::Warning]);
}

#[test]
fn a_clock_is_wrong_that_is_off_by_more_than_four_minutes() {
    let severity = |ahead: i64| server::clock(&Facts { ahead: Ok(ahead), ..Facts::told("") }).severity;
    let expected = [Severity::Ok, Severity::Warning, Severity::Warning, Severity::Error];
    assert_eq!([1_000, 1_001, 240_000, 240_001].map(severity), expected);
    assert_eq!([-1_000, -1_001, -240_000, -240_001].map(severity), expected);
}

#[test]
fn a_server_without_waitaof_syncs_always_or_confirms_nothing() {
    let said = |has_waitaof| {
        let info = "aof_enabled:1\r\n";
        let facts = Facts { has_waitaof, appendfsync: Ok("everysec".to_owned()), ..Facts::told(info) };
        let findings = durability::append_only_file(&facts, Durability::Fsync);
        let finding = findings.into_iter().find(|finding| finding.check == Check::Appendfsync).unwrap();
        (finding.severity, finding.found.contains("WAITAOF"))
    };
    let [with, unknown, without] = [Some(true), None, Some(false)].map(said);
    assert_eq!(with, (Severity::Ok, false));
    assert_eq!(unknown, (Severity::Unknown, true));
    assert_eq!(without, (Severity::Error, true));
}
