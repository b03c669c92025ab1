//! What can go wrong in a use case. Each variant is a fact; what a client is told of it is decided in `http`.

use std::time::Duration;

use super::{
    capability::Capability, grants::TooManyGrants, password::UnfitPassword, roles::RoleBookFull, throttle::Throttled,
};
use crate::store::{CommitError, ReadError, Unavailable};

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another account has this email address.
    #[error("the email address is taken")]
    EmailTaken,
    /// Another account has this username.
    #[error("the username is taken")]
    UsernameTaken,
    /// There is no such account, or this is not its password.
    #[error("unknown login or wrong password")]
    InvalidCredentials,
    /// The token is malformed, unknown, expired, or its session has ended.
    #[error("the access token does not stand for a session")]
    TokenInvalid,
    /// The token stood for a session, and its time is over.
    #[error("the access token has expired")]
    TokenExpired,
    /// The password is right, and the address of the account has to be confirmed first.
    #[error("the email address has not been confirmed")]
    EmailNotVerified,
    /// What was mailed to be confirmed is wrong, used, too old, or meant for something else.
    #[error("the link or the code confirms nothing")]
    ConfirmationInvalid,
    /// The refresh token is malformed, unknown, or its session has ended.
    #[error("the refresh token does not stand for a session")]
    RefreshTokenInvalid,
    /// The refresh token was used before. Its session has ended now, since it is in more hands than one.
    #[error("the refresh token was used before")]
    RefreshTokenReused,
    /// The API key is malformed, unknown, expired or revoked.
    #[error("the API key is not good")]
    ApiKeyInvalid,
    /// The API key is good for something else.
    #[error("the API key has not the scope `{0}`")]
    InsufficientScope(Capability),
    /// The user who is signed in may not do this.
    #[error("the user has not the permission `{prefix}{0}`", prefix = Capability::PREFIX)]
    PermissionDenied(Capability),
    /// Only an administrator or the operator may do this.
    #[error("only an administrator gives the role `admin`, or acts on somebody who has it")]
    AdminNeeded,
    /// Somebody would go, and no administrator would be left who can sign in.
    #[error("nobody else is an administrator who can sign in")]
    LastAdmin,
    /// Nobody becomes an administrator who may not sign in.
    #[error("the user is suspended")]
    UserSuspended,
    /// There are as many administrators as there may be.
    #[error("there are too many administrators")]
    TooManyAdmins,
    /// A user would have more roles or permissions than they may.
    #[error(transparent)]
    TooManyGrants(#[from] TooManyGrants),
    /// There is no such role.
    #[error("no such role")]
    RoleNotFound,
    /// The role is built in: nobody defines or deletes it.
    #[error("the role is built in")]
    RoleBuiltIn,
    /// All roles together would give more than they may.
    #[error(transparent)]
    RoleBookFull(#[from] RoleBookFull),
    /// The session's password check was too long ago.
    #[error("the password was not given recently")]
    ReauthenticationRequired,
    /// The current password, given to change something, is wrong.
    #[error("the current password is wrong")]
    CurrentPasswordIncorrect,
    /// The person has no such session.
    #[error("no such session")]
    SessionNotFound,
    /// It is the account of the very user who acts.
    #[error("it is the own account")]
    OwnAccount,
    /// There is no such user.
    #[error("there is no user with this login or id")]
    UserNotFound,
    /// The user is not in the version that the change was meant for.
    #[error("the user has changed")]
    VersionMismatch,
    /// The new password may not be chosen.
    #[error("the new password {0}")]
    UnfitPassword(#[from] UnfitPassword),
    /// Metadata would be larger than it may be.
    #[error("the metadata would be too large")]
    MetadataTooLarge,
    /// The idempotency key was used for another request.
    #[error("the idempotency key belongs to another request")]
    IdempotencyKeyMismatch,
    /// The account that the idempotency key made has since changed its password or been deleted.
    #[error("the idempotency key is used up")]
    IdempotencyKeyUsed,
    /// There were too many attempts.
    #[error("too many attempts")]
    Throttled(Throttled),
    /// More passwords wait to be hashed than may.
    #[error("the hashing queue is full")]
    Overloaded {
        /// When those that wait now will be hashed.
        retry_after: Duration,
    },
    /// Others changed the same records again and again.
    #[error("others kept changing the same account")]
    Contended,
    /// The store has no room.
    #[error("the store is full")]
    StoreFull,
    /// The store does not answer; what was asked of it may yet happen.
    #[error(transparent)]
    StoreUnavailable(#[from] Unavailable),
    /// This instance can open none of the keys that sign access tokens.
    #[error("there is no key to sign with that this instance can open")]
    NoSigningKey,
    /// A record cannot be read: it was changed by hand, or by a later version.
    #[error("unreadable record: {0}")]
    Corrupt(String),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(unavailable) => Self::StoreUnavailable(unavailable),
            ReadError::Unreadable(what) => Self::Corrupt(what),
        }
    }
}

impl From<CommitError> for Error {
    /// For a commit whose conflict means that it should be tried again, and was.
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Contended,
            CommitError::Full => Self::StoreFull,
            CommitError::Unreadable(what) => Self::Corrupt(what),
            CommitError::Unavailable(unavailable) => Self::StoreUnavailable(unavailable),
        }
    }
}
