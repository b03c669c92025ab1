//! What the binary does when it is told to: each command, from its settings to its exit code.

mod api_keys;
mod check;
mod completions;
mod doctor;
mod export;
mod hash_cost;
mod health;
mod import;
mod keys;
mod outbox;
mod roles;
mod serve;
mod table;
mod users;

use std::{fmt::Display, io::Write, pin::Pin, process::ExitCode, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};

pub use self::{
    api_keys::{ApiKeysCommand, api_keys},
    check::check,
    completions::completions,
    doctor::doctor,
    export::{ExportArguments, export},
    hash_cost::hash_cost,
    health::health,
    import::{ImportArguments, import},
    keys::{KeysCommand, keys},
    outbox::{OutboxCommand, outbox},
    roles::{RolesCommand, roles},
    serve::serve,
    users::{CreateArguments, GrantArguments, ListArguments, Named, PatchArguments, UsersCommand, users},
};
use crate::{
    accounts::{Accounts, SystemClock},
    app,
    config::{Config, warn_of_unknown_variables},
    http, telemetry,
};

/// How often a progress bar moves while nothing else does.
const TICK: Duration = Duration::from_millis(200);

/// Prints the OpenAPI document.
#[must_use]
pub fn openapi(yaml: bool) -> ExitCode {
    say(&if yaml { http::openapi_yaml() } else { http::openapi_json() })
}

/// Does something with the accounts of a store that is in use already, and is told where they are.
fn with_accounts(config: &Config, act: impl AsyncFnOnce(&Arc<Accounts>, &str) -> ExitCode) -> ExitCode {
    open_or(ExitCode::FAILURE, config, act)
}

/// Does something with these accounts, or ends with `failure` when they cannot be opened.
fn open_or(failure: ExitCode, config: &Config, act: impl AsyncFnOnce(&Arc<Accounts>, &str) -> ExitCode) -> ExitCode {
    let Some((runtime, accounts, data)) = open(config) else { return failure };
    let acting: Pin<Box<dyn Future<Output = ExitCode> + '_>> = Box::pin(act(&accounts, &data));
    let code = runtime.block_on(acting);
    runtime.block_on(accounts.close());
    code
}

/// The accounts and where they are, unless they cannot be opened, of which it tells.
fn open(config: &Config) -> Option<(Runtime, Arc<Accounts>, String)> {
    telemetry::start(config, None);
    warn_of_unknown_variables();
    let told = |e: &dyn Display| {
        fail(&e.to_string());
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.inspect_err(|e| told(&format_args!("cannot start: {e}"))).ok()?;
    let opened = runtime.block_on(app::open_existing(config, Arc::new(SystemClock)));
    let (accounts, data) = opened.inspect_err(|e| told(e)).ok()?;
    Some((runtime, Arc::new(accounts), data))
}

fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    // Whoever reads this may have closed the pipe; that is their choice.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

/// Prints what there is to say for a program: one JSON value.
fn say_json(value: &Value) -> ExitCode {
    say(&format!("{value:#}\n"))
}

/// Says that something is done of which nothing is left to show: `line` for people, and for programs which it was, by the
/// `name` of that field, and what became of it.
fn say_done(as_json: bool, line: &str, (name, which): (&str, &dyn Display), outcome: &str) -> ExitCode {
    if as_json {
        return say_json(&json!({ name: which.to_string(), "outcome": outcome }));
    }
    say(&format!("{line}\n"))
}

fn fail(line: &str) -> ExitCode {
    eprintln!("latchkey: {line}");
    ExitCode::FAILURE
}
