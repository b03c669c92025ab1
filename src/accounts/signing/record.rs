//! The ring as a record that a person can read: five fields for each key, `<kid>.algorithm` and so on.

use std::{collections::BTreeMap, str::FromStr};

use jiff::SignedDuration;

use super::{
    jws::is_kid,
    ring::{Key, Ring},
    sealing::StoredKey,
};
use crate::{
    accounts::error::Error,
    store::{Fields, Record},
};

pub(super) fn write(ring: &Ring<StoredKey>) -> Fields {
    let mut fields = Fields::new();
    for key in ring.keys() {
        let lifetime = SignedDuration::try_from(key.token_lifetime).unwrap_or(SignedDuration::MAX);
        for (name, value) in [
            ("algorithm", key.algorithm.to_string()),
            ("created_at", key.created_at.to_string()),
            ("signs_from", key.signs_from.to_string()),
            ("token_lifetime", format!("{lifetime:#}")),
            ("private_key", key.private.to_text()),
        ] {
            fields.insert(format!("{}.{name}", key.kid), value);
        }
    }
    fields
}

/// Looks whether a record can be read as a ring.
pub(in crate::accounts) fn check(record: &Record) -> Result<(), Error> {
    read(record).map(|_| ())
}

pub(super) fn read(record: &Record) -> Result<Ring<StoredKey>, Error> {
    let mut keys = BTreeMap::<&str, BTreeMap<&str, &str>>::new();
    for (name, value) in &record.fields {
        let (kid, field) = name.split_once('.').filter(|(kid, _)| is_kid(kid)).ok_or_else(|| unreadable(name))?;
        keys.entry(kid).or_default().insert(field, value);
    }
    let keys = keys.into_iter().map(|(kid, fields)| read_key(kid, &fields)).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(Error::Corrupt("no signing key".to_owned())) } else { Ok(Ring::new(keys)) }
}

fn read_key(kid: &str, fields: &BTreeMap<&str, &str>) -> Result<Key<StoredKey>, Error> {
    fn field<T>(
        kid: &str,
        fields: &BTreeMap<&str, &str>,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        fields.get(name).and_then(|text| parse(text)).ok_or_else(|| unreadable(&format!("{kid}.{name}")))
    }
    Ok(Key {
        kid: kid.to_owned(),
        algorithm: field(kid, fields, "algorithm", parsed)?,
        created_at: field(kid, fields, "created_at", parsed)?,
        signs_from: field(kid, fields, "signs_from", parsed)?,
        token_lifetime: field(kid, fields, "token_lifetime", |text| parsed::<SignedDuration>(text)?.try_into().ok())?,
        private: field(kid, fields, "private_key", StoredKey::parse)?,
    })
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn unreadable(field: &str) -> Error {
    Error::Corrupt(format!("the field `{field}` of the signing keys"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};

    use super::*;
    use crate::store::Revision;

    proptest! {
        #[test]
        fn reading_never_panics(
            fields in btree_map(
                "[A-Za-z0-9_-]{1,3}\\.(algorithm|created_at|signs_from|token_lifetime|private_key)|\\PC{0,9}",
                "EdDSA|ES256|2026-01-31T09:30:00Z|PT10M|P1Y|-PT1S|(plain|sealed):[A-Za-z0-9_-]{0,60}|\\PC{0,20}",
                0..8,
            ),
        ) {
            let _ = read(&Record { fields, revision: Revision::random() });
        }
    }
}
