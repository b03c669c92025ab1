//! How much of a request is read.

use poem::{Body, Endpoint, Middleware, Request, Result, error::ReadBodyError, http::Method};

use super::{code::Code, problem::Problem};

/// The largest body that is read, in bytes.
pub(super) const BODY: usize = 64 * 1024;

/// Reads the whole body, up to the limit, before anything else looks at the request. What a client says of its length
/// is believed only when it is too much.
pub(super) struct Limits;

/// The endpoint behind [`Limits`].
pub(super) struct Limited<E>(E);

impl<E: Endpoint> Middleware<E> for Limits {
    type Output = Limited<E>;

    fn transform(&self, endpoint: E) -> Limited<E> {
        Limited(endpoint)
    }
}

impl<E: Endpoint> Endpoint for Limited<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> Result<E::Output> {
        let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > BODY as u64) {
            return Err(Problem::new(Code::BodyTooLarge).into());
        }
        let bytes = request.take_body().into_bytes_limit(BODY).await.map_err(|e| match e {
            ReadBodyError::PayloadTooLarge => Problem::new(Code::BodyTooLarge).into(),
            e => poem::Error::from(e),
        })?;
        request.set_body(Body::from_bytes(bytes));
        // The server leaves the body out of the answer by itself.
        if request.method() == Method::HEAD {
            request.set_method(Method::GET);
        }
        self.0.call(request).await
    }
}
