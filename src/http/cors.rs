//! Cross-origin resource sharing (CORS, in the Fetch standard): which pages of other origins a browser lets read answers.
//!
//! Nobody is refused here. A page of an origin that is not listed is answered like any client, and its browser keeps the
//! answer from it, since the headers are missing.

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};

use super::{
    origin::{self, Origin},
    web::WebSettings,
};

/// The headers of requests that are not a matter of course.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match";
/// The headers of answers that a page may read, besides those that it always may.
const EXPOSED: &str = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id";
/// For how many seconds a browser need not ask again: two hours, as long as Chromium remembers.
const MAX_AGE: &str = "7200";

/// Whose pages may read answers.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    origins: Vec<Origin>,
    credentials: bool,
}

impl Cors {
    pub(super) fn new(settings: &WebSettings) -> Self {
        Self { origins: settings.origins.clone(), credentials: settings.cookies }
    }

    /// The origin that a request comes from, if it is listed.
    pub(super) fn listed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        origin::of(headers).filter(|header| self.origins.iter().any(|origin| origin.is(header))).cloned()
    }

    /// Says on an answer that pages of this origin may read it.
    pub(super) fn allow(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if !self.origins.is_empty() {
            // What the answer looks like depends on who asks, also for those who get nothing more.
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// Whether a browser asks what it may send.
pub(super) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What it may send to a path that has these methods.
pub(super) fn preflight(methods: &str) -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, methods)
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
        .header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE)
        .finish()
}
