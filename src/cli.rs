//! The command line: what the binary can be told to do.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use clap_complete::Shell;

use crate::{
    commands::{
        ApiKeysCommand, ExportArguments, ImportArguments, KeysCommand, OutboxCommand, RolesCommand, UsersCommand,
    },
    config::{Config, duration},
};

/// User accounts as one small binary: an OpenAPI-described HTTP API, with the records in Redis, Valkey or an embedded
/// store.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, next_line_help = true)]
pub struct Cli {
    /// What to do. Without it, the service runs.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How the service runs.
    #[command(flatten)]
    pub config: Config,
}

/// What the binary can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the service. This is what happens without a command.
    Serve,
    /// Look whether the store is fit for accounts: exit code 0 if nothing keeps the service from starting, 1 if
    /// something does.
    Doctor {
        /// As JSON: an array of findings.
        #[arg(long)]
        json: bool,
    },
    /// Print the OpenAPI document.
    Openapi {
        /// As YAML, not as JSON.
        #[arg(long)]
        yaml: bool,
    },
    /// Audit a whole store: claims without users and users without claims, duplicates, index entries that lead nowhere,
    /// sessions of nobody, and what cannot be read. Exit code 0 if nothing is wrong any more, 1 if something is left.
    ///
    /// A finding is a line on standard output that names ids and keys, and no address. The service may run meanwhile on
    /// Redis; on the embedded store it must be stopped.
    Check {
        /// Repair what is safe to repair. Two users with one address or username are only reported.
        #[arg(long)]
        repair: bool,
        /// Print findings and the summary as JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Make users, give them roles and permissions and take them away, and suspend them. Exit code 0 and a line on what the user has then, or 1
    /// and why not.
    ///
    /// The service may run meanwhile on Redis; on the embedded store it must be stopped.
    Users {
        /// What to do.
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Show roles, define them and delete them. Exit code 0 when that is done, 1 when not.
    ///
    /// The service may run meanwhile on Redis; on the embedded store it must be stopped.
    Roles {
        /// What to do.
        #[command(subcommand)]
        command: RolesCommand,
    },
    /// Import users, one on each line, as `docs/import.md` says. A user who is there already is never changed, so an import
    /// that was cut is run again. Exit code 0 if each line is a user then, 1 if one is not, 2 if the import did not come to
    /// its end.
    ///
    /// What is wrong with a line is told on standard output. The service may run meanwhile on Redis; on the embedded store
    /// it must be stopped.
    Import(ImportArguments),
    /// Export every user with the hash of their password, one on each line, as an import reads them. Exit code 0 if all of
    /// them are there, 1 if some cannot be read, 2 if the export did not come to its end.
    ///
    /// The service may run meanwhile on Redis; on the embedded store it must be stopped.
    Export(ExportArguments),
    /// List or rotate the keys that sign access tokens. On the embedded store the service must be stopped.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Make, list and revoke the keys that services authenticate with. Exit code 0 when that is done, 1 when not.
    ///
    /// The service may run meanwhile on Redis; on the embedded store it must be stopped.
    ApiKeys {
        /// What to do.
        #[command(subcommand)]
        command: ApiKeysCommand,
    },
    /// List the letters that were not sent yet, and why, and try those again that were given up. Exit code 0 when that is
    /// done, 1 when not.
    ///
    /// The service may run meanwhile on Redis; on the embedded store it must be stopped.
    Outbox {
        /// What to do.
        #[command(subcommand)]
        command: OutboxCommand,
    },
    /// Measure what password hashes cost on this machine, and propose settings for a time. It takes some seconds, in which
    /// nothing else should run.
    HashCost {
        /// How long one hash may take while all threads hash: 0s to 10s.
        #[arg(long, value_name = "DURATION", default_value = "250ms", value_parser = duration::<0, 10>)]
        target: Duration,
        /// As JSON: an object with what was measured and what is proposed.
        #[arg(long)]
        json: bool,
    },
    /// Print what makes a shell complete this command line: for bash, in `/etc/bash_completion.d/` for example.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Ask a running service whether it is ready: exit code 0 if it is, 1 if not. It needs the settings of the service that
    /// say where it listens, and with which certificate.
    Health {
        /// As JSON: what the API answers.
        #[arg(long)]
        json: bool,
    },
}

impl Cli {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// The exit code, after printing why: 0 for help, 2 for something wrong. A wrong value is told in one line that
    /// names the variable, the value and what is allowed.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ExitCode> {
        let wrong = |line: &str| {
            eprintln!("latchkey: {line}");
            ExitCode::from(2)
        };
        let matches = command().try_get_matches_from(arguments);
        let cli = matches.and_then(|matches| Self::from_arg_matches(&matches)).map_err(|e| match e.kind() {
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => wrong(&wrong_value(&e)),
            _ => {
                let _ = e.print();
                u8::try_from(e.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
            }
        })?;
        cli.config.check().map_err(|line| wrong(&line))?;
        Ok(cli)
    }
}

/// The command, whose settings may stand before or behind what it is told to do.
pub(crate) fn command() -> clap::Command {
    Cli::command().mut_args(|argument| argument.global(true))
}

fn wrong_value(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    let mut command = command();
    command.build(); // only then do arguments have names
    let known = command.get_arguments().find(|known| known.to_string() == argument);
    let name = known.and_then(|known| known.get_env()?.to_str()).map_or(argument.clone(), str::to_owned);
    let allowed = match std::error::Error::source(error) {
        Some(reason) => reason.to_string(),
        None => match text(ContextKind::ValidValue) {
            none if none.is_empty() => "a value is needed, or leave it out".to_owned(),
            valid => format!("one of these is needed: {valid}"),
        },
    };
    // A Redis URL may hold a password.
    let value = if known.is_some_and(clap::Arg::is_hide_env_values_set) {
        "the value".to_owned()
    } else {
        format!("`{}`", text(ContextKind::InvalidValue).replace(char::is_control, " "))
    };
    format!("{name}: {value} is not allowed; {allowed}")
}
