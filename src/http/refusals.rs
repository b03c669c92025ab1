//! Which problems each operation gives: the second half of every operation's contract, in one table.
//!
//! The document is made from it, and the tests hold every answer they see against the document.

use super::code::Code::{
    self, ApiKeyInvalid, ApiKeyRequired, AuthenticationRequired, BodyTooLarge, ConfirmationInvalid, Contended,
    CsrfRejected, CurrentPasswordIncorrect, Draining, EmailNotVerified, EmailTaken, IdempotencyKeyMismatch,
    IdempotencyKeyUsed, InsufficientScope, InternalError, InvalidCredentials, InvalidParameter, LastAdmin,
    MalformedBody, MalformedForm, MalformedJson, NoSigningKey, Overloaded, OwnAccount, PermissionDenied,
    ReauthenticationRequired, RefreshTokenInvalid, RefreshTokenReused, RequestTimeout, RoleBuiltIn, RoleNotFound,
    SessionNotFound, StoreFull, StoreUnavailable, TokenExpired, TokenInvalid, TooManyAttempts, TooManyLines,
    UnsupportedMediaType, UserNotFound, UserSuspended, UsernameTaken, ValidationFailed, VersionMismatch,
};

/// What any operation may answer.
const ANY: &[Code] = &[BodyTooLarge, InternalError, MalformedBody, RequestTimeout];
/// What an operation may answer that reads the store.
const STORE: &[Code] = &[StoreUnavailable];
/// What an operation may answer that writes to the store.
const WRITE: &[Code] = &[StoreUnavailable, StoreFull];
/// What an operation may answer that signs an access token.
const SIGN: &[Code] = &[NoSigningKey];
/// What an operation may answer that takes a body.
const BODY: &[Code] = &[MalformedJson, UnsupportedMediaType, ValidationFailed];
/// What an operation may answer that takes a body of OAuth.
const FORM: &[Code] = &[MalformedForm, UnsupportedMediaType];
/// What an operation may answer that needs an access token.
const TOKEN: &[Code] = &[AuthenticationRequired, TokenInvalid, TokenExpired];

/// What an operation may answer that is for those who run the service.
const ADMIN: &[Code] =
    &[AuthenticationRequired, TokenInvalid, TokenExpired, ApiKeyInvalid, PermissionDenied, InsufficientScope];

/// What an operation may answer that changes something and takes cookies, or sets them.
const COOKIE: &[Code] = &[CsrfRejected];

/// The problems that the operation with this id gives, or nothing when there is no such operation. One that `is_strict` refuses
/// parameters that it does not have.
pub(super) fn of(operation_id: &str, is_strict: bool) -> Option<Vec<Code>> {
    let groups: &[&[Code]] = match operation_id {
        "register" => &[
            BODY,
            WRITE,
            &[EmailTaken, UsernameTaken, IdempotencyKeyMismatch, IdempotencyKeyUsed],
            &[TooManyAttempts, Overloaded, Contended],
        ],
        "patch_me" => &[
            TOKEN,
            COOKIE,
            BODY,
            WRITE,
            &[CurrentPasswordIncorrect, EmailTaken, UsernameTaken, VersionMismatch],
            &[TooManyAttempts, Overloaded, Contended],
        ],
        "delete_me" => &[TOKEN, COOKIE, WRITE, &[ReauthenticationRequired, VersionMismatch, LastAdmin, Contended]],
        "sign_in" => &[
            COOKIE,
            BODY,
            WRITE,
            SIGN,
            &[InvalidCredentials, EmailNotVerified, TooManyAttempts, Overloaded, Contended],
        ],
        "request_email_verification" | "request_password_reset" => &[BODY, WRITE, &[TooManyAttempts]],
        "confirm_email_verification" => &[BODY, WRITE, &[ConfirmationInvalid, EmailTaken, TooManyAttempts, Contended]],
        "confirm_password_reset" => &[BODY, WRITE, &[ConfirmationInvalid, TooManyAttempts, Overloaded, Contended]],
        "undo_email_change" => &[BODY, WRITE, &[ConfirmationInvalid, TooManyAttempts, Contended]],
        "refresh_session" => &[COOKIE, BODY, WRITE, SIGN, &[RefreshTokenInvalid, RefreshTokenReused, Contended]],
        "reauthenticate" => {
            &[TOKEN, COOKIE, BODY, WRITE, SIGN, &[CurrentPasswordIncorrect, TooManyAttempts, Overloaded, Contended]]
        }
        "get_me" | "list_events" | "list_sessions" | "export_me" => &[TOKEN, STORE],
        "end_sessions" | "sign_out" => &[TOKEN, COOKIE, WRITE, &[Contended]],
        "end_session" => &[TOKEN, COOKIE, WRITE, &[SessionNotFound, Contended]],
        "get_user" | "list_user_sessions" | "list_user_events" => &[ADMIN, STORE, &[UserNotFound]],
        "patch_user" => &[
            ADMIN,
            COOKIE,
            BODY,
            WRITE,
            &[OwnAccount, UserNotFound, EmailTaken, UsernameTaken, VersionMismatch, Contended],
        ],
        "create_user" => {
            &[ADMIN, COOKIE, BODY, WRITE, &[EmailTaken, UsernameTaken, TooManyAttempts, Overloaded, Contended]]
        }
        "request_user_password_reset" => {
            &[ADMIN, COOKIE, WRITE, &[UserNotFound, VersionMismatch, TooManyAttempts, Contended]]
        }
        "patch_user_grants" => {
            &[ADMIN, COOKIE, BODY, WRITE, &[UserNotFound, UserSuspended, VersionMismatch, LastAdmin, Contended]]
        }
        "suspend_user" => &[ADMIN, COOKIE, BODY, WRITE, &[UserNotFound, VersionMismatch, LastAdmin, Contended]],
        "unsuspend_user" => &[ADMIN, COOKIE, WRITE, &[UserNotFound, VersionMismatch, Contended]],
        "delete_user" => &[ADMIN, COOKIE, WRITE, &[OwnAccount, UserNotFound, VersionMismatch, LastAdmin, Contended]],
        "end_user_sessions" => &[ADMIN, COOKIE, WRITE, &[UserNotFound, Contended]],
        "end_user_session" => &[ADMIN, COOKIE, WRITE, &[UserNotFound, SessionNotFound, Contended]],
        "list_users" | "list_deletions" | "list_service_events" | "get_statistics" | "list_roles" => &[ADMIN, STORE],
        "get_role" => &[ADMIN, STORE, &[RoleNotFound]],
        "put_role" => &[ADMIN, COOKIE, BODY, WRITE, &[RoleBuiltIn, VersionMismatch, Contended]],
        "delete_role" => &[ADMIN, COOKIE, WRITE, &[RoleNotFound, RoleBuiltIn, VersionMismatch, Contended]],
        "introspect_token" => &[STORE, FORM, &[ApiKeyRequired, ApiKeyInvalid, InsufficientScope]],
        "import_users" => &[ADMIN, COOKIE, WRITE, &[UnsupportedMediaType, TooManyLines, Draining]],
        "revoke_token" => &[WRITE, FORM, &[Contended]],
        "get_keys" | "get_openid_configuration" | "get_server_metadata" | "health_live" => &[],
        "health_ready" => &[STORE, SIGN, &[Draining]],
        _ => return None,
    };
    let parameters: &[Code] = if is_strict { &[InvalidParameter] } else { &[] };
    let mut codes = [ANY, parameters, &groups.concat()].concat();
    codes.sort_unstable();
    codes.dedup();
    Some(codes)
}
