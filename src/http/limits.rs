//! How much of a request is read, and for how long.

use std::time::Duration;

use poem::{Body, Endpoint, Middleware, Request, Result, error::ReadBodyError, http::Method};

use super::{code::Code, problem::Problem};

/// What of every request is read.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// The largest body, in bytes.
    pub body: usize,
    /// How long the body may take to come, all of it.
    pub body_timeout: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { body: 64 * 1024, body_timeout: Duration::from_secs(10) }
    }
}

/// Reads the whole body, up to the limits, before anything else looks at the request. What a client says of its length
/// is believed only when it is too much.
pub(super) struct Limits(pub(super) RequestLimits);

/// The endpoint behind [`Limits`].
pub(super) struct Limited<E> {
    inner: E,
    limits: RequestLimits,
}

impl<E: Endpoint> Middleware<E> for Limits {
    type Output = Limited<E>;

    fn transform(&self, inner: E) -> Limited<E> {
        Limited { inner, limits: self.0 }
    }
}

impl<E: Endpoint> Endpoint for Limited<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> Result<E::Output> {
        let RequestLimits { body: most, body_timeout } = self.limits;
        let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > most as u64) {
            return Err(Problem::new(Code::BodyTooLarge).into());
        }
        // Its timer is only set when the body is not there already.
        let body = tokio::time::timeout(body_timeout, request.take_body().into_bytes_limit(most)).await;
        let bytes = body.map_err(|_| Problem::new(Code::RequestTimeout))?.map_err(|e| match e {
            ReadBodyError::PayloadTooLarge => Problem::new(Code::BodyTooLarge).into(),
            e => poem::Error::from(e),
        })?;
        request.set_body(Body::from_bytes(bytes));
        // The server leaves the body out of the answer by itself.
        if request.method() == Method::HEAD {
            request.set_method(Method::GET);
        }
        self.inner.call(request).await
    }
}
