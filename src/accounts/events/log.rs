//! Which log of a month an event goes to, so that what anybody can repeat at will pushes out only its like.

use std::{fmt, str::FromStr};

use super::EventKind;

/// One of the logs that a person has for each month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::accounts) enum Log {
    /// What protects the account, and what somebody who runs the service did.
    Events,
    /// The beginnings and ends of sessions: each of them takes the password once.
    SignIns,
    /// What whoever has a session can do as often as they like, without the password.
    Changes,
    /// What was tried and failed: it takes nothing at all.
    Failures,
}

impl Log {
    pub(in crate::accounts) const ALL: [Self; 4] = [Self::Events, Self::SignIns, Self::Changes, Self::Failures];

    /// Its part of the key.
    fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::SignIns => "sign-ins",
            Self::Changes => "changes",
            Self::Failures => "failures",
        }
    }

    /// The most events of a month that are kept in it.
    pub(super) fn most(self) -> u32 {
        match self {
            Self::Events | Self::SignIns | Self::Changes => 1_000,
            Self::Failures => 100,
        }
    }
}

impl EventKind {
    /// Where events of this kind are kept.
    pub(super) fn log(self) -> Log {
        match self {
            Self::SignedIn | Self::SignedOut | Self::SessionEnded | Self::Reauthenticated => Log::SignIns,
            Self::UserUpdated | Self::SessionsEnded => Log::Changes,
            Self::SignInFailed | Self::ReauthenticationFailed => Log::Failures,
            Self::Registered
            | Self::Imported
            | Self::EmailChangeRequested
            | Self::EmailChanged
            | Self::EmailVerified
            | Self::EmailChangeUndone
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::RefreshTokenReused
            | Self::PasswordResetStarted
            | Self::Suspended
            | Self::Unsuspended
            | Self::RolesChanged
            | Self::PermissionsChanged
            | Self::RoleDefined
            | Self::RoleDeleted
            | Self::ApiKeyCreated
            | Self::ApiKeyRevoked => Log::Events,
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such log.
#[derive(Debug)]
pub(in crate::accounts) struct UnknownLog;

impl FromStr for Log {
    type Err = UnknownLog;

    fn from_str(name: &str) -> Result<Self, UnknownLog> {
        Self::ALL.into_iter().find(|log| log.as_str() == name).ok_or(UnknownLog)
    }
}
