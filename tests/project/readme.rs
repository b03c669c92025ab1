//! The tables of the README, held against the code.

use std::collections::BTreeSet;

use clap::CommandFactory;
use latchkey::{accounts::Fault, cli::Cli, mail::LetterKind, store::Check};
use serde_json::Value;

use super::{section, table, text};

#[test]
fn the_settings_table_is_what_the_command_line_takes() {
    let quoted = |text: &str| format!("`{text}`");
    let command = Cli::command();
    let settings = command.get_arguments().filter(|argument| argument.get_env().is_some());
    let known = settings.map(|setting| {
        let defaults = setting.get_default_values().iter().map(|value| quoted(value.to_str().unwrap()));
        (
            quoted(&format!("--{}", setting.get_long().unwrap())),
            quoted(setting.get_env().unwrap().to_str().unwrap()),
            defaults.reduce(|all, one| all + " " + &one).unwrap_or_else(|| "none".to_owned()),
        )
    });
    let readme = text("README.md");
    let rows = table(section(&readme, "## Settings"));
    assert!(rows.len() > 10, "{rows:?}");
    assert!(rows.iter().all(|row| row.len() == 4 && !row[3].is_empty()), "{rows:?}");
    let shown = rows.into_iter().map(|row| (row[0].clone(), row[1].clone(), row[2].clone()));
    assert_eq!(shown.collect::<Vec<_>>(), known.collect::<Vec<_>>());
}

#[test]
fn the_table_of_the_checks_is_what_can_be_found() {
    let readme = text("README.md");
    let shown = table(section(&readme, "## Is the store fit?")).into_iter().map(|row| row[0].clone());
    let known = Check::ALL.map(|check| format!("`{}`", check.name()));
    assert_eq!(shown.collect::<Vec<_>>(), known);
}

#[test]
fn the_table_of_the_findings_is_what_a_check_can_find() {
    let readme = text("README.md");
    let shown = table(section(&readme, "## Checking a store")).into_iter().map(|row| row[0].clone());
    assert_eq!(shown.collect::<Vec<_>>(), Fault::CODES.map(|code| format!("`{code}`")));
}

#[test]
fn the_table_of_the_letters_is_what_can_be_sent() {
    let readme = text("README.md");
    let shown = table(section(&readme, "### Texts")).into_iter().map(|row| row[0].clone());
    assert_eq!(shown.collect::<Vec<_>>(), LetterKind::ALL.map(|kind| format!("`{kind}`")));
}

#[test]
fn the_table_of_the_api_is_the_openapi_document() {
    // The README says of these once that any operation gives them.
    let everywhere = ["408", "413", "500"];
    let document = serde_json::from_str::<Value>(&latchkey::http::openapi_json()).unwrap();
    let mut known = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap().keys();
            let statuses = statuses.filter(|status| status.parse::<u16>().is_ok());
            let mut statuses = statuses.filter(|s| !everywhere.contains(&s.as_str())).cloned().collect::<Vec<_>>();
            statuses.sort();
            known.insert((format!("`{}`", method.to_uppercase()), format!("`{path}`"), statuses));
        }
    }
    let readme = text("README.md");
    let rows = table(section(&readme, "## The API"));
    let shown = rows.into_iter().map(|row| {
        let statuses = row[3..].iter().flat_map(|cell| cell.split(", ")).filter(|status| !status.is_empty());
        (row[0].clone(), row[1].clone(), statuses.map(str::to_owned).collect::<Vec<_>>())
    });
    assert_eq!(shown.collect::<BTreeSet<_>>(), known);
}
