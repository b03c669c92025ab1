//! The line format: what is written is read back as it was, and whatever is read never panics and quotes nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{fault::LineProblem, form, outcome::ImportConflict};
use crate::accounts::{
    Grants, Timestamp,
    random::Random,
    suspension::Suspension,
    transfer::form::Form,
    user::{User, UserId},
};

const HASH: &str = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

fn read(line: &str) -> Result<Form, LineProblem> {
    Form::read(line.as_bytes(), now())
}

fn user(form: &Form) -> User {
    form.to_user(now(), Random, || HASH.parse().unwrap())
}

/// The codes of what is wrong, by field.
fn faults(line: &Value) -> Vec<(String, &'static str)> {
    let Err(LineProblem::Fields(faults)) = read(&line.to_string()) else { panic!("{line}") };
    faults.into_iter().map(|fault| (fault.field, fault.kind.as_str())).collect()
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..=now().as_millis()).prop_map(Timestamp::from_millis)
}

fn suspension() -> impl Strategy<Value = Suspension> {
    let until = prop::option::of((0..4_000_000_000_000_i64).prop_map(Timestamp::from_millis));
    let reason = prop::option::of("[a-zäß]{1,20}").prop_map(|text| text.map(|text| text.parse().unwrap()));
    (moment(), until, reason).prop_map(|(since, until, reason)| Suspension { since, until, reason })
}

fn metadata() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,9}\u{0}?\n?".prop_map(Value::from),
        prop::collection::vec(any::<u64>(), 0..3).prop_map(Value::from),
    ];
    prop::collection::btree_map("\\PC{0,5}", value, 0..5).prop_map(|members| members.into_iter().collect())
}

fn grants() -> impl Strategy<Value = Grants> {
    let words = || prop::collection::btree_set("[a-z][a-z:]{0,5}", 0..4);
    (words(), words()).prop_map(|(roles, permissions)| {
        let roles = roles.iter().map(|word| word.parse().unwrap()).collect::<BTreeSet<_>>();
        Grants::new(roles, permissions.iter().map(|word| word.parse().unwrap()).collect()).unwrap()
    })
}

prop_compose! {
    fn anybody()(
        id in any::<[u8; 16]>(),
        email in "[A-Za-zäé]{1,9}@[a-z]{1,9}\\.example",
        email_verified: bool,
        username in prop::option::of("[A-Za-z][A-Za-z0-9_.-]{2,9}"),
        name in prop::option::of("[A-Zäß\u{1f511}]{1,9}"),
        locale in prop::option::of("[a-z]{2}(-[A-Z]{2})?"),
        metadata in metadata(),
        grants in grants(),
        times in (moment(), moment(), prop::option::of(moment())),
        suspension in prop::option::of(suspension()),
    ) -> User {
        let line = json!({
            "email": email, "email_verified": email_verified, "username": username, "name": name, "locale": locale,
            "metadata": metadata, "password_hash": HASH,
        });
        let (created_at, updated_at, last_sign_in_at) = times;
        let user = user(&read(&line.to_string()).unwrap());
        User { id: UserId::from_bytes(id), grants, created_at, updated_at, last_sign_in_at, suspension, ..user }
    }
}

proptest! {
    #[test]
    fn a_user_is_read_back_as_they_were_written(user in anybody()) {
        prop_assume!(user.id != UserId::NIL);
        let line = form::write(&user);
        prop_assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
        let form = read(&line).unwrap();
        prop_assert!(form.is_said_of(&user));
        let again = self::user(&form);
        let (email_op, username_op) = (again.email_op, again.username_op);
        prop_assert_eq!(form::write(&again), line);
        prop_assert_eq!(&again, &User { email_op, username_op, ..user });
        prop_assert_eq!(again, self::user(&form), "a line with an id is the same operation in every run");
    }

    #[test]
    fn reading_never_panics(line in prop::collection::vec(any::<u8>(), 0..60), text in "\\PC{0,40}") {
        let _ = Form::read(&line, now());
        for field in ["id", "email", "created_at", "password_hash", "metadata", "suspended", "roles"] {
            let _ = read(&json!({"email": "ada@example.com", field: text}).to_string());
        }
    }
}

#[test]
fn everything_that_is_wrong_with_a_line_is_told() {
    let line = json!({
        "id": "6ba7b8109dad11d180b400c04fd430c8", "email_verified": "yes", "username": "9", "name": "\n", "locale": "de_CH",
        "metadata": [], "roles": ["Admin"], "permissions": "all", "created_at": "1969-12-31T23:59:59Z",
        "updated_at": "2200-01-01T00:00:00Z", "last_sign_in_at": 1, "suspended": {"since": "now", "by": "me"},
        "password_hash": "hunter2", "phone": "+1",
    });
    let expected = [
        ("id", "invalid"),
        ("email", "required"),
        ("email_verified", "wrong_type"),
        ("username", "invalid"),
        ("name", "invalid"),
        ("locale", "invalid"),
        ("metadata", "wrong_type"),
        ("roles", "invalid"),
        ("permissions", "wrong_type"),
        ("created_at", "invalid"),
        ("updated_at", "invalid"),
        ("last_sign_in_at", "wrong_type"),
        ("suspended.since", "invalid"),
        ("suspended.by", "unknown"),
        ("password_hash", "invalid"),
        ("phone", "unknown"),
    ];
    assert_eq!(faults(&line), expected.map(|(field, code)| (field.to_owned(), code)));
    let told = read(&line.to_string()).unwrap_err().to_string();
    assert!(!told.contains("hunter2") && !told.contains("1969"), "{told}");
}

#[test]
fn what_is_null_is_as_if_it_were_not_there() {
    let line = json!({"email": "ada@example.com", "id": null, "name": null, "metadata": null, "suspended": null});
    assert_eq!(read(&line.to_string()).unwrap(), read(r#"{"email": "ada@example.com"}"#).unwrap());
    assert_eq!(faults(&json!({"email": null})), [("email".to_owned(), "required")]);
}

#[test]
fn sizes_and_ids_are_bounded() {
    let with = |field: &str, value: Value| json!({"email": "ada@example.com", field: value});
    let nil = UserId::NIL.to_string();
    for (field, value, code) in [
        ("id", json!(nil), "invalid"),
        ("metadata", json!({"a": "x".repeat(4096)}), "too_long"),
        ("roles", json!((0..33).map(|n| format!("r{n}")).collect::<Vec<_>>()), "too_long"),
        (
            "password_hash",
            json!(format!("pbkdf2_sha256${}1$salt$AAAAAAAAAAAAAAAAAAAAAA==", "0".repeat(500))),
            "too_long",
        ),
    ] {
        assert_eq!(faults(&with(field, value)), [(field.to_owned(), code)]);
    }
    for id in ["00000000-0000-0000-0000-000000000001", "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF"] {
        let form = read(&with("id", json!(id)).to_string()).unwrap();
        assert_eq!(user(&form).id.to_string(), id.to_lowercase());
    }
    for bad in ["", "[]", "null", "1", "{", "{}{}", "\u{0}", "{\"email\": \"\u{1}\"}"] {
        assert!(matches!(read(bad), Err(LineProblem::Malformed(_))), "{bad:?}");
    }
    for twice in [r#"{"email": "a@b.example", "email": "c@d.example"}"#, r#"{"metadata": {"a": 1, "a": 1}}"#] {
        assert!(matches!(read(twice), Err(LineProblem::Repeats(_))), "{twice}");
    }
}

#[test]
fn a_line_that_is_no_user_is_told_what_is_wrong_with_it() {
    for (line, told) in [
        ("[1]", "is not a JSON object, at column 1"),
        (r#"{"name": 1, "name": 2}"#, "has a field twice, at column 18"),
        (
            r#"{"email": "ada@example.com", "Name\n": 1, "suspended": {"since": 1}}"#,
            r"`suspended.since` must be a string; `Name\n` is not a field of a user",
        ),
    ] {
        assert_eq!(read(line).map(|_| ()).unwrap_err().to_string(), told, "{line}");
    }
    assert_eq!(LineProblem::TooLong.to_string(), "has more than 65536 bytes");
}

#[test]
fn a_line_of_somebody_who_is_there_is_told_what_others_have() {
    for (conflict, told) in [
        (ImportConflict::EmailTaken, "another user has the email address, or this one with other data"),
        (ImportConflict::UsernameTaken, "another user has the username"),
        (ImportConflict::IdTaken, "the id belongs to a user with another address, or to one who was just deleted"),
    ] {
        assert_eq!(conflict.to_string(), told);
    }
}
