//! Where traces are sent, and how many.

use std::{fmt, path::PathBuf};

use hyper::header::{HeaderName, HeaderValue};
use url::Url;

/// Where traces are sent, and how many.
#[derive(Clone)]
pub struct TraceOptions {
    /// The collector: `v1/traces` is put behind it.
    pub endpoint: Url,
    /// Headers of every request to it. They may be secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The authorities to trust for TLS to it, in place of those of the system.
    pub ca_file: Option<PathBuf>,
    /// Which part of the traces that begin here is recorded: 0 to 1.
    pub ratio: f64,
}

impl fmt::Debug for TraceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceOptions")
            .field("endpoint", &self.endpoint.as_str())
            .field("ca_file", &self.ca_file)
            .field("ratio", &self.ratio)
            .finish_non_exhaustive()
    }
}
