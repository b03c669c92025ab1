//! The log: one line for each request, whatever becomes of it, and the span of its trace. What has a line is counted too.

use std::{sync::Arc, time::Instant};

use poem::{
    PathPattern, Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header::AsHeaderName},
};
use tracing::Span;

use super::{metrics, requests::Requests};
use crate::traces::{self, Trace};

/// Whether load balancers, orchestrators or collectors ask here all the time: nobody wants to see that in traces.
fn is_unseen(path: &str) -> bool {
    path.starts_with("/health/") || path == metrics::PATH
}

/// The line of a request that is not answered yet. Dropped before it is, it says that the client went away.
pub(super) struct Line {
    method: &'static str,
    span: Span,
    is_traced: bool,
    /// Whether it asks for the metrics, which one does every few seconds.
    is_collector: bool,
    started: Instant,
    written: bool,
    requests: Arc<Requests>,
}

impl Line {
    /// Begins the span that everything is in that is done for the request.
    pub(super) fn begin(request: &Request, id: &str, requests: Arc<Requests>) -> Self {
        requests.begin();
        let state = joined(request.headers(), "tracestate");
        let trace = Trace::of(only(request.headers(), "traceparent"), state.as_deref());
        let shown = trace.as_ref().map(tracing::field::display);
        let span = tracing::info_span!("request", request.id = %id, trace.id = shown);
        let method = name(request.method());
        let path = request.uri().path();
        let is_seen = |trace: &Trace| trace.is_recorded() && !is_unseen(path);
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
        let (is_traced, is_collector) = (trace.is_some(), path == metrics::PATH);
        Self { method, span, is_traced, is_collector, started: Instant::now(), written: false, requests }
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
        macro_rules! say {
            ($level:ident) => {
                tracing::$level!(
                    http.request.method = self.method,
                    http.route = route,
                    http.response.status_code = status.as_u16(),
                    problem.code = code,
                    duration_ms = self.milliseconds(),
                    "answered"
                )
            };
        }
        if self.is_collector && status.is_success() {
            say!(debug);
        } else {
            say!(info);
        }
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

/// What a header says that is a list, in all its lines (RFC 9110, 5.3).
fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let lines = headers.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<Vec<_>, _>>().ok()?;
    (!lines.is_empty()).then(|| lines.join(","))
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
