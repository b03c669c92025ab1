//! `latchkey completions`: what makes a shell complete the command line.

use std::process::ExitCode;

use clap_complete::{Shell, generate};

use super::say;
use crate::cli;

/// Prints the completions for a shell.
#[must_use]
pub fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    generate(shell, &mut cli::command(), "latchkey", &mut script);
    say(&String::from_utf8_lossy(&script))
}
