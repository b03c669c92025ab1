//! Writing events: into the commit of the act.

use serde_json::Value;

use super::{Act, Event, EventKind, Month, Who};
use crate::{
    accounts::{
        Accounts,
        authority::Origin,
        clock::Timestamp,
        keys::{self, Home},
        user::User,
    },
    store::{Batch, Keep, Name},
};

/// The most events of a month that are kept of a person.
const MOST: u32 = 1_000;

/// The most failures of a month that are kept of a person.
const MOST_FAILURES: u32 = 100;

impl Accounts {
    /// Adds to `batch`, which is in the slot of the person, that this happens to their account.
    pub(in crate::accounts) fn note_act(&self, batch: &mut Batch, home: Home, now: Timestamp, act: Act) {
        self.append(batch, home.events(Month::of(now)), &act.at(now, self.random), MOST);
    }

    /// Adds to `batch` that this was tried on their account, and failed.
    pub(super) fn note_failure(&self, batch: &mut Batch, home: Home, now: Timestamp, act: Act) {
        self.append(batch, home.failures(Month::of(now)), &act.at(now, self.random), MOST_FAILURES);
    }

    fn append(&self, batch: &mut Batch, log: Name, event: &Event, most: u32) {
        let until = event.at.plus(self.settings.events.retention).as_millis();
        batch.append(log, event.to_line(), Keep { most, until });
    }

    /// Adds to `batch` what happens to an account that is to become `after`: nothing, if that is as it was.
    pub(in crate::accounts) fn note_changes(
        &self,
        batch: &mut Batch,
        before: &User,
        after: &User,
        origin: Origin,
        now: Timestamp,
    ) {
        for act in changes(before, after, origin) {
            self.note_act(batch, Home::of(after.id), now, act);
        }
    }

    /// Adds to `batch`, which deletes an account, that its events go, and that there is one entry of it for good.
    pub(in crate::accounts) fn note_deletion(batch: &mut Batch, home: Home, origin: Origin, now: Timestamp) {
        for month in Month::all(now) {
            batch.delete(home.events(month)).delete(home.failures(month));
        }
        batch.add(keys::deleted(), format!("{} {}", home.id(), Who::from(origin.actor)), now.as_millis());
    }
}

/// What happens to an account that becomes another: its fields by name, and for what protects it an event of its own.
fn changes(before: &User, after: &User, origin: Origin) -> Vec<Act> {
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
