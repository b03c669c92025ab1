//! Capabilities: what there is to be allowed at Latchkey itself. An API key has some of them as its scopes, and a user by
//! permissions of the same names with `latchkey:` before them, since an application's own `users:read` must open nothing
//! here. Nothing and nobody can do everything without being given each of them.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::grants::Permission;

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Asking whose an access token is, and whether it is good (RFC 7662).
    IntrospectTokens,
    /// Looking at users, their sessions and their events.
    ReadUsers,
    /// Making and changing users, suspending them, ending their sessions, and starting a password reset for them.
    WriteUsers,
    /// Deleting users.
    DeleteUsers,
    /// Importing users.
    ImportUsers,
    /// Looking at roles.
    ReadRoles,
    /// Making, changing and deleting roles, and giving them to users and taking them away.
    WriteRoles,
    /// Looking at the figures of the service.
    ReadStatistics,
}

/// There is no such capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one of these is needed: {}", Capability::ALL.map(Capability::as_str).join(", "))]
pub struct UnknownCapability;

impl Capability {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::IntrospectTokens,
        Self::ReadUsers,
        Self::WriteUsers,
        Self::DeleteUsers,
        Self::ImportUsers,
        Self::ReadRoles,
        Self::WriteRoles,
        Self::ReadStatistics,
    ];

    /// What a permission begins with that is one of these.
    pub const PREFIX: &str = "latchkey:";

    /// The scope of an API key that has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IntrospectTokens => "tokens:introspect",
            Self::ReadUsers => "users:read",
            Self::WriteUsers => "users:write",
            Self::DeleteUsers => "users:delete",
            Self::ImportUsers => "users:import",
            Self::ReadRoles => "roles:read",
            Self::WriteRoles => "roles:write",
            Self::ReadStatistics => "statistics:read",
        }
    }

    /// Which capability a permission of a user is, if it is one.
    #[must_use]
    pub fn of_permission(permission: &str) -> Option<Self> {
        permission.strip_prefix(Self::PREFIX)?.parse().ok()
    }
}

/// Those that are among these permissions.
pub(super) fn capabilities<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> BTreeSet<Capability> {
    permissions.into_iter().filter_map(|permission| Capability::of_permission(permission.as_str())).collect()
}

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, UnknownCapability> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownCapability)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_a_capability_only_with_our_prefix() {
        for capability in Capability::ALL {
            assert_eq!(Capability::of_permission(&format!("latchkey:{capability}")), Some(capability));
            assert_eq!(Capability::of_permission(capability.as_str()), None);
        }
        assert_eq!(Capability::of_permission("latchkey:everything"), None);
    }
}
