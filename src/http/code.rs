//! The catalogue of problems: every failure that a client can meet, with the one place for its status and its words.

use poem::http::StatusCode;
use poem_openapi::Enum;

/// Makes the codes out of a table: variant, status, title, and what to do about it.
macro_rules! catalogue {
    ($($code:ident $status:ident $title:literal $advice:literal;)*) => {
        /// What went wrong, for programs: a stable word for each kind of failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum)]
        #[oai(rename_all = "snake_case", rename = "ProblemCode")]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The status of an answer with this code.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status,)* }
            }

            /// What this kind of failure is called.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }

            /// What happened and what to do about it, in a sentence or two.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self { $(Self::$code => $advice,)* }
            }
        }
    };
}

catalogue! {
    InvalidParameter BAD_REQUEST "Invalid parameter"
        "A parameter in the path, the query or a header is missing or malformed, or one in the query is not known or there twice. Correct it as the description of the operation says.";
    MalformedBody BAD_REQUEST "Malformed body"
        "The body ended before its announced end, or its chunks are broken. Send it again.";
    MalformedJson BAD_REQUEST "Malformed JSON"
        "The body is not a JSON object. Send one, in UTF-8.";
    MalformedForm BAD_REQUEST "Malformed form"
        "A field of the form is missing, or is there more than once. Send each field that is needed once.";
    AuthenticationRequired UNAUTHORIZED "Authentication required"
        "Send an access token in the header `Authorization: Bearer <token>`. Signing in gives one.";
    InvalidCredentials UNAUTHORIZED "Invalid credentials"
        "There is no account with this login and password. Check both.";
    TokenInvalid UNAUTHORIZED "Invalid token"
        "The access token is not one of ours, or its session has ended. Sign in again.";
    TokenExpired UNAUTHORIZED "Token expired"
        "The access token has expired. Refresh it with the refresh token and repeat the request.";
    RefreshTokenInvalid UNAUTHORIZED "Invalid refresh token"
        "The refresh token is not one of ours, or its session has ended. Sign in again.";
    RefreshTokenReused UNAUTHORIZED "Refresh token reused"
        "The refresh token was used before, so somebody else may have it. The session has ended. Sign in again.";
    ApiKeyRequired UNAUTHORIZED "API key required"
        "Send an API key in the header `Authorization: Bearer <key>`, or as the password of HTTP Basic. `latchkey api-keys create` makes one.";
    ApiKeyInvalid UNAUTHORIZED "Invalid API key"
        "The API key is malformed, expired or revoked. Ask the operator for another one.";
    PermissionDenied FORBIDDEN "Permission denied"
        "The user who is signed in may not do this: it needs a permission of Latchkey that they do not have.";
    OwnAccount FORBIDDEN "Own account"
        "This is the account of the user who asks. Change or delete it at /v1/users/me, which asks for the password.";
    UserNotFound NOT_FOUND "User not found"
        "There is no user with this id.";
    InsufficientScope FORBIDDEN "Insufficient scope"
        "The API key has not the scope that this needs. Ask the operator for one that has.";
    CurrentPasswordIncorrect FORBIDDEN "Current password incorrect"
        "The `current_password` is not the password of the account. Nothing was changed.";
    EmailNotVerified FORBIDDEN "Email address not verified"
        "The password is right, and the email address of the account has to be confirmed first. Follow the link in the letter that was sent there; /v1/email-verifications sends another one.";
    ConfirmationInvalid FORBIDDEN "Nothing to confirm"
        "The link or the code is wrong, too old or used, or there is a newer one. Ask for another letter.";
    ReauthenticationRequired FORBIDDEN "Reauthentication required"
        "This needs a password given in the last 10 minutes. Send it to /v1/sessions/current/reauthenticate and repeat the request.";
    CsrfRejected FORBIDDEN "Request of another site"
        "A request that changes something and comes with cookies, or asks for them, needs an `Origin` that this service knows: that of `LATCHKEY_ISSUER`, or one in `LATCHKEY_CORS_ORIGINS`. Send it from such a page, or have the tokens in the body and send them in headers.";
    NotFound NOT_FOUND "Not found"
        "There is nothing at this path. The paths are listed at /openapi.json.";
    SessionNotFound NOT_FOUND "Session not found"
        "You have no session with this id. It may have ended already.";
    RoleNotFound NOT_FOUND "Role not found"
        "There is no role with this name.";
    MethodNotAllowed METHOD_NOT_ALLOWED "Method not allowed"
        "This path does not have this method. The header `Allow` lists those it has.";
    RequestTimeout REQUEST_TIMEOUT "Request timeout"
        "The body did not come in time. Send the whole request at once.";
    EmailTaken CONFLICT "Email address taken"
        "Another account has this email address. Sign in to that account, or use another address.";
    UsernameTaken CONFLICT "Username taken"
        "Another account has this username. Choose another one.";
    LastAdmin CONFLICT "Last administrator"
        "No other administrator can sign in. Give the role `admin` to somebody else first, who has a password, and a confirmed address where one is needed.";
    UserSuspended CONFLICT "User suspended"
        "The user is suspended, and a suspension takes the role `admin` away. End it first.";
    RoleBuiltIn CONFLICT "Built-in role"
        "The role `admin` is built in. Nobody can define or delete it.";
    IdempotencyKeyUsed CONFLICT "Idempotency key used"
        "This `Idempotency-Key` made an account that has been deleted, or whose password is not the one sent. Use a new key for a new account.";
    VersionMismatch PRECONDITION_FAILED "Version mismatch"
        "What is to be changed has changed since the version in `If-Match`, or its tag is weak (`W/`). Read it again and decide anew, with the tag without `W/`.";
    BodyTooLarge PAYLOAD_TOO_LARGE "Body too large"
        "The body is larger than this service takes, which is 64 KiB unless its operator decided otherwise, and 16 MiB for an import. Send a smaller one.";
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "Unsupported media type"
        "Send JSON with the header `Content-Type: application/json`, and a form, which the operations of `/v1/tokens` take, with `Content-Type: application/x-www-form-urlencoded`. An import is `application/x-ndjson`.";
    ValidationFailed UNPROCESSABLE_ENTITY "Validation failed"
        "Some fields of the body are not acceptable. `errors` lists every one of them.";
    TooManyLines UNPROCESSABLE_ENTITY "Too many lines"
        "An import has at most 10,000 lines. Send the others in another request, or use `latchkey import`.";
    IdempotencyKeyMismatch UNPROCESSABLE_ENTITY "Idempotency key mismatch"
        "This `Idempotency-Key` was sent before with another body. Use a new key for a new request.";
    TooManyAttempts TOO_MANY_REQUESTS "Too many attempts"
        "There were too many attempts, and this one was not looked at. Repeat the request after the time in `Retry-After`. A device that signed in before is not kept out of signing in by others: send its `device_token` there.";
    InternalError INTERNAL_SERVER_ERROR "Internal error"
        "Something is wrong on our side. The request id in `instance` finds it in the log.";
    Overloaded SERVICE_UNAVAILABLE "Overloaded"
        "Too many people sign in or register at this moment. Repeat the request after the time in `Retry-After`.";
    StoreUnavailable SERVICE_UNAVAILABLE "Store unavailable"
        "The store does not answer. If the request was to change something, that may still happen. Repeat it after the time in `Retry-After`.";
    NoSigningKey SERVICE_UNAVAILABLE "No signing key"
        "This instance can open none of the keys that sign access tokens, so it cannot sign anybody in. Its operator finds the reason in the log. Repeat the request after the time in `Retry-After`.";
    Draining SERVICE_UNAVAILABLE "Draining"
        "This instance is about to stop, and still serves what reaches it. Send new requests to another one.";
    StoreFull SERVICE_UNAVAILABLE "Store full"
        "The store has no room for more. Nothing was changed. Repeat the request after the time in `Retry-After`.";
    Contended SERVICE_UNAVAILABLE "Contended"
        "Others kept changing the same account. Nothing was changed. Repeat the request after the time in `Retry-After`.";
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case", rename = "FieldProblemCode")]
pub(super) enum FieldCode {
    /// The field is missing.
    Required,
    /// There is no such field here.
    Unknown,
    /// The field has another JSON type.
    WrongType,
    /// The field cannot be null.
    NotNullable,
    /// The value has not the form that it must have.
    Invalid,
    /// The value is too short.
    TooShort,
    /// The value is too long or too large.
    TooLong,
    /// Whoever asks may not give this.
    Forbidden,
    /// Somebody who tries passwords would find this one too soon. The message says why and what is better.
    TooGuessable,
    /// This password was lost in a data breach, so whoever tries passwords would try it.
    Breached,
}
