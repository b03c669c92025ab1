//! The evidence that SECURITY.md names, held against the tests and the settings that there are.

use std::collections::BTreeSet;

use clap::CommandFactory;
use latchkey::cli::Cli;

use super::{rust_files, section, table, text};

#[test]
fn no_requirement_is_met_without_evidence() {
    let page = text("SECURITY.md");
    let rows = table(section(&page, "## What of ASVS 5.0 is met"));
    assert!(rows.len() > 50, "{} rows", rows.len());
    let command = Cli::command();
    let settings = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
    let mut known = settings.map(str::to_owned).collect::<BTreeSet<_>>();
    for (_, code) in rust_files("tests") {
        let names = code.split("fn ").skip(1).filter_map(|rest| rest.split_once('(').map(|(name, _)| name));
        known.extend(names.map(str::to_owned));
    }
    for row in rows {
        let named = row[2].split('`').skip(1).step_by(2).collect::<Vec<_>>();
        assert!(!named.is_empty(), "{} has no evidence", row[0]);
        for evidence in named {
            assert!(known.contains(evidence), "{}: there is no `{evidence}`", row[0]);
        }
    }
}

#[test]
fn the_requirements_come_in_their_order_and_once() {
    let page = text("SECURITY.md");
    let rows = table(section(&page, "## What of ASVS 5.0 is met"));
    let number = |row: &Vec<String>| row[0].split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let numbers = rows.iter().map(number).collect::<Vec<_>>();
    assert!(numbers.windows(2).all(|two| two[0] < two[1]), "{numbers:?}");
}
