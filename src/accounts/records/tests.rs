//! Records that somebody else has written: whatever is in them, reading one fails or gives what is written back the same.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    accounts::{
        confirmations::record as confirmation,
        outbox::{Entry, entry},
    },
    store::Revision,
};

const DIGEST: &str = "K6ZZlrvwVOvcKiYPT9GsgMukRogBJLY2OnRzQ7SOZiQ";
const ID: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";
const OPERATION: &str = "AAECAwQFBgcICQoLDA0ODw";
const TIME: &str = "2026-01-31T09:30:00.000Z";

const USER: [(&str, &str); 26] = [
    ("state", "active"),
    ("email", "Ada@example.com"),
    ("email_verified", "false"),
    ("email_op", OPERATION),
    ("pending_email", "ada@example.net"),
    ("previous_email", "ada@example.org"),
    ("previous_email_op", OPERATION),
    ("previous_email_until", TIME),
    ("username", "ada"),
    ("username_op", OPERATION),
    ("name", "Ada"),
    ("locale", "de-CH"),
    ("metadata", "{\"plan\":\"pro\"}"),
    ("roles", "admin editor"),
    ("permissions", "articles:write"),
    ("password_setting", "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA"),
    ("password_hash", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("version", "1"),
    ("session_epoch", "2"),
    ("fence", "3"),
    ("created_at", TIME),
    ("updated_at", TIME),
    ("last_sign_in_at", TIME),
    ("suspended_at", TIME),
    ("suspended_until", TIME),
    ("suspension_reason", "spam"),
];

const SESSION: [(&str, &str); 12] = [
    ("family_digest", DIGEST),
    ("refresh_digest", DIGEST),
    ("former_digest_1", DIGEST),
    ("former_salt_1", DIGEST),
    ("former_at_1", TIME),
    ("epoch", "2"),
    ("created_at", TIME),
    ("last_used_at", TIME),
    ("expires_at", TIME),
    ("authenticated_at", TIME),
    ("user_agent", "curl/8"),
    ("address", "::1"),
];

const CLAIM: [(&str, &str); 4] = [("user", ID), ("fence", "1"), ("op", OPERATION), ("at", TIME)];
const IDEMPOTENCY: [(&str, &str); 4] = [("user", ID), ("op", OPERATION), ("request", DIGEST), ("expires_at", TIME)];
const API_KEY: [(&str, &str); 5] = [
    ("digest", DIGEST),
    ("name", "a service"),
    ("scopes", "tokens:introspect"),
    ("created_at", TIME),
    ("expires_at", TIME),
];
const MAIL: [(&str, &str); 9] = [
    ("kind", "password_reset"),
    ("to", "Ada@example.com"),
    ("user", ID),
    ("languages", "de-CH de"),
    ("created_at", TIME),
    ("due_at", TIME),
    ("attempts", "3"),
    ("last_error", "127.0.0.1:25 refused the recipient: 451 4.7.1"),
    ("dead_at", TIME),
];
const CONFIRMATION: [(&str, &str); 7] = [
    ("email", "Ada@example.com"),
    ("digest", DIGEST),
    ("expires_at", TIME),
    ("code_salt", OPERATION),
    ("code_digest", DIGEST),
    ("code_tries", "2"),
    ("code_expires_at", TIME),
];
const META: [(&str, &str); 2] = [("buckets", "64"), ("schema", "1")];

/// A change of one field: its number, and what comes in its place, if anything.
type Edit = (prop::sample::Index, Option<String>);

fn record(fields: &[(&str, &str)], edits: &[Edit]) -> Record {
    let mut edited = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Fields>();
    for (index, value) in edits {
        let name = index.get(fields).0.to_owned();
        match value {
            Some(value) => edited.insert(name, value.clone()),
            None => edited.remove(&name),
        };
    }
    Record { fields: edited, revision: Revision::random() }
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let all = [USER.as_slice(), &SESSION, &CLAIM, &IDEMPOTENCY, &API_KEY, &MAIL, &CONFIRMATION, &META].concat();
    let strange = [
        "",
        " ",
        "-1",
        "+1",
        "01",
        "18446744073709551615",
        "18446744073709551616",
        "deleted",
        "fenced",
        "9999-12-31T23:59:59.999Z",
        "-009999-01-01T00:00:00Z",
        "2026-01-31T09:30:00+24:00",
        "{\"a\":1e400}",
        "[]",
        "127.0.0.1:80",
        "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=1,p=1$",
    ];
    let value = prop_oneof![
        prop::sample::select(all).prop_map(|(_, value)| value.to_owned()),
        prop::sample::select(strange.to_vec()).prop_map(str::to_owned),
        "\\PC{0,20}",
        "[0-9TZ:.-]{0,24}",
    ];
    vec((any::<prop::sample::Index>(), prop::option::weighted(0.8, value)), 0..4)
}

/// What was read is written back, and read again as the same.
fn holds<T>(record: &Record, read: impl Fn(&Record) -> Result<T, Error>, write: impl Fn(&T) -> Fields) {
    let Ok(value) = read(record) else { return };
    let written = write(&value);
    let again = Record { fields: written.clone(), revision: record.revision };
    let again = read(&again).unwrap_or_else(|e| panic!("{written:?} cannot be read back: {e}"));
    assert_eq!(write(&again), written);
}

fn user(record: &Record) -> Result<UserRecord, Error> {
    read_user(ID.parse().unwrap(), record)
}

fn session(record: &Record) -> Result<Session, Error> {
    read_session(ID.parse().unwrap(), record)
}

fn api_key(record: &Record) -> Result<ApiKey, Error> {
    read_api_key(ID.parse().unwrap(), record)
}

fn mail(record: &Record) -> Result<Entry, Error> {
    entry::read(ID.parse().unwrap(), record)
}

fn write_any_user(user: &UserRecord) -> Fields {
    match user {
        UserRecord::Active(user) => write_user(user),
        UserRecord::Tombstone(tombstone) => write_tombstone(*tombstone, Timestamp::from_millis(0)),
    }
}

#[test]
fn what_is_whole_is_read() {
    assert_eq!(write_any_user(&user(&record(&USER, &[])).unwrap()), record(&USER, &[]).fields);
    assert_eq!(write_session(&session(&record(&SESSION, &[])).unwrap()), record(&SESSION, &[]).fields);
    assert_eq!(write_claim(&read_claim(&record(&CLAIM, &[])).unwrap()), record(&CLAIM, &[]).fields);
    let idempotency = read_idempotency(&record(&IDEMPOTENCY, &[])).unwrap();
    assert_eq!(write_idempotency(&idempotency), record(&IDEMPOTENCY, &[]).fields);
    assert_eq!(write_api_key(&api_key(&record(&API_KEY, &[])).unwrap()), record(&API_KEY, &[]).fields);
    assert_eq!(entry::write(&mail(&record(&MAIL, &[])).unwrap()), record(&MAIL, &[]).fields);
    let written = confirmation::write(&confirmation::read(&record(&CONFIRMATION, &[])).unwrap());
    assert_eq!(written, record(&CONFIRMATION, &[]).fields);
    assert_eq!(read_meta(&record(&META, &[])).unwrap(), (64, 1));
}

#[test]
fn what_is_left_of_a_user_is_read_as_it_was_written() {
    for left in [Tombstone::Deleted, Tombstone::Fenced] {
        let written = Record { fields: write_tombstone(left, Timestamp::from_millis(0)), revision: Revision::random() };
        assert!(matches!(user(&written), Ok(UserRecord::Tombstone(read)) if read == left), "{written:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_in_a_record_it_is_refused_or_written_back_the_same(edits in edits()) {
        holds(&record(&USER, &edits), user, write_any_user);
        holds(&record(&SESSION, &edits), session, write_session);
        holds(&record(&CLAIM, &edits), read_claim, write_claim);
        holds(&record(&IDEMPOTENCY, &edits), read_idempotency, write_idempotency);
        holds(&record(&API_KEY, &edits), api_key, write_api_key);
        holds(&record(&MAIL, &edits), mail, entry::write);
        holds(&record(&CONFIRMATION, &edits), confirmation::read, confirmation::write);
        holds(&record(&META, &edits), read_meta, |(buckets, schema)| write_meta(*buckets, *schema));
    }

    #[test]
    fn one_kind_of_record_is_no_panic_in_place_of_another(edits in edits()) {
        for fields in [USER.as_slice(), &SESSION, &CLAIM, &IDEMPOTENCY, &API_KEY, &MAIL, &CONFIRMATION, &META] {
            let record = record(fields, &edits);
            let _ = (user(&record), session(&record), read_claim(&record));
            let _ = (read_idempotency(&record), api_key(&record), read_meta(&record));
            let _ = (mail(&record), confirmation::read(&record));
        }
    }
}
