//! The `latchkey` command: it reads the command line and does what it names.

use std::process::ExitCode;

use latchkey::{
    cli::{Cli, Command},
    commands,
};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => commands::serve(&cli.config),
        Command::Doctor { json } => commands::doctor(&cli.config, json),
        Command::Openapi { yaml } => commands::openapi(yaml),
        Command::Check { repair, json } => commands::check(&cli.config, repair, json),
        Command::Users { command } => commands::users(&cli.config, &command),
        Command::Import(arguments) => commands::import(&cli.config, &arguments),
        Command::Export(arguments) => commands::export(&cli.config, &arguments),
        Command::Outbox { command } => commands::outbox(&cli.config, &command),
        Command::Roles { command } => commands::roles(&cli.config, &command),
        Command::Keys { command } => commands::keys(&cli.config, &command),
        Command::ApiKeys { command } => commands::api_keys(&cli.config, &command),
        Command::HashCost { target, json } => commands::hash_cost(&cli.config, target, json),
        Command::Completions { shell } => commands::completions(shell),
        Command::Health { json } => commands::health(&cli.config, json),
    }
}
