//! `latchkey roles`: shows roles, defines them and deletes them.

use std::process::ExitCode;

use clap::Subcommand;

use super::{fail, say, say_done, say_json, with_accounts};
use crate::{
    accounts::{Authority, DefinedRole, Error, Permission, Role, RoleDefinition, RoleDescription, VersionMatch},
    config::Config,
    http,
};

/// What can be done with roles.
#[derive(Clone, Debug, Subcommand)]
pub enum RolesCommand {
    /// List all roles, a line each.
    List {
        /// As JSON, as the API shows it.
        #[arg(long)]
        json: bool,
    },
    /// Show a role.
    Show {
        /// The role's name.
        name: Role,
        /// As JSON, as the API shows it.
        #[arg(long)]
        json: bool,
    },
    /// Define a role, anew or instead of what it was. Who has it may do at once what it gives.
    Set {
        /// The role's name: 1 to 64 characters of a-z 0-9 _ . : -, the first of them a letter.
        name: Role,
        /// What it gives: words of the same form. Those that begin with `latchkey:` are about Latchkey itself.
        #[arg(long, num_args = 1..)]
        permission: Vec<Permission>,
        /// What it is for: 1 to 200 characters.
        #[arg(long)]
        description: Option<RoleDescription>,
        /// As JSON, as the API shows it.
        #[arg(long)]
        json: bool,
    },
    /// Delete a role. Users who have it keep its name, which gives them nothing.
    Delete {
        /// The role's name.
        name: Role,
        /// As JSON: an object with the name and the outcome.
        #[arg(long)]
        json: bool,
    },
}

/// Does it: 0 when it is done, 1 when not.
#[must_use]
pub fn roles(config: &Config, command: &RolesCommand) -> ExitCode {
    let by = Authority::operator();
    with_accounts(config, async |accounts, _| match command {
        RolesCommand::List { json } => match accounts.roles(&by).await {
            Ok(roles) if *json => say_json(&http::roles_json(&roles)),
            Ok(roles) => say(&roles.iter().map(as_text).collect::<String>()),
            Err(e) => fail(&e.to_string()),
        },
        RolesCommand::Show { name, json } => say_role(&accounts.role(&by, name).await, *json),
        RolesCommand::Set { name, permission, description, json } => {
            let permissions = permission.iter().cloned().collect();
            let definition = RoleDefinition { permissions, description: description.clone() };
            say_role(&accounts.put_role(&by, name, definition, &VersionMatch::Any).await, *json)
        }
        RolesCommand::Delete { name, json } => match accounts.delete_role(&by, name, &VersionMatch::Any).await {
            Ok(()) => say_done(*json, &format!("role {name} is deleted"), ("name", name), "deleted"),
            Err(e) => fail(&e.to_string()),
        },
    })
}

fn say_role(outcome: &Result<DefinedRole, Error>, json: bool) -> ExitCode {
    match outcome {
        Ok(role) if json => say_json(&http::role_json(role)),
        Ok(role) => say(&as_text(role)),
        Err(e) => fail(&e.to_string()),
    }
}

fn as_text(role: &DefinedRole) -> String {
    let words = role.definition.permissions.iter().map(Permission::as_str).collect::<Vec<_>>();
    let gives = Some(words.join(" ")).filter(|words| !words.is_empty());
    let description = role.definition.description.as_ref().map(|text| format!("  {text}"));
    format!("{}: {}{}\n", role.name, gives.as_deref().unwrap_or("nothing"), description.unwrap_or_default())
}
