//! `latchkey users list`.

use std::{num::NonZeroUsize, process::ExitCode};

use clap::{Args, ValueEnum};

use crate::{
    accounts::{Accounts, Authority, Role, Status, Timestamp, User, UserCursor, UserFilter, UserQuery},
    commands::{
        fail, say, say_json,
        table::{Table, or_dash},
    },
    http,
};

/// Which users, and in which order.
#[derive(Args, Clone, Debug)]
pub struct ListArguments {
    /// What their email address begins with, whatever its case.
    #[arg(long, value_name = "TEXT")]
    email_prefix: Option<String>,

    /// What their username begins with, whatever its case.
    #[arg(long, value_name = "TEXT")]
    username_prefix: Option<String>,

    /// What stands somewhere in their display name, whatever its case.
    #[arg(long, value_name = "TEXT")]
    name_contains: Option<String>,

    /// Made at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME")]
    created_from: Option<Timestamp>,

    /// Made before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    created_before: Option<Timestamp>,

    /// Whether they may sign in.
    #[arg(long)]
    status: Option<StatusArgument>,

    /// A role that they have.
    #[arg(long)]
    role: Option<Role>,

    /// Whether their address is confirmed.
    #[arg(long, value_name = "BOOL")]
    verified: Option<bool>,

    /// Whoever was made last comes first.
    #[arg(long)]
    latest_first: bool,

    /// How many, at the most: 1 or more. Where there are more, the command that shows them is told on standard error.
    #[arg(long, default_value = "50")]
    limit: NonZeroUsize,

    /// Where the list before has ended.
    #[arg(long)]
    cursor: Option<UserCursor>,

    /// As JSON: an object with `items` and `next_cursor`, as the API has them.
    #[arg(long)]
    json: bool,
}

/// Whether users may sign in.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArgument {
    /// They may.
    Active,
    /// They may not, for now.
    Suspended,
}

/// Lists users, page after page, until there are enough or no more.
pub(super) async fn list(accounts: &Accounts, arguments: &ListArguments) -> ExitCode {
    let mut query = arguments.query();
    let mut users = Vec::new();
    let next = loop {
        query.limit = (arguments.limit.get() - users.len()).min(UserQuery::MAX_LIMIT);
        match accounts.users(&Authority::operator(), &query).await {
            Ok(page) => {
                users.extend(page.items);
                query.after = page.next;
            }
            Err(e) => return fail(&e.to_string()),
        }
        if query.after.is_none() || users.len() >= arguments.limit.get() {
            break query.after;
        }
    };
    let now = accounts.now();
    if arguments.json {
        return say_json(&http::users_json(&users, next, now));
    }
    if let Some(next) = next {
        eprintln!("there may be more: --cursor {next}");
    }
    say(&as_table(&users, now))
}

impl ListArguments {
    fn query(&self) -> UserQuery {
        let status = |status| match status {
            StatusArgument::Active => Status::Active,
            StatusArgument::Suspended => Status::Suspended,
        };
        UserQuery {
            filter: UserFilter {
                email_prefix: self.email_prefix.clone(),
                username_prefix: self.username_prefix.clone(),
                name_contains: self.name_contains.clone(),
                created_from: self.created_from,
                created_before: self.created_before,
                status: self.status.map(status),
                role: self.role.clone(),
                email_verified: self.verified,
            },
            latest_first: self.latest_first,
            after: self.cursor,
            limit: self.limit.get(),
        }
    }
}

fn as_table(users: &[User], now: Timestamp) -> String {
    let mut table = Table::new(["ID", "EMAIL", "VERIFIED", "USERNAME", "STATUS", "CREATED", "LAST SIGN-IN"]);
    for user in users {
        let verified = if user.email_verified { "yes" } else { "no" };
        let status = if user.is_suspended(now) { "suspended" } else { "active" };
        table.row([
            user.id.to_string(),
            user.email.as_str().to_owned(),
            verified.to_owned(),
            or_dash(user.username.as_ref()),
            status.to_owned(),
            user.created_at.to_string(),
            or_dash(user.last_sign_in_at),
        ]);
    }
    table.to_text()
}
