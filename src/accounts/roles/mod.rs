//! Roles: named sets of permissions. All of them are one record, the role book, which is read in the same round trip as a
//! user: so what a role gives is what it gives at this moment.
//!
//! A user may have a role that is not defined: services that trust this one are told its name, and here it gives nothing.
//! A role that is deleted becomes such a name, for nobody knows who has it without looking at everybody.

mod book;
mod manage;

use std::{collections::BTreeSet, fmt, str::FromStr};

pub(super) use self::book::permissions;
use super::{
    capability::{Capability, capabilities},
    grants::{Permission, Role},
    profile,
};

/// What a role gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleDefinition {
    /// What whoever has it may do.
    pub permissions: BTreeSet<Permission>,
    /// What it is for, for those who run the service.
    pub description: Option<RoleDescription>,
}

/// A role and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedRole {
    /// Its name.
    pub name: Role,
    /// What it gives.
    pub definition: RoleDefinition,
    /// Which of all definitions that this name ever had: what an `ETag` shows. It is random at first, and grows by one.
    pub version: u64,
    /// Whether it is the role `admin`, which nobody defines.
    pub is_built_in: bool,
}

/// What a role is for: 1 to 200 characters, none of which controls what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDescription(String);

/// The text is no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters, something to see among them, and no control character")]
pub struct InvalidRoleDescription;

/// More than all roles may give together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are at most {} roles, which give at most {} different permissions, of {} characters in all, and are written, with \
     their descriptions, in at most {} bytes of JSON",
    book::MAX_ROLES,
    book::MAX_PERMISSIONS,
    book::MAX_CHARACTERS,
    book::MAX_BYTES
)]
pub struct RoleBookFull;

impl RoleDefinition {
    /// What it lets somebody do at Latchkey itself.
    pub(super) fn capabilities(&self) -> BTreeSet<Capability> {
        capabilities(&self.permissions)
    }
}

impl DefinedRole {
    /// The role that is built in. To be an administrator takes [more](super::admins) than its name.
    fn admin() -> Option<Self> {
        let permissions = Capability::ALL.map(|capability| format!("{}{capability}", Capability::PREFIX));
        let definition = RoleDefinition {
            permissions: permissions.iter().filter_map(|permission| permission.parse().ok()).collect(),
            description: "Everything there is to do at Latchkey".parse().ok(),
        };
        Some(Self { name: Role::ADMIN.parse().ok()?, definition, version: 1, is_built_in: true })
    }
}

impl FromStr for RoleDescription {
    type Err = InvalidRoleDescription;

    /// Reads a description, without the space around it.
    fn from_str(text: &str) -> Result<Self, InvalidRoleDescription> {
        let text = text.trim();
        if profile::is_one_line(text, 200) { Ok(Self(text.to_owned())) } else { Err(InvalidRoleDescription) }
    }
}

impl fmt::Display for RoleDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_checked_at_their_bounds() {
        assert_eq!(" writes articles ".parse::<RoleDescription>().unwrap().to_string(), "writes articles");
        assert!("\u{e4}".repeat(200).parse::<RoleDescription>().is_ok());
        for bad in ["", " ", "a\nb", &"a".repeat(201)] {
            assert_eq!(bad.parse::<RoleDescription>(), Err(InvalidRoleDescription), "{bad:?}");
        }
    }

    #[test]
    fn the_role_that_is_built_in_gives_every_capability() {
        let admin = DefinedRole::admin().unwrap();
        assert!(admin.name.is_admin() && admin.definition.description.is_some());
        assert_eq!(admin.definition.capabilities(), Capability::ALL.into());
    }
}
