//! What the binary does when it is told to: each command, from its settings to its exit code.

mod check;
mod doctor;
mod health;
mod serve;

use std::{io::Write, process::ExitCode};

pub use self::{check::check, doctor::doctor, health::health, serve::serve};
use crate::http;

/// Prints the OpenAPI document.
#[must_use]
pub fn openapi(yaml: bool) -> ExitCode {
    say(&if yaml { http::openapi_yaml() } else { http::openapi_json() })
}

fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    // Whoever reads this may have closed the pipe; that is their choice.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

fn fail(line: &str) -> ExitCode {
    eprintln!("latchkey: {line}");
    ExitCode::FAILURE
}
