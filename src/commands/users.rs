//! `latchkey users`: gives roles and permissions to a user, and takes them away.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{fail, say, with_accounts};
use crate::{
    accounts::{Grants, Permission, Role},
    config::Config,
};

/// What can be done with a user.
#[derive(Clone, Debug, Subcommand)]
pub enum UsersCommand {
    /// Give a user roles and permissions, beside those they have.
    Grant(GrantArguments),
    /// Take roles and permissions away from a user.
    Revoke(GrantArguments),
}

/// Whose roles and permissions, and which.
#[derive(Args, Clone, Debug)]
pub struct GrantArguments {
    /// The user's email address, username or id.
    pub login: String,

    /// Roles: 1 to 64 characters of a-z 0-9 _ . : - each, the first of them a letter.
    #[arg(long, num_args = 1.., required_unless_present = "permission")]
    pub role: Vec<Role>,

    /// Permissions, of the same form.
    #[arg(long, num_args = 1.., required_unless_present = "role")]
    pub permission: Vec<Permission>,
}

/// Changes what a user has, and prints what they have then: 0 when that is so, 1 when not.
#[must_use]
pub fn users(config: &Config, command: &UsersCommand) -> ExitCode {
    with_accounts(config, async |accounts, _| {
        let (UsersCommand::Grant(named) | UsersCommand::Revoke(named)) = command;
        let grants = Grants::new(named.role.iter().cloned().collect(), named.permission.iter().cloned().collect());
        let grants = match grants {
            Ok(grants) => grants,
            Err(e) => return fail(&e.to_string()),
        };
        let outcome = match command {
            UsersCommand::Grant(_) => accounts.grant(&named.login, &grants).await,
            UsersCommand::Revoke(_) => accounts.revoke(&named.login, &grants).await,
        };
        match outcome {
            Ok(user) => say(&format!("user {}: {}\n", user.id, user.grants)),
            Err(e) => fail(&e.to_string()),
        }
    })
}
