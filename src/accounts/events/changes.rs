//! What happens to an account by a change of it.

use serde_json::Value;

use super::{Act, EventKind};
use crate::accounts::{authority::Origin, user::User};

/// What happens to an account that becomes another: its fields by name, and for what protects it an event of its own.
pub(super) fn changes(before: &User, after: &User, origin: Origin) -> Vec<Act> {
    let act = |kind| Act::new(kind, origin);
    let is_moved = !before.email.is_same_mailbox(&after.email);
    let is_asked_for = after.pending_email.is_some() && after.pending_email != before.pending_email;
    let fields = [
        ("email", !is_moved && before.email != after.email),
        ("pending_email", !is_moved && before.pending_email.is_some() && after.pending_email.is_none()),
        ("username", before.username != after.username),
        ("name", before.name != after.name),
        ("locale", before.locale != after.locale),
        ("metadata", before.metadata != after.metadata),
    ];
    let fields = fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect::<Vec<_>>();
    let mut acts = Vec::new();
    if !fields.is_empty() {
        acts.push(act(EventKind::UserUpdated).with("fields", fields));
    }
    if is_asked_for {
        acts.push(act(EventKind::EmailChangeRequested));
    }
    if is_moved {
        acts.push(act(EventKind::EmailChanged));
    }
    if after.email_verified && !before.email_verified {
        acts.push(act(EventKind::EmailVerified));
    }
    if before.password_hash != after.password_hash {
        acts.push(act(EventKind::PasswordChanged));
    }
    if before.suspension != after.suspension {
        acts.push(match &after.suspension {
            Some(suspension) => {
                act(EventKind::Suspended).with("until", suspension.until.map(|until| until.to_string()))
            }
            None => act(EventKind::Unsuspended),
        });
    }
    let (old, new) = (before.grants.roles(), after.grants.roles());
    if old != new {
        acts.push(given_and_taken(act(EventKind::RolesChanged), new.difference(old), old.difference(new)));
    }
    let (old, new) = (before.grants.permissions(), after.grants.permissions());
    if old != new {
        acts.push(given_and_taken(act(EventKind::PermissionsChanged), new.difference(old), old.difference(new)));
    }
    acts
}

fn given_and_taken<T: ToString>(
    act: Act,
    added: impl IntoIterator<Item = T>,
    removed: impl IntoIterator<Item = T>,
) -> Act {
    let names = |all: &mut dyn Iterator<Item = T>| all.map(|name| Value::String(name.to_string())).collect::<Vec<_>>();
    act.with("added", names(&mut added.into_iter())).with("removed", names(&mut removed.into_iter()))
}
