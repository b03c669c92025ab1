//! `latchkey export`: every user into a file, or to standard output.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{
    TICK,
    import::{COULD_NOT_RUN, could_not_run},
    open_or, say_json,
};
use crate::{accounts::Exported, config::Config};

/// Where users are exported to.
#[derive(Args, Clone, Debug)]
pub struct ExportArguments {
    /// A new file, which only its owner can read; without it, standard output.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Write to standard output also when that is a terminal.
    #[arg(long)]
    pub to_terminal: bool,

    /// Say as JSON how many users were exported: on standard output if there is a file, and else on standard error.
    #[arg(long)]
    pub json: bool,
}

/// Exports users: 0 when all of them are there, 1 when some cannot be read, 2 when the export did not come to its end.
#[must_use]
pub fn export(config: &Config, arguments: &ExportArguments) -> ExitCode {
    if arguments.file.is_none() && !arguments.to_terminal && io::stdout().is_terminal() {
        return could_not_run("what is exported has password hashes in it: name a file, or add --to-terminal");
    }
    open_or(COULD_NOT_RUN.into(), config, async |accounts, data| {
        let mut out: Box<dyn Write> = match &arguments.file {
            None => Box::new(BufWriter::new(io::stdout())),
            Some(file) => match private_file(file) {
                Ok(made) => Box::new(BufWriter::new(made)),
                Err(e) => return could_not_run(&format!("cannot make {}: {e}", file.display())),
            },
        };
        let bar = ProgressBar::new(accounts.count_users().await.unwrap_or_default());
        let template = "{spinner} {wide_bar} {pos} of about {len} users, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        let outcome = accounts.export_users(&mut out, &mut |users| bar.set_position(users)).await;
        bar.finish_and_clear();
        match outcome {
            Ok(exported) => {
                tell(&exported, data, arguments);
                if exported.unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(e) => {
                // Half an export must not be taken for a whole one.
                if let Some(file) = &arguments.file {
                    drop(out);
                    let _ = fs::remove_file(file);
                }
                could_not_run(&format!("the export of {data} did not come to its end: {e}"))
            }
        }
    })
}

/// Says how many users were exported.
fn tell(&Exported { users, unreadable }: &Exported, data: &str, arguments: &ExportArguments) {
    let summary = json!({ "users": users, "unreadable": unreadable });
    match (arguments.json, &arguments.file, unreadable) {
        (true, Some(_), _) => drop(say_json(&summary)),
        (true, None, _) => eprintln!("{summary:#}"),
        (false, _, 0) => eprintln!("Exported from {data}: users {users}"),
        (false, ..) => eprintln!("Exported from {data}: users {users}; not those that cannot be read: {unreadable}"),
    }
}

/// Makes a file that only its owner can read, where there is none.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
