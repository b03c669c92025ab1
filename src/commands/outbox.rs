//! `latchkey outbox`: shows the letters that were not sent yet, and sends those once more that were given up.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{fail, say, say_json, with_accounts};
use crate::{
    accounts::{MailId, UnsentMail},
    config::Config,
};

/// What can be done with the outbox.
#[derive(Clone, Debug, Subcommand)]
pub enum OutboxCommand {
    /// List the letters that wait, and those that were given up in the last 30 days, the oldest first, a line each.
    List {
        /// As JSON: an array of letters.
        #[arg(long)]
        json: bool,
    },
    /// Try letters again that were given up, for another day.
    Retry {
        /// The id of one, which the list shows. Without it, all of them.
        #[arg(value_parser = id)]
        id: Option<MailId>,
        /// As JSON: an object that says how many.
        #[arg(long)]
        json: bool,
    },
}

/// Does it: 0 when it is done, 1 when not.
#[must_use]
pub fn outbox(config: &Config, command: &OutboxCommand) -> ExitCode {
    with_accounts(config, async |accounts, _| match command {
        OutboxCommand::List { json } => match accounts.unsent_mails().await {
            Ok((mails, unreadable)) => {
                if unreadable > 0 {
                    eprintln!("{unreadable} more cannot be read, `latchkey check` names them");
                }
                if *json {
                    return say_json(&mails.iter().map(as_json).collect());
                }
                say(&mails.iter().map(as_text).collect::<String>())
            }
            Err(e) => fail(&e.to_string()),
        },
        OutboxCommand::Retry { id, json } => match (accounts.retry_mails(*id).await, id) {
            (Ok(0), Some(_)) => fail("no letter with this id was given up"),
            (Ok(letters), _) if *json => say_json(&json!({ "retried": letters })),
            (Ok(letters), _) => say(&format!("letters that are tried again: {letters}\n")),
            (Err(e), _) => fail(&e.to_string()),
        },
    })
}

fn id(text: &str) -> Result<MailId, &'static str> {
    text.parse().map_err(|_| "an id out of `latchkey outbox list` is needed")
}

fn as_text(mail: &UnsentMail) -> String {
    let UnsentMail { id, kind, attempts, .. } = mail;
    let state = mail.dead_at.map_or_else(|| format!("next {}", mail.due_at), |at| format!("given up {at}"));
    let user = mail.user.map_or_else(|| "-".to_owned(), |user| user.to_string());
    let error = mail.last_error.as_deref().unwrap_or("-");
    format!("{id}  {kind}  user {user}  attempts {attempts}  {state}  {error}\n")
}

fn as_json(mail: &UnsentMail) -> serde_json::Value {
    json!({
        "id": mail.id.to_string(),
        "kind": mail.kind.to_string(),
        "user": mail.user.map(|user| user.to_string()),
        "attempts": mail.attempts,
        "tried_since": mail.created_at.to_string(),
        "next_at": mail.dead_at.is_none().then(|| mail.due_at.to_string()),
        "given_up_at": mail.dead_at.map(|at| at.to_string()),
        "last_error": mail.last_error,
    })
}
