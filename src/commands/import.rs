//! `latchkey import`: users from a file, or from standard input.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{TICK, fail, open_or, say};
use crate::{
    accounts::{Authority, Import, ImportOutcome, ImportSummary, Imported, LineFault, LineProblem, Lines},
    config::Config,
};

/// Nothing was imported, or not everything, and it was not for what the lines say.
pub(super) const COULD_NOT_RUN: u8 = 2;

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// What is imported, and how.
#[derive(Args, Clone, Debug)]
pub struct ImportArguments {
    /// A file with a user on each line, as JSON; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Look at everything, and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Write what became of every line into this new file, as JSON, one object a line.
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,

    /// Print what is wrong with lines, and the summary, as JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// Imports users: 0 when each line is a user then, 1 when one is not, 2 when the import did not come to its end.
#[must_use]
pub fn import(config: &Config, arguments: &ImportArguments) -> ExitCode {
    open_or(COULD_NOT_RUN.into(), config, async |accounts, data| {
        let bar = ProgressBar::no_length();
        let opened = source(&arguments.file, &bar).and_then(|from| Ok((from, results(arguments.results.as_deref())?)));
        let (from, mut results) = match opened {
            Ok(opened) => opened,
            Err(line) => return could_not_run(&line),
        };
        let mut summary = ImportSummary::default();
        let (mut lines, mut unwritten) = (0_u64, None);
        let how = Import { dry_run: arguments.dry_run, by: Authority::operator() };
        let outcome = accounts
            .import(Lines::new(BufReader::with_capacity(BUFFER, from)), &how, &mut |imported| {
                summary.count(&imported.outcome);
                lines += 1;
                if lines.is_multiple_of(100) {
                    bar.set_message(rate(lines, &bar));
                }
                if let Some(results) = &mut results
                    && let Err(e) = writeln!(results, "{}", as_json(&imported))
                {
                    unwritten = Some(e);
                }
                if !matches!(imported.outcome, ImportOutcome::Created(_) | ImportOutcome::Unchanged(_)) {
                    let line = if arguments.json { format!("{}\n", as_json(&imported)) } else { as_text(&imported) };
                    bar.suspend(|| say(&line));
                }
            })
            .await;
        bar.finish_and_clear();
        let flushed = results.as_mut().map_or(Ok(()), Write::flush);
        say(&if arguments.json {
            summary_as_json(&summary)
        } else {
            summary_as_text(&summary, data, arguments.dry_run)
        });
        if let Some(e) = unwritten.or(flushed.err()) {
            return could_not_run(&format!("cannot write the results: {e}"));
        }
        match outcome {
            Ok(()) if summary.is_complete() => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(e) => could_not_run(&format!(
                "the import into {data} did not come to its end: {e}; run it again, and what is there already stays as it is"
            )),
        }
    })
}

/// Where the lines come from, which moves `bar`.
fn source(file: &Path, bar: &ProgressBar) -> Result<Box<dyn Read + Send>, String> {
    let style = |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.enable_steady_tick(TICK);
    if file == Path::new("-") {
        bar.set_style(style("{spinner} {msg}"));
        return Ok(Box::new(io::stdin()));
    }
    let cannot = |e: io::Error| format!("cannot read {}: {e}", file.display());
    let opened = File::open(file).map_err(cannot)?;
    let about = opened.metadata().map_err(cannot)?;
    if about.is_dir() {
        return Err(format!("cannot read {}: it is a folder", file.display()));
    }
    if about.len() == 0 {
        bar.set_style(style("{spinner} {msg}"));
        return Ok(Box::new(opened));
    }
    bar.set_length(about.len());
    bar.set_style(style("{spinner} {wide_bar} {msg}, {eta} left"));
    Ok(Box::new(bar.wrap_read(opened)))
}

/// Where what became of each line is written. Ids are in it, so it is for its owner alone.
fn results(file: Option<&Path>) -> Result<Option<BufWriter<File>>, String> {
    let Some(file) = file else { return Ok(None) };
    let made = super::export::private_file(file).map_err(|e| format!("cannot make {}: {e}", file.display()))?;
    Ok(Some(BufWriter::new(made)))
}

fn rate(lines: u64, bar: &ProgressBar) -> String {
    let millis = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    format!("{lines} lines, {}/s", lines.saturating_mul(1000) / millis)
}

/// What is wrong with a line, for programs and for people.
fn problem(outcome: &ImportOutcome) -> Option<(&'static str, String)> {
    match outcome {
        ImportOutcome::Created(_) | ImportOutcome::Unchanged(_) => None,
        ImportOutcome::Invalid(problem) => Some((problem.code(), problem.to_string())),
        ImportOutcome::Conflict(conflict) => Some((conflict.as_str(), conflict.to_string())),
        ImportOutcome::Failed(error) => Some(("failed", error.to_string())),
    }
}

fn as_text(Imported { line, outcome }: &Imported) -> String {
    let (code, why) = problem(outcome).unwrap_or_default();
    format!("line {line}: {code}: {why}\n")
}

fn as_json(Imported { line, outcome }: &Imported) -> Value {
    let mut told = json!({"line": line, "outcome": outcome.as_str()});
    let mut say = |name: &str, value: Value| {
        if let Some(told) = told.as_object_mut() {
            told.insert(name.to_owned(), value);
        }
    };
    if let ImportOutcome::Created(Some(id)) | ImportOutcome::Unchanged(id) = outcome {
        say("id", json!(id.to_string()));
    }
    if let Some((code, detail)) = problem(outcome) {
        say("code", json!(code));
        say("detail", json!(detail));
    }
    if let ImportOutcome::Invalid(LineProblem::Fields(faults)) = outcome {
        let fault = |LineFault { field, kind, message }: &LineFault| json!({"field": field, "code": kind.as_str(), "message": message});
        say("errors", faults.iter().map(fault).collect());
    }
    told
}

fn summary_as_text(summary: &ImportSummary, data: &str, dry_run: bool) -> String {
    let ImportSummary { created, unchanged, invalid, conflicts, failed } = summary;
    let begun = if dry_run { "Nothing was written into" } else { "Imported into" };
    format!(
        "{begun} {data}: created {created}, unchanged {unchanged}, invalid {invalid}, conflicts {conflicts}, failed {failed}\n"
    )
}

fn summary_as_json(summary: &ImportSummary) -> String {
    let ImportSummary { created, unchanged, invalid, conflicts, failed } = summary;
    let summary = json!({
        "created": created, "unchanged": unchanged, "invalid": invalid, "conflicts": conflicts, "failed": failed,
    });
    format!("{summary}\n")
}

pub(super) fn could_not_run(line: &str) -> ExitCode {
    fail(line);
    ExitCode::from(COULD_NOT_RUN)
}
