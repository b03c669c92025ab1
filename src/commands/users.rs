//! `latchkey users`: makes users, gives roles and permissions to a user and takes them away, suspends users and lets them in again.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CreateArguments, create_user, fail, say, with_accounts};
use crate::{
    accounts::{Accounts, Authority, Error, Grants, Permission, Role, TooManyGrants, User, VersionMatch},
    config::Config,
};

/// What can be done with a user.
#[derive(Clone, Debug, Subcommand)]
pub enum UsersCommand {
    /// Make an account for somebody.
    Create(Box<CreateArguments>),
    /// Give a user roles and permissions, beside those they have.
    Grant(GrantArguments),
    /// Take roles and permissions away from a user.
    Revoke(GrantArguments),
    /// End all sessions of a user, and let them begin none.
    Suspend {
        /// The user's email address, username or id.
        login: String,
    },
    /// Let a suspended user sign in again.
    Unsuspend {
        /// The user's email address, username or id.
        login: String,
    },
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

/// Changes a user, and prints what they are then: 0 when that is so, 1 when not.
#[must_use]
pub fn users(config: &Config, command: &UsersCommand) -> ExitCode {
    with_accounts(config, async |accounts, _| match command {
        UsersCommand::Create(arguments) => create_user::create(accounts, arguments).await,
        UsersCommand::Grant(named) => say_grants(&change_grants(accounts, named, true).await),
        UsersCommand::Revoke(named) => say_grants(&change_grants(accounts, named, false).await),
        UsersCommand::Suspend { login } => say_of(&suspend(accounts, login, true).await, |_| "suspended".to_owned()),
        UsersCommand::Unsuspend { login } => {
            say_of(&suspend(accounts, login, false).await, |_| "not suspended".to_owned())
        }
    })
}

async fn change_grants(accounts: &Accounts, named: &GrantArguments, gives: bool) -> Result<User, Error> {
    let (by, grants) = (Authority::operator(), named.grants()?);
    let id = accounts.user_of_login(&named.login).await?;
    if gives { accounts.grant(&by, id, &grants).await } else { accounts.revoke(&by, id, &grants).await }
}

async fn suspend(accounts: &Accounts, login: &str, suspends: bool) -> Result<User, Error> {
    let (by, any) = (Authority::operator(), VersionMatch::Any);
    let id = accounts.user_of_login(login).await?;
    if suspends {
        accounts.suspend_user(&by, id, None, None, &any).await
    } else {
        accounts.unsuspend_user(&by, id, &any).await
    }
}

impl GrantArguments {
    fn grants(&self) -> Result<Grants, TooManyGrants> {
        Grants::new(self.role.iter().cloned().collect(), self.permission.iter().cloned().collect())
    }
}

fn say_grants(outcome: &Result<User, Error>) -> ExitCode {
    say_of(outcome, |user| user.grants.to_string())
}

fn say_of(outcome: &Result<User, Error>, what: impl Fn(&User) -> String) -> ExitCode {
    match outcome {
        Ok(user) => say(&format!("user {}: {}\n", user.id, what(user))),
        Err(e) => fail(&e.to_string()),
    }
}
