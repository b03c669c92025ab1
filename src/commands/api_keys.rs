//! `latchkey api-keys`: makes, lists and revokes the keys that services authenticate with.

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;
use serde_json::json;

use super::{fail, say, say_done, say_json, with_accounts};
use crate::{
    accounts::{ApiKey, ApiKeyId, ApiKeyName, Authority, Capability, Clock, SystemClock, Timestamp},
    config::{self, Config},
};

/// What can be done with API keys.
#[derive(Clone, Debug, Subcommand)]
pub enum ApiKeysCommand {
    /// Make a key and print it. It is shown only this once.
    Create {
        /// What to call it: 1 to 64 characters.
        #[arg(long)]
        name: ApiKeyName,
        /// What it is good for: `tokens:introspect`, `users:read`, `users:write`, `users:delete`, `users:import`,
        /// `roles:read`, `roles:write`, `statistics:read`.
        #[arg(long, num_args = 1.., required = true)]
        scope: Vec<Capability>,
        /// When it ends by itself, from now on: 1m to 3650d. Without it, it does not.
        #[arg(long, value_name = "DURATION", value_parser = config::duration::<60, { 87_600 * 3600 }>)]
        expires_in: Option<Duration>,
        /// As JSON: the key as the list shows it, and `key`, which is what is sent.
        #[arg(long)]
        json: bool,
    },
    /// List the keys that were not revoked, the oldest first, a line each.
    List {
        /// As JSON: an array of keys.
        #[arg(long)]
        json: bool,
    },
    /// End a key, at once.
    Revoke {
        /// The id of the key, which the list shows.
        #[arg(value_parser = id)]
        id: ApiKeyId,
        /// As JSON: an object with the id and the outcome.
        #[arg(long)]
        json: bool,
    },
}

/// Does it: 0 when it is done, 1 when not.
#[must_use]
pub fn api_keys(config: &Config, command: &ApiKeysCommand) -> ExitCode {
    let by = Authority::operator().origin();
    with_accounts(config, async |accounts, _| match command {
        ApiKeysCommand::Create { name, scope, expires_in, json } => {
            match accounts.create_api_key(name.clone(), scope.iter().copied().collect(), *expires_in, by).await {
                Ok(made) if *json => {
                    let mut object = as_json(&made.key);
                    if let Some(object) = object.as_object_mut() {
                        object.insert("key".to_owned(), made.text.reveal().into());
                    }
                    say_json(&object)
                }
                Ok(made) => {
                    eprintln!("API key {}, which is not shown again:", made.key.id);
                    say(&format!("{}\n", made.text.reveal()))
                }
                Err(e) => fail(&e.to_string()),
            }
        }
        ApiKeysCommand::List { json } => match accounts.api_keys().await {
            Ok(keys) if *json => say_json(&keys.iter().map(as_json).collect()),
            Ok(keys) => say(&keys.iter().map(|key| as_text(key, SystemClock.now())).collect::<String>()),
            Err(e) => fail(&e.to_string()),
        },
        ApiKeysCommand::Revoke { id, json } => match accounts.revoke_api_key(*id, by).await {
            Ok(true) => say_done(*json, &format!("API key {id} is revoked"), ("id", id), "revoked"),
            Ok(false) => fail("there is no API key with this id"),
            Err(e) => fail(&e.to_string()),
        },
    })
}

fn id(text: &str) -> Result<ApiKeyId, &'static str> {
    text.parse().map_err(|_| "an id out of `latchkey api-keys list` is needed")
}

fn scopes(key: &ApiKey) -> Vec<&'static str> {
    key.scopes.iter().map(|scope| scope.as_str()).collect()
}

fn as_text(key: &ApiKey, now: Timestamp) -> String {
    let ends = match key.expires_at {
        None => "never expires".to_owned(),
        Some(end) if key.is_expired(now) => format!("expired {end}"),
        Some(end) => format!("expires {end}"),
    };
    format!("{}  {}  created {}  {ends}  {}\n", key.id, scopes(key).join(" "), key.created_at, key.name)
}

fn as_json(key: &ApiKey) -> serde_json::Value {
    json!({
        "id": key.id.to_string(),
        "name": key.name.to_string(),
        "scopes": scopes(key),
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|end| end.to_string()),
    })
}
