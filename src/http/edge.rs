//! The edge: what every request and every answer passes. A request gets its id and its span here, a failure of any
//! kind becomes a problem document, and each request leaves one line in the log.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use poem::{
    Endpoint, IntoResponse, Middleware, PathPattern, Request, Response, Result,
    error::{MethodNotAllowedError, NotFoundError, ParsePathError, ReadBodyError},
    http::{HeaderName, HeaderValue, Version, header},
};
use poem_openapi::error::{AuthorizationError, ParseParamError};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    code::Code,
    cors::{self, Cors},
    health::Drain,
    limits::is_read_later,
    log::Line,
    operations::Operations,
    problem::{Problem, code_text},
    requests::Requests,
};
use crate::accounts::in_one_request;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer (OWASP REST Security Cheat Sheet; ASVS 5.0, 3.4). Most answers are personal, so none is
/// cached unless it says otherwise. `X-Frame-Options` is for browsers that do not know `frame-ancestors`.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// With TLS that is trusted (RFC 6797): for a year, and for all names below this one.
const STRICT_TRANSPORT: &str = "max-age=31536000; includeSubDomains";

/// The middleware.
pub(super) struct Edge {
    pub(super) drain: Drain,
    pub(super) operations: Arc<Operations>,
    pub(super) cors: Cors,
    pub(super) strict_transport: bool,
    pub(super) requests: Arc<Requests>,
}

/// The endpoint behind [`Edge`].
pub(super) struct AtEdge<E> {
    inner: E,
    drain: Drain,
    operations: Arc<Operations>,
    cors: Cors,
    strict_transport: bool,
    requests: Arc<Requests>,
}

impl<E: Endpoint> Middleware<E> for Edge {
    type Output = AtEdge<E>;

    fn transform(&self, inner: E) -> AtEdge<E> {
        AtEdge {
            inner,
            drain: self.drain.clone(),
            operations: Arc::clone(&self.operations),
            cors: self.cors.clone(),
            strict_transport: self.strict_transport,
            requests: Arc::clone(&self.requests),
        }
    }
}

impl<E: Endpoint> Endpoint for AtEdge<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let id = request_id();
        let line = Line::begin(&request, &id, Arc::clone(&self.requests));
        let span = line.span();
        let (path, version) = (request.uri().path().to_owned(), request.version());
        let may_be_unread = is_read_later(&request);
        let origin = self.cors.listed(request.headers());
        // In a box, or each of the layers around it would have its room once more.
        let handled = Box::pin(async {
            if origin.is_some() && cors::is_preflight(&request) {
                return Ok(cors::preflight(&self.operations.allowed(&path)));
            }
            self.inner.call(request).await.map(IntoResponse::into_response)
        });
        let handled = in_one_request(AssertUnwindSafe(handled).catch_unwind()).instrument(span.clone()).await;

        let _entered = span.enter();
        let mut route = None;
        let outcome = match handled {
            Ok(Ok(response)) => {
                route = response.data::<PathPattern>().cloned();
                Ok(response)
            }
            Ok(Err(error)) => {
                route = error.data::<PathPattern>().cloned();
                Err(self.problem(&error, &path))
            }
            // What it said may hold a secret; where it was is logged by the panic hook.
            Err(_) => Err(Problem::new(Code::InternalError)),
        };
        let code = match &outcome {
            Ok(response) => response.data::<Code>().copied(),
            Err(problem) => Some(problem.code()),
        };
        let code = code.map(code_text);
        let mut response = outcome.unwrap_or_else(|problem| problem.answer(&id));
        for (name, value) in HEADERS {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        if self.strict_transport {
            let strict = HeaderValue::from_static(STRICT_TRANSPORT);
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, strict);
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        // Of a body that was not read nothing else can come behind; what still comes is read, or its client misses the answer.
        let ends = self.drain.has_begun() || may_be_unread && !response.status().is_success();
        if ends && version <= Version::HTTP_11 {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.cors.allow(origin, response.headers_mut());
        line.answered(route.as_ref(), response.status(), code.as_deref());
        Ok(response)
    }
}

impl<E> AtEdge<E> {
    /// The problem that an error carries, or one made of what poem could not handle.
    fn problem(&self, error: &poem::Error, path: &str) -> Problem {
        if let Some(problem) = error.data::<Problem>() {
            problem.clone()
        } else if error.is::<NotFoundError>() {
            Problem::new(Code::NotFound)
        } else if error.is::<MethodNotAllowedError>() {
            Problem::method_not_allowed(self.operations.allowed(path))
        } else if error.is::<AuthorizationError>() {
            Problem::new(Code::AuthenticationRequired)
        } else if let Some(error) = error.downcast_ref::<ParseParamError>() {
            let detail = match self.operations.values_of(path, error.name) {
                Some(values) => format!("The parameter `{}` must be {values}.", error.name),
                None => format!("The parameter `{}` is missing or malformed.", error.name),
            };
            Problem::new(Code::InvalidParameter).with_detail(detail)
        } else if error.is::<ParsePathError>() {
            // The path is not UTF-8 when it is decoded, so it names nothing.
            let is_session = path.starts_with("/v1/sessions/");
            Problem::new(if is_session { Code::SessionNotFound } else { Code::NotFound })
        } else if error.is::<ReadBodyError>() {
            Problem::new(Code::MalformedBody)
        } else {
            tracing::error!(%error, "an error without a code");
            Problem::new(Code::InternalError)
        }
    }
}

/// An id that sorts by time, for finding the log line of an answer.
#[expect(clippy::disallowed_methods, reason = "no rule depends on it, so no test needs to choose it")]
fn request_id() -> String {
    Uuid::now_v7().to_string()
}
