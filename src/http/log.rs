//! The log: one line for each request, whatever becomes of it.

use std::time::Instant;

use poem::{
    PathPattern,
    http::{Method, StatusCode},
};
use tracing::Span;

/// The line of a request that is not answered yet. Dropped before it is, it says that the client went away.
pub(super) struct Line {
    method: &'static str,
    span: Span,
    started: Instant,
    written: bool,
}

impl Line {
    pub(super) fn begin(method: &Method, span: Span) -> Self {
        Self { method: name(method), span, started: Instant::now(), written: false }
    }

    /// Writes the line. It has the route, not the path: a path can hold what somebody typed.
    pub(super) fn answered(mut self, route: Option<&PathPattern>, status: StatusCode, code: Option<&str>) {
        self.written = true;
        tracing::info!(
            http.request.method = self.method,
            http.route = route.map(|pattern| &*pattern.0).filter(|route| !route.is_empty()),
            http.response.status_code = status.as_u16(),
            problem.code = code,
            duration_ms = self.milliseconds(),
            "answered"
        );
    }

    fn milliseconds(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
    }
}

/// The method as the log has it. Anything can be typed for one, so one that HTTP does not know is `_OTHER`, as
/// OpenTelemetry calls it.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.written {
            let _entered = self.span.enter();
            let duration_ms = self.milliseconds();
            tracing::info!(http.request.method = self.method, duration_ms, "the client went away");
        }
    }
}
