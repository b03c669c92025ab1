//! What sends spans to the collector, beside everything else.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use hyper::{
    Method, StatusCode,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};

use super::{options::TraceOptions, otlp, queue::Queue, random, span::Span};
use crate::client::{Client, Failed};

/// Behind the endpoint (OTLP/HTTP).
const PATH: &str = "v1/traces";

/// How long the collector may take for one request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before each further try of what may work later. After these, the spans are dropped.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Sends the spans that wait.
pub struct Exporter {
    client: Client,
    headers: Vec<(HeaderName, HeaderValue)>,
    queue: Arc<Queue>,
    instance: String,
    is_failing: bool,
}

/// Why spans were not taken, and whether they may be later.
struct Refused {
    why: String,
    may_work_later: bool,
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        Self { why: failed.to_string(), may_work_later: true }
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Exporter {
    pub(super) fn new(options: &TraceOptions, queue: Arc<Queue>) -> Result<Self, String> {
        let client = Client::new(&options.endpoint, options.ca_file.as_deref())?;
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let headers = options.headers.iter().cloned().chain([json]).collect();
        let instance = format!("{:032x}", u128::from_be_bytes(random()));
        Ok(Self { client, headers, queue, instance, is_failing: false })
    }

    /// Sends spans until `stop` is done, and then, once, those that are left.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let stop = stop.shared();
        loop {
            let stops = tokio::select! {
                biased;
                () = stop.clone() => true,
                () = self.queue.is_due() => false,
            };
            loop {
                let spans = self.queue.take();
                if spans.is_empty() {
                    break;
                }
                self.deliver(&spans, stop.clone()).await;
            }
            self.tell_dropped();
            if stops {
                return;
            }
        }
    }

    /// Sends these spans, or drops them after the last try. Once `stop` is done, there is only one more.
    async fn deliver(&mut self, spans: &[Span], stop: impl Future<Output = ()> + Clone) {
        let body = Bytes::from(otlp::request(&self.instance, spans));
        let (mut pauses, mut stops) = (PAUSES.iter(), false);
        loop {
            let Err(refused) = self.send(body.clone()).await else {
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("traces are sent again");
                }
                return;
            };
            if !std::mem::replace(&mut self.is_failing, true) {
                tracing::warn!(error = refused.why, "traces could not be sent (LATCHKEY_OTLP_ENDPOINT)");
            }
            self.tell_dropped();
            match pauses.next().filter(|_| refused.may_work_later && !stops) {
                Some(pause) => stops = tokio::time::timeout(*pause, stop.clone()).await.is_ok(),
                None => return self.queue.drop_more(spans.len()),
            }
        }
    }

    async fn send(&self, body: Bytes) -> Result<(), Refused> {
        let sent = self.client.send(&Method::POST, PATH, &self.headers, body);
        let late = |_| Failed(format!("no answer within {TIMEOUT:?}"));
        let (status, _) = tokio::time::timeout(TIMEOUT, sent).await.map_err(late)??;
        let later = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        if status.is_success() {
            return Ok(());
        }
        Err(Refused { why: format!("it answered {status}"), may_work_later: later.contains(&status) })
    }

    fn tell_dropped(&self) {
        let dropped = self.queue.take_dropped();
        if dropped > 0 {
            tracing::warn!(spans = dropped, "spans of traces were dropped");
        }
    }
}
