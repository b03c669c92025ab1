//! How much of a request is read, and for how long.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use poem::{Body, Endpoint, Middleware, Request, Result, error::ReadBodyError, http::Method};
use tokio::sync::Semaphore;

use super::{
    code::Code,
    problem::Problem,
    upload::{self, UploadTime},
};

/// Bytes of large bodies that all connections together may have under way.
const ROOM: usize = 128 * 1024 * 1024;

/// A body that says it has at most so many bytes needs none of that room: nearly all have fewer.
const SMALL: u64 = 4 * 1024;

/// An upload of at most so many bytes is read before anything else, as every other body is.
const READ_AT_ONCE: u64 = 256 * 1024;

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

/// Whether a body is only read once it is known who sends it. What is refused before is still being sent when it is answered.
pub(super) fn is_read_later(request: &Request) -> bool {
    upload::is_upload(request) && announced(request).is_none_or(|length| length > READ_AT_ONCE)
}

/// How many bytes a body says it has.
fn announced(request: &Request) -> Option<u64> {
    request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok())
}

/// Reads the whole body, up to the limits, before anything else looks at the request. What a client says of its length
/// is believed only when it is too much.
pub(super) struct Limits(pub(super) RequestLimits);

/// The endpoint behind [`Limits`].
pub(super) struct Limited<E> {
    inner: E,
    limits: RequestLimits,
    /// Room for so many of the largest bodies.
    room: Arc<Semaphore>,
}

impl<E: Endpoint> Middleware<E> for Limits {
    type Output = Limited<E>;

    fn transform(&self, inner: E) -> Limited<E> {
        let room = Semaphore::new((ROOM / self.0.body.max(1)).max(1));
        Limited { inner, limits: self.0, room: Arc::new(room) }
    }
}

impl<E: Endpoint> Endpoint for Limited<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> Result<E::Output> {
        let RequestLimits { body: most, body_timeout } = self.limits;
        let is_upload = upload::is_upload(&request);
        let most = if is_upload { upload::MOST } else { most };
        let announced = announced(&request);
        if announced.is_some_and(|length| length > most as u64) {
            return Err(Problem::new(Code::BodyTooLarge).into());
        }
        if is_upload {
            request.set_data(UploadTime(body_timeout));
            if is_read_later(&request) {
                return self.inner.call(request).await;
            }
        }
        let body = request.take_body();
        let is_large = !body.is_empty() && announced.is_none_or(|length| length > SMALL);
        let read = async {
            // It is kept until the request is answered, as the body is.
            let room = if is_large { self.room.acquire().await.ok() } else { None };
            Ok((body.into_bytes_limit(most).await?, room))
        };
        // Its timer is only set when the body is not there already.
        let read: Result<(Bytes, _), ReadBodyError> =
            tokio::time::timeout(body_timeout, read).await.map_err(|_| Problem::new(Code::RequestTimeout))?;
        let (bytes, _room) = read.map_err(|e| match e {
            ReadBodyError::PayloadTooLarge => Problem::new(Code::BodyTooLarge).into(),
            e => poem::Error::from(e),
        })?;
        request.set_body(Body::from_bytes(bytes));
        // The server leaves the body out of the answer.
        if request.method() == Method::HEAD {
            request.set_method(Method::GET);
        }
        self.inner.call(request).await
    }
}
