//! Problem documents (RFC 9457): what every failure is answered with.

use std::time::Duration;

use poem::{
    Response,
    http::{HeaderName, HeaderValue, header},
};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaResponses, Registry},
    types::ToJSON,
};

use super::{
    challenge::{challenges, oauth_error},
    code::{Code, FieldCode},
};
use crate::accounts::{Capability, Error, InvalidPassword, MetadataTooLarge, Throttled, UnfitPassword};

/// The media type of a problem document.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A failure, on its way to become an answer. The request id is added at the edge.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    /// What the answer says beside the document.
    headers: Vec<(HeaderName, String)>,
}

/// What is wrong with one field of the body.
#[derive(Clone, Debug, Object)]
pub(super) struct FieldProblem {
    /// The field.
    pub(super) field: String,
    /// What is wrong with it, for programs.
    pub(super) code: FieldCode,
    /// What is wrong with it, for people.
    pub(super) message: String,
}

/// A failure (RFC 9457). Branch on `code`; show `detail` to a developer.
#[derive(Debug, Object)]
#[oai(rename = "Problem")]
pub(super) struct ProblemDocument {
    /// A URI for the kind of failure: `urn:latchkey:problem:` and the code.
    r#type: String,
    /// What this kind of failure is called.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do about it.
    detail: String,
    /// `urn:uuid:` and the request id, which is also in the log.
    instance: String,
    /// What went wrong, for programs.
    code: Code,
    /// With `validation_failed`: everything that is wrong with the fields of the body.
    #[oai(skip_serializing_if_is_none)]
    errors: Option<Vec<FieldProblem>>,
    /// For clients of OAuth (RFC 6749): `invalid_request` with `malformed_form`, and `invalid_client` with
    /// `api_key_required` and `api_key_invalid`.
    #[oai(skip_serializing_if_is_none)]
    error: Option<String>,
}

impl Problem {
    pub(super) fn new(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), headers: Vec::new() }
    }

    /// Says more than the code does. The text must not repeat what may be secret.
    pub(super) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(super) fn validation(errors: Vec<FieldProblem>) -> Self {
        Self { errors, ..Self::new(Code::ValidationFailed) }
    }

    /// One field is wrong, for a reason that is not in the body alone.
    pub(super) fn wrong_field(field: &str, code: FieldCode, message: &str) -> Self {
        Self::validation(vec![FieldProblem { field: field.to_owned(), code, message: message.to_owned() }])
    }

    pub(super) fn method_not_allowed(allow: String) -> Self {
        Self::new(Code::MethodNotAllowed).with_header(header::ALLOW, allow)
    }

    /// Says which limit is reached, for clients that slow down by themselves (draft-ietf-httpapi-ratelimit-headers-10).
    fn throttled(throttled: &Throttled) -> Self {
        let Throttled { policy, limit, retry_after } = throttled;
        let (quota, window, seconds) = (limit.attempts, limit.window.as_secs(), retry_after.as_secs());
        Self::new(Code::TooManyAttempts)
            .with_header(header::RETRY_AFTER, seconds.to_string())
            .with_header(RATE_LIMIT_POLICY, format!("\"{policy}\";q={quota};w={window}"))
            .with_header(RATE_LIMIT, format!("\"{policy}\";r=0;t={seconds}"))
    }

    /// Says when those that wait now will be done.
    fn overloaded(retry_after: Duration) -> Self {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        Self::new(Code::Overloaded).with_header(header::RETRY_AFTER, seconds.to_string())
    }

    /// Says which scope is missing (RFC 6750, 3).
    fn insufficient_scope(scope: Capability) -> Self {
        let challenge = format!("Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"{scope}\"");
        Self::new(Code::InsufficientScope)
            .with_detail(format!(
                "The API key has not the scope `{scope}`, which this needs. Ask the operator for one that has."
            ))
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// What is wrong with the fields of the body.
    pub(super) fn errors(&self) -> &[FieldProblem] {
        &self.errors
    }

    /// In how many seconds another try is worth it, if that is known.
    pub(super) fn retry_after(&self) -> Option<u64> {
        let told = self.headers.iter().find(|(name, _)| name == header::RETRY_AFTER);
        told.and_then(|(_, seconds)| seconds.parse().ok()).or_else(|| retry_after(self.code))
    }

    /// The document, for the request with this id.
    pub(super) fn document(&self, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            r#type: format!("urn:latchkey:problem:{}", code_text(self.code)),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone().unwrap_or_else(|| self.code.advice().to_owned()),
            instance: format!("urn:uuid:{request_id}"),
            code: self.code,
            errors: Some(self.errors.clone()).filter(|errors| !errors.is_empty()),
            error: oauth_error(self.code).map(str::to_owned),
        }
    }

    /// The answer to the request with this id.
    pub(super) fn answer(&self, request_id: &str) -> Response {
        self.respond(MEDIA_TYPE, self.document(request_id).to_json_string())
    }

    /// An answer with this body, which says what is wrong.
    pub(super) fn respond(&self, media_type: &str, body: String) -> Response {
        let mut response = Response::builder().status(self.code.status()).content_type(media_type).body(body);
        let headers = response.headers_mut();
        for challenge in challenges(self.code) {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self.code, Code::BodyTooLarge | Code::RequestTimeout) {
            // The rest of the body is not read, so nothing else can come over this connection.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// The code as it is sent.
pub(super) fn code_text(code: Code) -> String {
    match code.to_json() {
        Some(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// In how many seconds a 503 is worth another try, where nothing more is known.
fn retry_after(code: Code) -> Option<u64> {
    match code {
        Code::Contended => Some(1),
        Code::StoreUnavailable | Code::NoSigningKey => Some(2),
        Code::Draining => Some(5),
        Code::StoreFull => Some(30),
        _ => None,
    }
}

impl FieldCode {
    /// What is wrong with a password that may not be chosen.
    pub(super) fn of(unfit: &UnfitPassword) -> Self {
        match unfit {
            UnfitPassword::Length(InvalidPassword::TooShort(_)) => Self::TooShort,
            UnfitPassword::Length(InvalidPassword::TooLong) => Self::TooLong,
            UnfitPassword::TooGuessable(_) => Self::TooGuessable,
            UnfitPassword::Breached => Self::Breached,
        }
    }
}

impl From<Error> for Problem {
    /// The one place where facts about accounts become answers.
    fn from(error: Error) -> Self {
        Self::new(match error {
            Error::Throttled(throttled) => return Self::throttled(&throttled),
            Error::EmailTaken => Code::EmailTaken,
            Error::UsernameTaken => Code::UsernameTaken,
            Error::InvalidCredentials => Code::InvalidCredentials,
            Error::EmailNotVerified => Code::EmailNotVerified,
            Error::ConfirmationInvalid => Code::ConfirmationInvalid,
            Error::TokenInvalid => Code::TokenInvalid,
            Error::TokenExpired => Code::TokenExpired,
            Error::RefreshTokenInvalid => Code::RefreshTokenInvalid,
            Error::RefreshTokenReused => Code::RefreshTokenReused,
            Error::ApiKeyInvalid => Code::ApiKeyInvalid,
            Error::InsufficientScope(scope) => return Self::insufficient_scope(scope),
            Error::PermissionDenied(missing) => {
                let permission = format!("`{}{missing}`", Capability::PREFIX);
                let detail = format!("This needs the permission {permission}, which the user who asks does not have.");
                return Self::new(Code::PermissionDenied).with_detail(detail);
            }
            Error::AdminNeeded => {
                let detail = "Only an administrator gives the role `admin`, or acts on somebody who has it.";
                return Self::new(Code::PermissionDenied).with_detail(detail);
            }
            Error::UserNotFound => Code::UserNotFound,
            Error::OwnAccount => Code::OwnAccount,
            Error::LastAdmin => Code::LastAdmin,
            Error::UserSuspended => Code::UserSuspended,
            Error::RoleNotFound => Code::RoleNotFound,
            Error::RoleBuiltIn => Code::RoleBuiltIn,
            Error::TooManyAdmins | Error::TooManyGrants(_) => {
                return Self::wrong_field("roles", FieldCode::TooLong, &error.to_string());
            }
            Error::RoleBookFull(_) => {
                return Self::wrong_field("permissions", FieldCode::TooLong, &error.to_string());
            }
            Error::ReauthenticationRequired => Code::ReauthenticationRequired,
            Error::CurrentPasswordIncorrect => Code::CurrentPasswordIncorrect,
            Error::SessionNotFound => Code::SessionNotFound,
            Error::VersionMismatch => Code::VersionMismatch,
            Error::MetadataTooLarge => {
                return Self::wrong_field("metadata", FieldCode::TooLong, &MetadataTooLarge.to_string());
            }
            Error::UnfitPassword(unfit) => {
                return Self::wrong_field("password", FieldCode::of(&unfit), &unfit.to_string());
            }
            Error::IdempotencyKeyMismatch => Code::IdempotencyKeyMismatch,
            Error::IdempotencyKeyUsed => Code::IdempotencyKeyUsed,
            Error::Overloaded { retry_after } => return Self::overloaded(retry_after),
            Error::Contended => Code::Contended,
            Error::StoreFull => Code::StoreFull,
            Error::StoreUnavailable(_) => {
                tracing::warn!(%error, "the store is unavailable");
                Code::StoreUnavailable
            }
            Error::NoSigningKey => {
                tracing::warn!(%error, "nothing can be signed");
                Code::NoSigningKey
            }
            Error::Corrupt(_) => {
                tracing::error!(%error, "a record cannot be read");
                Code::InternalError
            }
        })
    }
}

impl From<Problem> for poem::Error {
    /// Carries the problem to the edge, which knows the request id.
    fn from(problem: Problem) -> Self {
        let mut error = Self::from_status(problem.code.status());
        error.set_data(problem);
        error
    }
}

impl ApiResponse for Problem {
    /// Nothing: which problems an operation gives is added to the document from `refusals`.
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_: &mut Registry) {}
}
