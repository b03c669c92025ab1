//! `latchkey users show`, and what every command says of a user that it has changed.

use std::process::ExitCode;

use crate::{
    accounts::{DisplayName, EmailAddress, Timestamp, User},
    commands::{
        say, say_json,
        table::{or_dash, visible},
    },
    http,
};

/// Prints a user: as JSON like the API does, or as lines for people.
pub(super) fn show(user: &User, now: Timestamp, json: bool) -> ExitCode {
    if json {
        return say_json(&http::user_json(user, now));
    }
    let suspension = user.suspension.as_ref().filter(|_| user.is_suspended(now)).map(|suspension| {
        let until = suspension.until.map(|until| format!(" until {until}")).unwrap_or_default();
        let reason = suspension.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("suspended since {}{until}{reason}", suspension.since)
    });
    let verified = if user.email_verified { "confirmed" } else { "not confirmed" };
    let lines = [
        ("id", user.id.to_string()),
        ("email", format!("{} ({verified})", user.email.as_str())),
        ("pending email", or_dash(user.pending_email.as_ref().map(EmailAddress::as_str))),
        ("username", or_dash(user.username.as_ref())),
        ("name", or_dash(user.name.as_ref().map(DisplayName::as_str))),
        ("locale", or_dash(user.locale.as_ref())),
        ("metadata", user.metadata.to_string()),
        ("grants", user.grants.to_string()),
        ("status", suspension.unwrap_or_else(|| "active".to_owned())),
        ("created", user.created_at.to_string()),
        ("updated", user.updated_at.to_string()),
        ("last sign-in", or_dash(user.last_sign_in_at)),
    ];
    say(&lines.map(|(name, value)| format!("{name:<14}{}\n", visible(&value))).concat())
}
