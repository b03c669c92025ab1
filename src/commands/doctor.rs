//! `latchkey doctor`: looks whether the store is fit for accounts, with the checks that the service makes when it starts.

use std::{fmt::Write, process::ExitCode};

use serde_json::json;

use super::{fail, say};
use crate::{
    accounts::SystemClock,
    app,
    config::{Config, NO_SETTING, unknown_variables},
    store::{Check, Finding, Severity},
};

/// Prints what was found, a block for each check. The exit code tells whether the service would start.
#[must_use]
pub fn doctor(config: &Config, as_json: bool) -> ExitCode {
    for variable in unknown_variables() {
        eprintln!("latchkey: {variable}: {NO_SETTING}");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("cannot look at the store: {e}")),
    };
    let findings = match runtime.block_on(app::examine(config, &SystemClock)) {
        Ok(findings) => findings,
        Err(e) => return fail(&e.to_string()),
    };
    let accepted = &config.accept;
    say(&if as_json { machine_readable(&findings, accepted) } else { readable(&findings, accepted) });
    if findings.iter().any(|finding| finding.refuses(accepted)) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn readable(findings: &[Finding], accepted: &[Check]) -> String {
    let mut text = String::new();
    let mut line = |first: &str, second: &str, rest: &str| {
        let _ = writeln!(text, "{first:<9} {second:<16} {rest}"); // writing to a string does not fail
    };
    for finding in findings {
        let at = finding.at.as_ref().map_or_else(String::new, |at| format!(" at {at}"));
        line(word(finding, accepted), finding.check.name(), &format!("{}{at}", finding.found));
        if finding.severity != Severity::Ok {
            line("", "", &format!("why: {}", finding.check.why()));
        }
        if let Some(mend) = &finding.mend {
            line("", "", &format!("mend: {mend}"));
        }
    }
    text
}

fn machine_readable(findings: &[Finding], accepted: &[Check]) -> String {
    let object = |finding: &Finding| {
        json!({
            "check": finding.check.name(),
            "severity": word(finding, accepted),
            "at": finding.at,
            "found": finding.found,
            "why": finding.check.why(),
            "mend": finding.mend,
        })
    };
    format!("{:#}\n", findings.iter().map(object).collect::<serde_json::Value>())
}

fn word(finding: &Finding, accepted: &[Check]) -> &'static str {
    match finding.severity {
        Severity::Ok => "ok",
        Severity::Unknown => "unknown",
        Severity::Warning | Severity::Error if finding.is_accepted(accepted) => "accepted",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
