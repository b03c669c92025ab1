//! Settings of traces.

use std::path::PathBuf;

use clap::Args;
use hyper::header::{HeaderName, HeaderValue};
use url::Url;

use super::{parse, secrets};
use crate::traces::TraceOptions;

/// Where traces are sent, and how many.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// A collector of OpenTelemetry that traces are sent to, as OTLP over HTTP: what `v1/traces` is put behind, such as
    /// `http://127.0.0.1:4318`. Without it, nothing is traced.
    #[arg(long, env = "LATCHKEY_OTLP_ENDPOINT", value_name = "URL", value_parser = parse::otlp_endpoint)]
    otlp_endpoint: Option<Url>,

    /// A file with headers for the collector, a line for each, such as `Authorization: Bearer ...`.
    #[arg(long, env = "LATCHKEY_OTLP_HEADERS_FILE", value_name = "FILE")]
    otlp_headers_file: Option<PathBuf>,

    /// The authorities to trust for TLS to the collector (PEM), in place of those that the system trusts.
    #[arg(long, env = "LATCHKEY_OTLP_CA_FILE", value_name = "FILE")]
    otlp_ca_file: Option<PathBuf>,

    /// Which part of the requests is traced that do not say it themselves by `traceparent`: 0 to 1.
    #[arg(long, env = "LATCHKEY_TRACE_RATIO", value_name = "NUMBER", default_value = "1", value_parser = parse::ratio)]
    trace_ratio: f64,
}

impl TraceArgs {
    /// What settings must not say together, in a line for the operator.
    pub(super) fn check(&self) -> Result<(), String> {
        let uses_tls = self.otlp_endpoint.as_ref().is_some_and(|url| url.scheme() == "https");
        if self.otlp_ca_file.is_some() && !uses_tls {
            return Err("LATCHKEY_OTLP_CA_FILE: it needs a LATCHKEY_OTLP_ENDPOINT that begins with https".to_owned());
        }
        if self.otlp_headers_file.is_some() && self.otlp_endpoint.is_none() {
            return Err("LATCHKEY_OTLP_HEADERS_FILE: it needs LATCHKEY_OTLP_ENDPOINT".to_owned());
        }
        Ok(())
    }

    /// Tells in the log when others may read the file of headers: it was read before there was a log.
    pub fn warn(&self) {
        if let Some(file) = &self.otlp_headers_file {
            secrets::warn_if_open(HEADERS_FILE, file);
        }
    }

    /// Where traces are sent, if they are.
    ///
    /// # Errors
    /// A line for the operator, when the file of headers cannot be read.
    pub fn options(&self) -> Result<Option<TraceOptions>, String> {
        let Some(endpoint) = self.otlp_endpoint.clone() else { return Ok(None) };
        let read = |file: &PathBuf| secrets::read_quietly(HEADERS_FILE, file, header);
        let headers = self.otlp_headers_file.as_ref().map(read).transpose()?.unwrap_or_default();
        Ok(Some(TraceOptions { endpoint, headers, ca_file: self.otlp_ca_file.clone(), ratio: self.trace_ratio }))
    }
}

/// Where the headers are.
const HEADERS_FILE: &str = "LATCHKEY_OTLP_HEADERS_FILE";

/// A line of the file: what is wrong with it is told without it.
fn header(line: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let header = line.split_once(':').and_then(|(name, value)| {
        let mut value = HeaderValue::from_str(value.trim()).ok()?;
        value.set_sensitive(true);
        Some((name.trim().parse::<HeaderName>().ok()?, value))
    });
    header.ok_or("a header is needed, such as Authorization: Bearer ...")
}
