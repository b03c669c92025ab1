//! The log: one line for each request, whatever becomes of it, and the span of its trace. What has a line is counted too.

use std::{sync::Arc, time::Instant};

use poem::{
    PathPattern, Request,
    http::{HeaderMap, Method, StatusCode, header::AsHeaderName},
};
use tracing::Span;

use super::requests::Requests;
use crate::traces::{self, Trace};

/// Where load balancers and orchestrators ask all the time: nobody wants to see that in traces.
const UNSEEN: &str = "/health/";

/// The line of a request that is not answered yet. Dropped before it is, it says that the client went away.
pub(super) struct Line {
    method: &'static str,
    span: Span,
    is_traced: bool,
    started: Instant,
    written: bool,
    requests: Arc<Requests>,
}

impl Line {
    /// Begins the span that everything is in that is done for the request.
    pub(super) fn begin(request: &Request, id: &str, requests: Arc<Requests>) -> Self {
        requests.begin();
        let trace = Trace::of(only(request.headers(), "traceparent"), only(request.headers(), "tracestate"));
        let shown = trace.as_ref().map(tracing::field::display);
        let span = tracing::info_span!("request", request.id = %id, trace.id = shown);
        let method = name(request.method());
        let is_seen = |trace: &Trace| trace.is_recorded() && !request.uri().path().starts_with(UNSEEN);
        let trace = trace.filter(is_seen);
        if let Some(trace) = &trace {
            trace.begin_at(&span);
            // OpenTelemetry's semantic conventions for HTTP servers, but for `url.path`, which can hold what somebody typed.
            traces::say!(
                &span,
                otel.kind = "server",
                otel.name = method,
                http.request.method = method,
                url.scheme = request.scheme().as_str(),
                request.id = id,
            );
        }
        Self { method, span, is_traced: trace.is_some(), started: Instant::now(), written: false, requests }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Writes the line. It has the route, not the path: a path can hold what somebody typed.
    pub(super) fn answered(mut self, route: Option<&PathPattern>, status: StatusCode, code: Option<&str>) {
        self.written = true;
        let route = route.map(|pattern| &*pattern.0).filter(|route| !route.is_empty());
        self.trace(route, status, code);
        self.requests.answered(route, self.method, status.as_u16(), self.started.elapsed());
        tracing::info!(
            http.request.method = self.method,
            http.route = route,
            http.response.status_code = status.as_u16(),
            problem.code = code,
            duration_ms = self.milliseconds(),
            "answered"
        );
    }

    /// Says in the trace what came of it.
    fn trace(&self, route: Option<&str>, status: StatusCode, code: Option<&str>) {
        if self.is_traced {
            traces::say!(&self.span, otel.name = route.map(|route| format!("{} {route}", self.method)),
                http.route = route,
                http.response.status_code = status.as_u16(),
                problem.code = code,
                error.type = status.is_server_error().then(|| code.unwrap_or(status.as_str())),
                ended = true,
            );
        }
    }

    fn milliseconds(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
    }
}

/// What a header says that is there once.
fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut found = headers.get_all(name).iter();
    found.next().filter(|_| found.next().is_none())?.to_str().ok()
}
/// What a method that HTTP does not know is called.
pub(super) const OTHER: &str = "_OTHER";

/// The methods that HTTP knows.
pub(super) const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// The method as the log has it. Anything can be typed for one, so one that HTTP does not know is `_OTHER`, as
/// OpenTelemetry calls it.
fn name(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}

impl Drop for Line {
    fn drop(&mut self) {
        self.requests.end(!self.written);
        if !self.written {
            let _entered = self.span.enter();
            let duration_ms = self.milliseconds();
            tracing::info!(http.request.method = self.method, duration_ms, "the client went away");
            if self.is_traced {
                traces::say!(&self.span, error.type = "client_gone", ended = true);
            }
        }
    }
}
