//! `latchkey check`: audits a whole store, and repairs what is safe.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{TICK, fail, say, with_accounts};
use crate::{
    accounts::{AuditEvent, AuditSummary, Fault, Outcome},
    config::Config,
};

/// So many unknown keys are shown, at the most.
const SHOWN: u64 = 20;

/// Audits the store: 0 when nothing is wrong any more, 1 when something is left or the audit did not come to its end.
#[must_use]
pub fn check(config: &Config, repair: bool, json: bool) -> ExitCode {
    with_accounts(config, async |accounts, data| {
        let bar = bar();
        let mut unknown = 0;
        let outcome = accounts
            .audit(repair, &mut |event| match event {
                AuditEvent::Looked(keys, all) => {
                    bar.set_length(all);
                    bar.set_position(keys);
                }
                AuditEvent::Unknown(key) => {
                    unknown += 1;
                    if unknown <= SHOWN && !json {
                        bar.suspend(|| say(&format!("unknown: {}\n", key.to_string().escape_debug())));
                    }
                }
                AuditEvent::Found(fault, outcome) => {
                    let line = if json { as_json(fault, outcome) } else { as_text(fault, outcome) };
                    bar.suspend(|| say(&line));
                }
            })
            .await;
        bar.finish_and_clear();
        match outcome {
            Ok(summary) => {
                say(&if json { summary_as_json(&summary) } else { summary_as_text(&summary, data) });
                if summary.left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(e) => fail(&format!("the check of {data} did not come to its end: {e}")),
        }
    })
}

/// A progress bar on standard error. Where that is no terminal, there is none.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_bar} {pos} of about {len} keys, {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

fn as_text(fault: &Fault, outcome: Outcome) -> String {
    let (code, remedy) = (fault.code(), fault.remedy());
    match outcome {
        Outcome::Repairable => format!("{code}: {fault}; with --repair, {remedy}\n"),
        Outcome::Repaired => format!("{code}: {fault}; repaired: {remedy}\n"),
        Outcome::Left(why) => format!("{code}: {fault}; left: {why}; {remedy}\n"),
    }
}

fn as_json(fault: &Fault, outcome: Outcome) -> String {
    let why = match outcome {
        Outcome::Left(why) => Some(why),
        Outcome::Repairable | Outcome::Repaired => None,
    };
    let line = json!({
        "code": fault.code(),
        "detail": fault.to_string(),
        "outcome": outcome.to_string(),
        "remedy": fault.remedy(),
        "why": why,
    });
    format!("{line}\n")
}

fn summary_as_text(summary: &AuditSummary, data: &str) -> String {
    let AuditSummary { users, claims, sessions, entries, unknown, uncounted, repaired, left } = summary;
    let more = unknown.saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!("unknown: {more} more\n") };
    let uncounted = match uncounted {
        0 => String::new(),
        some => format!("Totals that could not be counted: {some}\n"),
    };
    format!(
        "{more}Checked {data}: users {users}, claims {claims}, sessions {sessions}, index entries {entries}, unknown keys {unknown}\n\
         {uncounted}Findings {}: repaired {repaired}, left {left}\n",
        repaired + left
    )
}

fn summary_as_json(summary: &AuditSummary) -> String {
    let AuditSummary { users, claims, sessions, entries, unknown, uncounted, repaired, left } = summary;
    let checked = json!({
        "users": users, "claims": claims, "sessions": sessions, "index_entries": entries, "unknown_keys": unknown,
    });
    format!("{}\n", json!({"checked": checked, "uncounted_totals": uncounted, "repaired": repaired, "left": left}))
}
