//! `latchkey roles`: shows roles, defines them and deletes them.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{fail, say, with_accounts};
use crate::{
    accounts::{Authority, DefinedRole, Error, Permission, Role, RoleDefinition, RoleDescription, VersionMatch},
    config::Config,
};

/// What can be done with roles.
#[derive(Clone, Debug, Subcommand)]
pub enum RolesCommand {
    /// List all roles, a line each.
    List {
        /// As JSON: an array of roles.
        #[arg(long)]
        json: bool,
    },
    /// Show a role.
    Show {
        /// The role's name.
        name: Role,
        /// As JSON: an object.
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
        /// As JSON: an object.
        #[arg(long)]
        json: bool,
    },
    /// Delete a role. Users who have it keep its name, which gives them nothing.
    Delete {
        /// The role's name.
        name: Role,
    },
}

/// Does it: 0 when it is done, 1 when not.
#[must_use]
pub fn roles(config: &Config, command: &RolesCommand) -> ExitCode {
    let by = Authority::operator();
    with_accounts(config, async |accounts, _| match command {
        RolesCommand::List { json } => match accounts.roles(&by).await {
            Ok(roles) if *json => say(&format!("{:#}\n", roles.iter().map(as_json).collect::<Value>())),
            Ok(roles) => say(&roles.iter().map(as_text).collect::<String>()),
            Err(e) => fail(&e.to_string()),
        },
        RolesCommand::Show { name, json } => say_role(&accounts.role(&by, name).await, *json),
        RolesCommand::Set { name, permission, description, json } => {
            let permissions = permission.iter().cloned().collect();
            let definition = RoleDefinition { permissions, description: description.clone() };
            say_role(&accounts.put_role(&by, name, definition, &VersionMatch::Any).await, *json)
        }
        RolesCommand::Delete { name } => match accounts.delete_role(&by, name, &VersionMatch::Any).await {
            Ok(()) => say(&format!("role {name} is deleted\n")),
            Err(e) => fail(&e.to_string()),
        },
    })
}

fn say_role(outcome: &Result<DefinedRole, Error>, json: bool) -> ExitCode {
    match outcome {
        Ok(role) if json => say(&format!("{:#}\n", as_json(role))),
        Ok(role) => say(&as_text(role)),
        Err(e) => fail(&e.to_string()),
    }
}

fn words(role: &DefinedRole) -> Vec<&str> {
    role.definition.permissions.iter().map(Permission::as_str).collect()
}

fn as_text(role: &DefinedRole) -> String {
    let gives = Some(words(role).join(" ")).filter(|words| !words.is_empty());
    let description = role.definition.description.as_ref().map(|text| format!("  {text}"));
    format!("{}: {}{}\n", role.name, gives.as_deref().unwrap_or("nothing"), description.unwrap_or_default())
}

fn as_json(role: &DefinedRole) -> Value {
    json!({
        "name": role.name.to_string(),
        "permissions": words(role),
        "description": role.definition.description.as_ref().map(ToString::to_string),
        "built_in": role.is_built_in,
    })
}
