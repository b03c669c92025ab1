//! `latchkey users`: what operators do with users.

mod create;
mod list;
mod patch;
mod show;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};

pub use self::{create::CreateArguments, list::ListArguments, patch::PatchArguments};
use super::{
    fail, say, say_done, say_json,
    table::{Table, or_dash},
    with_accounts,
};
use crate::{
    accounts::{
        Accounts, Authority, Error, Grants, Permission, Role, Session, SuspensionReason, Timestamp, TooManyGrants,
        User, VersionMatch,
    },
    config::Config,
    http,
};

/// What can be done with users.
#[derive(Clone, Debug, Subcommand)]
pub enum UsersCommand {
    /// Make an account for somebody.
    Create(Box<CreateArguments>),
    /// Show a user.
    Show(Named),
    /// List users, by when they were made.
    List(Box<ListArguments>),
    /// Change a user. Nobody chooses a password for somebody else: `reset-password` has them asked to.
    Patch {
        /// Who.
        #[command(flatten)]
        named: Named,
        /// What.
        #[command(flatten)]
        changes: Box<PatchArguments>,
    },
    /// Give a user roles and permissions, beside those they have.
    Grant(GrantArguments),
    /// Take roles and permissions away from a user.
    Revoke(GrantArguments),
    /// End all sessions of a user, and let them begin none.
    Suspend {
        /// Who.
        #[command(flatten)]
        named: Named,
        /// Why, for those who run the service.
        #[arg(long)]
        reason: Option<SuspensionReason>,
        /// Until when (RFC 3339). Without it, until somebody ends it.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
    },
    /// Let a suspended user sign in again.
    Unsuspend(Named),
    /// List the sessions of a user.
    Sessions(Named),
    /// End all sessions of a user.
    EndSessions(Named),
    /// Mail a user a link to set a new password.
    ResetPassword(Named),
    /// Delete a user for good.
    Delete {
        /// Who.
        #[command(flatten)]
        named: Named,
        /// Do not ask whether that is meant.
        #[arg(long)]
        yes: bool,
    },
}

/// Which user.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// The user's email address, username or id.
    login: String,

    /// As JSON: as the API shows it, or an object with the id and the outcome where nothing is left to show.
    #[arg(long)]
    json: bool,
}

/// Whose roles and permissions, and which.
#[derive(Args, Clone, Debug)]
pub struct GrantArguments {
    /// Who.
    #[command(flatten)]
    named: Named,

    /// Roles: 1 to 64 characters of a-z 0-9 _ . : - each, the first of them a letter.
    #[arg(long, num_args = 1.., required_unless_present = "permission")]
    pub role: Vec<Role>,

    /// Permissions, of the same form.
    #[arg(long, num_args = 1.., required_unless_present = "role")]
    pub permission: Vec<Permission>,
}

/// Does it, and prints what there is to see then: 0 when it is done, 1 when not.
#[must_use]
pub fn users(config: &Config, command: &UsersCommand) -> ExitCode {
    with_accounts(config, async |accounts, _| run(accounts, command).await.unwrap_or_else(|e| fail(&e.to_string())))
}

async fn run(accounts: &Arc<Accounts>, command: &UsersCommand) -> Result<ExitCode, Error> {
    let (by, any) = (Authority::operator(), VersionMatch::Any);
    let find = async |login: &str| accounts.user_of_login(login).await;
    Ok(match command {
        UsersCommand::Create(arguments) => create::create(accounts, arguments).await,
        UsersCommand::List(arguments) => list::list(accounts, arguments).await,
        UsersCommand::Show(Named { login, json }) => {
            let user = accounts.user(&by, find(login).await?).await?;
            show::show(&user, accounts.now(), *json)
        }
        UsersCommand::Patch { named: Named { login, json }, changes } => {
            let user = accounts.manage_user(by, find(login).await?, changes.patch(), any).await?;
            show::show(&user, accounts.now(), *json)
        }
        UsersCommand::Grant(arguments) => {
            let Named { login, json } = &arguments.named;
            let user = accounts.grant(&by, find(login).await?, &arguments.grants()?).await?;
            say_of(&user, accounts.now(), &user.grants.to_string(), *json)
        }
        UsersCommand::Revoke(arguments) => {
            let Named { login, json } = &arguments.named;
            let user = accounts.revoke(&by, find(login).await?, &arguments.grants()?).await?;
            say_of(&user, accounts.now(), &user.grants.to_string(), *json)
        }
        UsersCommand::Suspend { named: Named { login, json }, reason, until } => {
            if until.is_some_and(|until| until <= accounts.now()) {
                return Ok(fail("--until must be in the future"));
            }
            let user = accounts.suspend_user(&by, find(login).await?, *until, reason.clone(), &any).await?;
            say_of(&user, accounts.now(), "suspended", *json)
        }
        UsersCommand::Unsuspend(Named { login, json }) => {
            let user = accounts.unsuspend_user(&by, find(login).await?, &any).await?;
            say_of(&user, accounts.now(), "not suspended", *json)
        }
        UsersCommand::Sessions(Named { login, json }) => {
            say_sessions(&accounts.sessions_of(&by, find(login).await?).await?, *json)
        }
        UsersCommand::EndSessions(Named { login, json }) => {
            let id = find(login).await?;
            accounts.end_sessions_of(by, id).await?;
            say_done(*json, &format!("user {id}: signed out everywhere"), ("id", &id), "signed_out")
        }
        UsersCommand::ResetPassword(Named { login, json }) => {
            let id = find(login).await?;
            accounts.start_password_reset(by, id, any).await?;
            let line = format!("user {id}: a letter is in the outbox; the service sends it");
            say_done(*json, &line, ("id", &id), "reset_started")
        }
        UsersCommand::Delete { named: Named { login, json }, yes } => {
            let user = accounts.user(&by, find(login).await?).await?;
            if !yes && !is_meant(&user) {
                return Ok(fail("nobody was deleted; --yes says that it is meant"));
            }
            accounts.delete_managed_user(by, user.id, any).await?;
            say_done(*json, &format!("user {}: deleted", user.id), ("id", &user.id), "deleted")
        }
    })
}

/// Asks on a terminal. Elsewhere nobody can answer.
fn is_meant(user: &User) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    eprint!("Delete user {} ({}) for good? yes or no: ", user.id, user.email.as_str());
    let mut line = String::new();
    io::stdin().read_line(&mut line).is_ok() && line.trim() == "yes"
}

impl GrantArguments {
    fn grants(&self) -> Result<Grants, TooManyGrants> {
        Grants::new(self.role.iter().cloned().collect(), self.permission.iter().cloned().collect())
    }
}

/// Says what has become of a user: in a line for people, and to programs as the API shows them.
fn say_of(user: &User, now: Timestamp, what: &str, as_json: bool) -> ExitCode {
    if as_json {
        return say_json(&http::user_json(user, now));
    }
    say(&format!("user {}: {what}\n", user.id))
}

fn say_sessions(sessions: &[Session], as_json: bool) -> ExitCode {
    if as_json {
        return say_json(&http::sessions_json(sessions));
    }
    let mut table = Table::new(["ID", "CREATED", "LAST USED", "ADDRESS", "DEVICE"]);
    for session in sessions {
        table.row([
            session.id.to_string(),
            session.created_at.to_string(),
            session.last_used_at.to_string(),
            or_dash(session.device.address),
            or_dash(session.device.name()),
        ]);
    }
    say(&table.to_text())
}
