//! What goes over the wire about roles.

use std::collections::BTreeSet;

use poem_openapi::{Object, types::ToJSON};
use serde_json::Value;

use crate::{
    accounts::{self, DefinedRole, InvalidGrant, Permission, RoleDescription},
    http::{
        body::Form,
        code::Code,
        field::{FieldProblems, Nullable, Required},
        problem::Problem,
        scalar::OrNull,
    },
};

/// A named set of permissions.
#[derive(Debug, Object)]
#[oai(rename = "Role")]
pub(super) struct RoleView {
    /// The name.
    name: String,
    /// What whoever has it may do, sorted.
    permissions: Vec<String>,
    /// What it is for.
    description: OrNull<String>,
    /// Whether it is the role `admin`, which nobody defines or deletes.
    built_in: bool,
}

/// Every role.
#[derive(Debug, Object)]
pub(super) struct RoleList {
    /// The roles, by name.
    items: Vec<RoleView>,
    /// Where the next page begins. There is none: all roles are here.
    next_cursor: OrNull<String>,
}

impl RoleList {
    pub(super) fn of(roles: &[DefinedRole]) -> Self {
        Self { items: roles.iter().map(RoleView::from).collect(), next_cursor: OrNull(None) }
    }
}

impl From<&DefinedRole> for RoleView {
    fn from(role: &DefinedRole) -> Self {
        Self {
            name: role.name.to_string(),
            permissions: role.definition.permissions.iter().map(ToString::to_string).collect(),
            description: OrNull(role.definition.description.as_ref().map(ToString::to_string)),
            built_in: role.is_built_in,
        }
    }
}

/// A role as JSON, as the API shows it.
pub(in crate::http) fn role_json(role: &DefinedRole) -> Value {
    RoleView::from(role).to_json().unwrap_or_default()
}

/// All roles as JSON, as the API shows them.
pub(in crate::http) fn roles_json(roles: &[DefinedRole]) -> Value {
    RoleList::of(roles).to_json().unwrap_or_default()
}

/// What a role is to give.
#[derive(Debug, Object)]
pub(super) struct RoleDefinition {
    /// What whoever has it may do: at most 128 words of 1 to 64 characters of `a-z 0-9 _ . : -`, the first of them a letter.
    /// Those that begin with `latchkey:` are about Latchkey itself.
    permissions: Required<BTreeSet<Permission>>,
    /// What it is for.
    description: Nullable<RoleDescription>,
}

impl Form for RoleDefinition {
    type Parsed = accounts::RoleDefinition;

    fn parse(self, problems: &mut FieldProblems) -> Option<accounts::RoleDefinition> {
        let permissions = problems.take("permissions", self.permissions.0);
        let description = problems.take("description", self.description.0);
        Some(accounts::RoleDefinition { permissions: permissions?, description: description?.set() })
    }
}

/// A name in the path that no role can have.
pub(super) fn invalid_name(wrong: InvalidGrant) -> Problem {
    Problem::new(Code::InvalidParameter).with_detail(format!("The name of a role is wrong: {wrong}."))
}
