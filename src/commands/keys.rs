//! `latchkey keys`: lists and rotates the keys that sign access tokens.

use std::{fmt::Write, process::ExitCode};

use clap::Subcommand;
use serde_json::{Value, json};

use super::{fail, say, with_accounts};
use crate::{
    accounts::{KeyError, Keyring, SigningKey, Stage},
    config::Config,
};

/// What can be done with the keys that sign access tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys in the order in which they sign, without anything secret.
    List {
        /// As JSON: an array of keys.
        #[arg(long)]
        json: bool,
    },
    /// Make a new key. It is published now and signs 10 minutes later, and no token is lost. The service does this by
    /// itself, as `LATCHKEY_KEY_ROTATION` says.
    Rotate {
        /// For a key that was stolen: the new key signs at once, and all others are dropped at once. Every access token
        /// that they signed is refused from then on: by running instances within 30 s, by other services when they read the
        /// key set again. Until then, other services may refuse tokens of the new key. Where the master secret was lost, this
        /// works with another one: restart every instance with it, since those without it cannot sign and are not ready.
        #[arg(long)]
        now: bool,
        /// As JSON: the new key as the list shows it.
        #[arg(long)]
        json: bool,
    },
}

/// Does what is told with the keys of a store that is in use already.
#[must_use]
pub fn keys(config: &Config, command: &KeysCommand) -> ExitCode {
    with_accounts(config, async |accounts, data| match run(accounts.keyring(), command).await {
        Ok(text) => say(&text),
        Err(e) => fail(&format!("the signing keys of {data}: {e}")),
    })
}

async fn run(keyring: &Keyring, command: &KeysCommand) -> Result<String, KeyError> {
    Ok(match *command {
        KeysCommand::List { json } => {
            let keys = keyring.list().await?;
            if json { format!("{:#}\n", keys.iter().map(object).collect::<Value>()) } else { readable(&keys) }
        }
        KeysCommand::Rotate { now, json: true } => format!("{:#}\n", object(&keyring.rotate(now).await?)),
        KeysCommand::Rotate { now: false, .. } => {
            let SigningKey { kid, algorithm, signs_from, .. } = keyring.rotate(false).await?;
            format!(
                "The new key {kid} ({algorithm}) signs from {signs_from} on.\n\
                 The old one stays until the last token that it signed has expired.\n"
            )
        }
        KeysCommand::Rotate { now: true, .. } => {
            let SigningKey { kid, algorithm, sealed, .. } = keyring.rotate(true).await?;
            let secret = if sealed {
                "It is sealed: an instance that runs without this master secret is not ready until it is restarted with it.\n"
            } else {
                ""
            };
            format!(
                "The new key {kid} ({algorithm}) signs now.\n\
                 All others are dropped, and the tokens that they signed with them. Running instances follow within 30 s; \
                 other services, when they read the key set again.\n{secret}"
            )
        }
    })
}

fn readable(keys: &[SigningKey]) -> String {
    let mut text = String::new();
    for key in keys {
        let SigningKey { kid, algorithm, created_at, signs_from, stage, sealed } = key;
        let stage = match stage {
            Stage::Waiting => format!("signs from {signs_from}"),
            Stage::Signing => format!("signs since {signs_from}"),
            Stage::Retired(until) => format!("good until {until}"),
        };
        let sealed = if *sealed { "sealed" } else { "plain text" };
        let _ = writeln!(text, "{kid}  {algorithm}  made {created_at}  {stage}  {sealed}"); // text takes everything
    }
    text
}

fn object(key: &SigningKey) -> Value {
    let (stage, until) = match key.stage {
        Stage::Waiting => ("waiting", None),
        Stage::Signing => ("signing", None),
        Stage::Retired(until) => ("retired", Some(until.to_string())),
    };
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.name(),
        "stage": stage,
        "created_at": key.created_at.to_string(),
        "signs_from": key.signs_from.to_string(),
        "good_until": until,
        "sealed": key.sealed,
    })
}
