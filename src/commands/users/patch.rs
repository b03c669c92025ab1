//! `latchkey users patch`.

use clap::Args;
use serde_json::{Map, Value};

use crate::accounts::{
    Change, DisplayName, EmailAddress, InvalidJson, Locale, ManagedPatch, UserPatch, Username, read_json,
};

/// What is to change. What is not named stays.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct PatchArguments {
    /// The new email address. It is theirs at once, and not confirmed unless `--email-verified` says so.
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    email: Option<EmailAddress>,

    /// Whether the address is confirmed.
    #[arg(long, value_name = "BOOL")]
    email_verified: Option<bool>,

    /// The new username.
    #[arg(long, conflicts_with = "no_username", value_parser = username)]
    username: Option<Username>,

    /// No username any more.
    #[arg(long)]
    no_username: bool,

    /// The new display name.
    #[arg(long, conflicts_with = "no_name", value_parser = name)]
    name: Option<DisplayName>,

    /// No display name any more.
    #[arg(long)]
    no_name: bool,

    /// The new language tag (BCP 47).
    #[arg(long, conflicts_with = "no_locale")]
    locale: Option<Locale>,

    /// No language any more.
    #[arg(long)]
    no_locale: bool,

    /// A JSON merge patch (RFC 7396) of the metadata.
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<Map<String, Value>>,
}

impl PatchArguments {
    pub(super) fn patch(&self) -> ManagedPatch {
        ManagedPatch {
            profile: UserPatch {
                username: change(self.username.as_ref(), self.no_username),
                name: change(self.name.as_ref(), self.no_name),
                locale: change(self.locale.as_ref(), self.no_locale),
                metadata: change(self.metadata.as_ref(), false),
                guarded: None,
            },
            email: self.email.clone(),
            email_verified: self.email_verified,
        }
    }
}

fn change<T: Clone>(value: Option<&T>, clears: bool) -> Change<T> {
    match value {
        Some(value) => Change::Set(value.clone()),
        None if clears => Change::Clear,
        None => Change::Keep,
    }
}

fn email(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|e| e.to_string())
}

fn username(text: &str) -> Result<Username, String> {
    Username::parse(text).map_err(|e| e.to_string())
}

fn name(text: &str) -> Result<DisplayName, String> {
    DisplayName::parse(text).map_err(|e| e.to_string())
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    match read_json(text.as_bytes()) {
        Ok(Value::Object(object)) => Ok(object),
        Err(InvalidJson { repeats: true, .. }) => Err("a JSON object that has each member once is needed".to_owned()),
        _ => Err("a JSON object is needed".to_owned()),
    }
}
