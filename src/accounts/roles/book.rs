//! The role book: how roles are written into one record, and what of it is read for a user.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DefinedRole, RoleBookFull, RoleDefinition};
use crate::{
    accounts::{
        error::Error,
        grants::{Permission, Role},
    },
    store::{Fields, Record},
};

/// How many roles there are at most.
pub(super) const MAX_ROLES: usize = 200;
/// How many permissions they give in all, counting each once.
pub(super) const MAX_PERMISSIONS: usize = 128;
/// How long these are in all: whoever has every role has a token that is not too long.
pub(super) const MAX_CHARACTERS: usize = 2000;
/// How long the record is at most, in bytes of JSON: it is read with every request.
pub(super) const MAX_BYTES: usize = 32_768;

/// A role in its field: JSON.
#[derive(Deserialize, Serialize)]
struct Written {
    permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    version: u64,
}

/// All roles that are defined, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleBook(pub(super) BTreeMap<Role, DefinedRole>);

impl RoleBook {
    /// Reads all of it.
    pub(super) fn read(record: Option<&Record>) -> Result<Self, Error> {
        let mut book = Self::default();
        for (name, written) in record.iter().flat_map(|record| &record.fields) {
            let name = name.parse::<Role>().map_err(|_| corrupt(name))?;
            book.0.insert(name.clone(), read(&name, written)?);
        }
        Ok(book)
    }

    /// The record of all of it.
    ///
    /// # Errors
    /// [`RoleBookFull`] when it is over a bound.
    pub(super) fn write(&self) -> Result<Fields, RoleBookFull> {
        let (mut all, mut fields) = (BTreeSet::new(), Fields::new());
        for (name, role) in &self.0 {
            all.extend(&role.definition.permissions);
            fields.insert(name.to_string(), write(role));
        }
        let characters = all.iter().map(|permission| permission.as_str().len()).sum::<usize>();
        let bytes = fields.iter().map(|(name, written)| name.len() + written.len()).sum::<usize>();
        let is_full = self.0.len() > MAX_ROLES || all.len() > MAX_PERMISSIONS || characters > MAX_CHARACTERS;
        if is_full || bytes > MAX_BYTES { Err(RoleBookFull) } else { Ok(fields) }
    }
}

/// What these roles give, by the record of all roles. Only these are looked at.
///
/// # Errors
/// [`Error::Corrupt`] when one of them cannot be read.
pub(in crate::accounts) fn permissions(
    book: Option<&Record>,
    roles: &BTreeSet<Role>,
) -> Result<BTreeSet<Permission>, Error> {
    let mut all = BTreeSet::new();
    for role in roles {
        if let Some(written) = book.and_then(|record| record.fields.get(role.as_str())) {
            all.append(&mut read(role, written)?.definition.permissions);
        }
    }
    Ok(all)
}

fn write(role: &DefinedRole) -> String {
    let RoleDefinition { permissions, description } = &role.definition;
    let permissions = permissions.iter().map(ToString::to_string).collect();
    let written =
        Written { permissions, description: description.as_ref().map(ToString::to_string), version: role.version };
    serde_json::to_string(&written).unwrap_or_default()
}

fn read(name: &Role, written: &str) -> Result<DefinedRole, Error> {
    let wrong = || corrupt(name.as_str());
    let Written { permissions, description, version } = serde_json::from_str(written).map_err(|_| wrong())?;
    let permissions = permissions.iter().map(|permission| permission.parse().map_err(|_| wrong()));
    let description = description.map(|text| text.parse().map_err(|_| wrong())).transpose()?;
    let definition = RoleDefinition { permissions: permissions.collect::<Result<_, _>>()?, description };
    Ok(DefinedRole { name: name.clone(), definition, version, is_built_in: false })
}

fn corrupt(name: &str) -> Error {
    Error::Corrupt(format!("the role `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revision;

    fn defined(name: &str, permissions: impl IntoIterator<Item = String>) -> (Role, DefinedRole) {
        let name = name.parse::<Role>().unwrap();
        let permissions = permissions.into_iter().map(|permission| permission.parse().unwrap()).collect();
        let definition = RoleDefinition { permissions, description: "Writes".parse().ok() };
        (name.clone(), DefinedRole { name, definition, version: 3, is_built_in: false })
    }

    fn words(count: usize, length: usize) -> impl Iterator<Item = String> {
        (0..count).map(move |n| format!("w{n:0width$}", width = length - 1))
    }

    #[test]
    fn a_book_is_read_back_and_a_user_gets_what_their_roles_give() {
        let editor = defined("editor", ["articles:write".to_owned(), "articles:read".to_owned()]);
        let book = RoleBook(BTreeMap::from([editor, defined("empty", [])]));
        let record = Record { fields: book.write().unwrap(), revision: Revision::random() };
        assert_eq!(RoleBook::read(Some(&record)).unwrap().0, book.0);
        let roles = ["editor", "empty", "unknown"].map(|role| role.parse().unwrap()).into();
        let given = permissions(Some(&record), &roles).unwrap();
        assert_eq!(given.iter().map(Permission::as_str).collect::<Vec<_>>(), ["articles:read", "articles:write"]);
        assert!(permissions(None, &roles).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_read_harms_only_those_who_have_it() {
        let fields = Fields::from([("editor".to_owned(), "?".to_owned()), ("Bad".to_owned(), "{}".to_owned())]);
        let record = Record { fields, revision: Revision::random() };
        assert!(permissions(Some(&record), &["editor".parse().unwrap()].into()).is_err());
        assert!(permissions(Some(&record), &["other".parse().unwrap()].into()).unwrap().is_empty());
        assert!(RoleBook::read(Some(&record)).is_err());
    }

    #[test]
    fn each_permission_counts_once_at_the_bounds_of_a_book() {
        let fits = |roles: Vec<(Role, DefinedRole)>| RoleBook(roles.into_iter().collect()).write().is_ok();
        assert!(fits(vec![defined("a", words(100, 20)), defined("b", words(100, 20))]));
        assert!(!fits(vec![defined("a", words(100, 20)), defined("b", ["x".to_owned()])]));
        assert!(fits(vec![defined("a", words(128, 5))]) && !fits(vec![defined("a", words(129, 5))]));
        let roles = |count: usize| (0..count).map(|n| defined(&format!("r{n}"), [])).collect();
        assert!(fits(roles(200)) && !fits(roles(201)));
    }

    #[test]
    fn a_book_is_as_long_as_a_record_that_is_read_often_may_be() {
        // With a description of so many characters, the last of them.
        let book = |roles: usize, characters: usize| {
            let mut book = RoleBook((0..roles).map(|n| defined(&format!("r{n:02}"), words(128, 10))).collect());
            let description = "x".repeat(characters).parse().unwrap();
            book.0.values_mut().next_back().unwrap().definition.description = Some(description);
            book
        };
        let length = |book: RoleBook| book.write().unwrap().iter().map(|(name, text)| name.len() + text.len()).sum();
        let short: usize = length(book(19, 1));
        let rest = MAX_BYTES - short;
        assert!(rest < 200, "{rest} bytes are left");
        assert_eq!(length(book(19, 1 + rest)), MAX_BYTES);
        assert!(book(19, 2 + rest).write().is_err());
    }
}
