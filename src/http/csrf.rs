//! Cross-site request forgery: a browser sends cookies with requests that any page makes it send, so a request that changes
//! something by cookie must say that it comes from a page that may.
//!
//! This holds for signing in as well, or a page could sign somebody in as somebody else. A request with a token in its
//! `Authorization` header or its body is never looked at: no browser adds one by itself.

use poem::{Request, http::Method};

use super::{code::Code, origin, problem::Problem, web::Web};

/// Refuses a request with cookies that a page of another origin may have made. Browsers say `Origin` on every method that
/// is checked, so its absence is refused too.
pub(super) fn check(request: &Request, web: &Web) -> Result<(), Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let headers = request.headers();
    // A page of another site gets no cookies back, whoever lists it; or another site is in the history of the request.
    let is_cross_site = headers.get_all("sec-fetch-site").iter().any(|value| value.as_bytes() == b"cross-site");
    match origin::of(headers) {
        Some(origin) if !is_cross_site && (web.lists(origin) || web.is_own(origin)) => Ok(()),
        _ => Err(Problem::new(Code::CsrfRejected)),
    }
}
