//! What happens to an account by a change of it.

use super::{Act, EventKind};
use crate::accounts::{authority::Origin, user::User};

/// What happens to an account that becomes another: its fields by name, and for what protects it an event of its own.
pub(super) fn changes(before: &User, after: &User, origin: Origin) -> Vec<Act> {
    let act = |kind| Act::new(kind, origin);
    let is_moved = !before.email.is_same_mailbox(&after.email);
    let is_asked_for = after.pending_email.is_some() && after.pending_email != before.pending_email;
    let fields = [
        ("email", !is_moved && before.email != after.email),
        ("email_verified", !is_moved && before.email_verified && !after.email_verified),
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
        acts.push(act(EventKind::RolesChanged).giving(new.difference(old), old.difference(new)));
    }
    let (old, new) = (before.grants.permissions(), after.grants.permissions());
    if old != new {
        acts.push(act(EventKind::PermissionsChanged).giving(new.difference(old), old.difference(new)));
    }
    acts
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::select};

    use super::*;
    use crate::{
        accounts::{authority::Actor, records, user::UserRecord},
        store::{Record, Revision},
    };

    const NOBODY: Origin = Origin { actor: Actor::Anonymous, address: None };
    const ID: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";
    const OPERATION: &str = "AAECAwQFBgcICQoLDA0ODw";
    const TIME: &str = "2026-01-31T09:30:00.000Z";

    const ALWAYS: [(&str, &str); 9] = [
        ("state", "active"),
        ("email_op", OPERATION),
        ("username_op", OPERATION),
        ("password_setting", "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA"),
        ("version", "1"),
        ("session_epoch", "2"),
        ("fence", "3"),
        ("created_at", TIME),
        ("updated_at", TIME),
    ];
    const HASHES: [&str; 2] =
        ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"];

    /// Somebody, with a few values for every field that a client sees.
    fn somebody() -> impl Strategy<Value = User> {
        let always = |name, values: &'static [&'static str]| select(values).prop_map(move |value| (name, Some(value)));
        let maybe =
            |name, values: &'static [&'static str]| option::of(select(values)).prop_map(move |value| (name, value));
        let fields = (
            always("email", &["ada@example.com", "Ada@example.com", "bob@example.com"]),
            always("email_verified", &["false", "true"]),
            maybe("pending_email", &["next@example.com", "other@example.com"]),
            maybe("username", &["ada", "Ada"]),
            maybe("name", &["Ada", "ada"]),
            maybe("locale", &["de", "en"]),
            always("metadata", &["{}", "{\"plan\":\"pro\"}"]),
            always("password_hash", &HASHES),
            maybe("roles", &["editor", "editor writer"]),
            maybe("permissions", &["articles:write"]),
            (
                maybe("suspended_at", &[TIME, "2026-02-01T00:00:00.000Z"]),
                maybe("suspended_until", &["2027-01-01T00:00:00.000Z"]),
                maybe("suspension_reason", &["spam", "theft"]),
            ),
        );
        fields.prop_map(|(a, b, c, d, e, f, g, h, i, j, (k, l, m))| {
            let given = [a, b, c, d, e, f, g, h, i, j, k, l, m];
            let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let fields = ALWAYS.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value.to_owned()));
            let record = Record { fields: fields.collect(), revision: Revision::random() };
            let found = records::read_user(ID.parse().unwrap(), &record).unwrap();
            let UserRecord::Active(user) = found else { panic!("a user") };
            user
        })
    }

    proptest! {
        #[test]
        fn a_change_of_anything_that_a_client_sees_is_an_event_and_nothing_else_is(
            before in somebody(),
            after in somebody(),
        ) {
            let acts = changes(&before, &after, NOBODY);
            prop_assert_eq!(acts.is_empty(), before == after, "{:?}", acts);
            prop_assert!(changes(&after, &after, NOBODY).is_empty());
        }

        #[test]
        fn a_change_of_one_field_is_an_event(before in somebody(), other in somebody(), field in 0_usize..10) {
            // Every field is named, so that a new one is thought of here.
            let User {
                email, email_verified, pending_email, username, name, locale, metadata, password_hash, grants,
                suspension, id: _, created_at: _, updated_at: _, version: _, session_epoch: _, last_sign_in_at: _,
                fence: _, from_roles: _, admin_op: _, email_op: _, username_op: _, previous_email: _,
            } = other;
            let mut after = before.clone();
            match field {
                0 => after.email = email,
                1 => after.email_verified = email_verified,
                2 => after.pending_email = pending_email,
                3 => after.username = username,
                4 => after.name = name,
                5 => after.locale = locale,
                6 => after.metadata = metadata,
                7 => after.password_hash = password_hash,
                8 => after.grants = grants,
                _ => after.suspension = suspension,
            }
            let acts = changes(&before, &after, NOBODY);
            prop_assert_eq!(acts.is_empty(), before == after, "{:?}", acts);
        }
    }
}
