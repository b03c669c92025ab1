//! The kinds of events. Their names are stored and shown, so none of them ever changes.

use std::{fmt, str::FromStr};

/// Makes the kinds out of a table: variant, name, and what happened.
macro_rules! kinds {
    ($($kind:ident $name:literal $meaning:literal;)*) => {
        /// What kind of thing has happened: to an account, or to roles and API keys.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventKind {
            $(#[doc = $meaning] $kind,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The stable name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What has happened, in a sentence, with the `details` that say more.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }
        }
    };
}

kinds! {
    Registered "registered" "The account was made.";
    Imported "imported" "The account was brought over from another service.";
    UserUpdated "user_updated" "Something in the account was changed: the names of the fields are in `fields`.";
    EmailChangeRequested "email_change_requested" "Another address is wanted, and was sent a letter to confirm it.";
    EmailChanged "email_changed" "The account has another address.";
    EmailVerified "email_verified" "The address was shown to be the person's.";
    EmailChangeUndone "email_change_undone" "The account has its former address back. Every session has ended, and the password is good no more.";
    PasswordChanged "password_changed" "The password was changed, and every other session has ended.";
    PasswordReset "password_reset" "A new password was set by a letter, and every session has ended.";
    SignedIn "signed_in" "A session has begun.";
    SignInFailed "sign_in_failed" "Somebody did not get in: with a wrong password, or while the account may not be signed in to.";
    SignedOut "signed_out" "A session was ended by whoever had its token.";
    SessionEnded "session_ended" "The session in `session_id` was ended from elsewhere.";
    SessionsEnded "sessions_ended" "All sessions were ended, or all others: `scope` says which.";
    RefreshTokenReused "refresh_token_reused" "A refresh token came a second time, so somebody else may have it: the session in `session_id` has ended.";
    Reauthenticated "reauthenticated" "The password was given again.";
    ReauthenticationFailed "reauthentication_failed" "The password was to be given again, and was wrong.";
    PasswordResetStarted "password_reset_started" "Somebody who runs the service had a letter sent to set a new password.";
    Suspended "suspended" "The account was suspended, and every session has ended. `until` says when that is over, unless it is null.";
    Unsuspended "unsuspended" "The account may be signed in to again.";
    RolesChanged "roles_changed" "Roles were given (`added`) or taken away (`removed`).";
    PermissionsChanged "permissions_changed" "Permissions were given (`added`) or taken away (`removed`).";
    RoleDefined "role_defined" "The role in `role` was defined, anew or again: `added` are permissions that it gives since, `removed` those that it gives no more. With neither, its description was changed.";
    RoleDeleted "role_deleted" "The role in `role` was deleted, which gave the permissions in `removed`.";
    ApiKeyCreated "api_key_created" "The API key in `api_key_id` was made, with the scopes in `added`.";
    ApiKeyRevoked "api_key_revoked" "The API key in `api_key_id` was revoked, which had the scopes in `removed`.";
}

/// There is no such kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such kind of event")]
pub struct UnknownEventKind;

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(name: &str) -> Result<Self, UnknownEventKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name).ok_or(UnknownEventKind)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
