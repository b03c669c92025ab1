//! A collector of traces that takes OTLP in JSON over real HTTP, with TLS or without, and can be got into trouble.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::HeaderMap,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// How the collector answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    #[default]
    Well,
    /// With 503.
    Unavailable,
    /// Not at all.
    Hang,
}

/// What it has seen.
#[derive(Default)]
struct State {
    mood: Mood,
    asked: usize,
    headers: Vec<HeaderMap>,
    bodies: Vec<String>,
}

/// A running collector. Dropping it ends it.
pub struct Collector {
    pub url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// A span as it arrived.
#[derive(Clone, Debug)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty, when it is the first one of its trace.
    pub parent: String,
    pub state: String,
    pub name: String,
    pub kind: u64,
    pub attributes: BTreeMap<String, Value>,
    pub failed: bool,
    pub begins: u128,
    pub ends: u128,
}

impl Collector {
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    pub async fn with_tls(tls: TlsAcceptor) -> Self {
        Self::serve(Some(tls)).await
    }

    async fn serve(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let state = Arc::<Mutex<State>>::default();
        let seen = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, state) = (tls.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, state).await,
                        Some(tls) => answer(tls.accept(stream).await.unwrap(), state).await,
                    }
                });
            }
        });
        Self { url, state, task }
    }

    pub fn is(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// How many requests came, answered or not.
    pub fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    /// The headers of the requests that it took.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.state.lock().unwrap().headers.clone()
    }

    /// All that it took, as it came.
    pub fn bodies(&self) -> Vec<String> {
        self.state.lock().unwrap().bodies.clone()
    }

    /// All spans that it took.
    pub fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies();
        bodies.iter().flat_map(|body| spans_of(&serde_json::from_str(body).unwrap())).collect()
    }

    /// Waits until a span has come, and answers it.
    pub async fn span(&self, is_it: impl Fn(&Span) -> bool) -> Span {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(span) = self.spans().into_iter().find(&is_it) {
                return span;
            }
            assert!(Instant::now() < deadline, "it did not come: {:#?}", self.spans());
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, state: Arc<Mutex<State>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let (head, body) = request.into_parts();
            let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
            let mood = {
                let mut state = state.lock().unwrap();
                state.asked += 1;
                state.mood
            };
            let status = match mood {
                Mood::Well => 200,
                Mood::Unavailable => 503,
                Mood::Hang => pending().await,
            };
            assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/v1/traces"));
            assert_eq!(head.headers["content-type"], "application/json");
            if status == 200 {
                let mut state = state.lock().unwrap();
                state.headers.push(head.headers);
                state.bodies.push(body);
            }
            let answer = Response::builder().status(status).body(Full::new(Bytes::from_static(b"{}"))).unwrap();
            Ok::<_, Infallible>(answer)
        }
    });
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// The spans of a request, which must be one as OTLP 1.x says.
fn spans_of(request: &Value) -> Vec<Span> {
    let list = |value: &Value| value.as_array().unwrap_or_else(|| panic!("no list: {value}")).clone();
    let mut all = Vec::new();
    for resource in list(&request["resourceSpans"]) {
        let about = attributes(&resource["resource"]["attributes"]);
        assert_eq!(
            (&about["service.name"], &about["service.version"]),
            (&"latchkey".into(), &env!("CARGO_PKG_VERSION").into())
        );
        for scope in list(&resource["scopeSpans"]) {
            all.extend(list(&scope["spans"]).iter().map(span));
        }
    }
    assert!(!all.is_empty(), "{request}");
    all
}

fn span(json: &Value) -> Span {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let time = |name: &str| text(name).parse().unwrap();
    let span = Span {
        trace: text("traceId"),
        id: text("spanId"),
        parent: text("parentSpanId"),
        state: text("traceState"),
        name: text("name"),
        kind: json["kind"].as_u64().unwrap(),
        attributes: attributes(&json["attributes"]),
        failed: json["status"]["code"] == 2,
        begins: time("startTimeUnixNano"),
        ends: time("endTimeUnixNano"),
    };
    let is_hex = |id: &str| id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    assert!(span.trace.len() == 32 && span.id.len() == 16 && is_hex(&span.trace) && is_hex(&span.id), "{json}");
    assert!(span.begins <= span.ends && !span.name.is_empty() && (1..=5).contains(&span.kind), "{json}");
    span
}

fn attributes(list: &Value) -> BTreeMap<String, Value> {
    let pair = |pair: &Value| {
        let (kind, value) = pair["value"].as_object().unwrap().iter().next().unwrap();
        let value = match kind.as_str() {
            "intValue" => value.as_str().unwrap().parse::<i64>().unwrap().into(),
            _ => value.clone(),
        };
        (pair["key"].as_str().unwrap().to_owned(), value)
    };
    list.as_array().unwrap().iter().map(pair).collect()
}
