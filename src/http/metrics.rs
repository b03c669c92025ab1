//! `/metrics`: the page of all numbers, for a collector. It is no part of the document: it is there only where an operator
//! wants it, perhaps at another address, and it is text for one kind of program.

use poem::{
    Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Result, Route, get,
    http::{HeaderValue, header},
};
use poem_openapi::auth::{Bearer, BearerAuthorization};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{WebSettings, auth, code::Code, guarded, problem::Problem};
use crate::metrics::{Page, Sources};

/// Where it is.
pub(super) const PATH: &str = "/metrics";

/// What a collector shows to see the numbers. Only its digest is kept.
#[derive(Clone)]
pub struct MetricsToken([u8; 32]);

/// The text is no token for the numbers.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("16 to 256 visible ASCII characters are needed, such as `openssl rand -hex 32` makes")]
pub struct InvalidMetricsToken;

impl MetricsToken {
    /// Reads a token.
    ///
    /// # Errors
    /// [`InvalidMetricsToken`] when it is too short, too long, or cannot stand in a header.
    pub fn parse(text: &str) -> std::result::Result<Self, InvalidMetricsToken> {
        let is_fit = (16..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if is_fit { Ok(Self(Sha256::digest(text).into())) } else { Err(InvalidMetricsToken) }
    }

    /// Takes the same time wherever the two differ.
    fn is(&self, shown: &str) -> bool {
        self.0.ct_eq(&<[u8; 32]>::from(Sha256::digest(shown))).into()
    }
}

impl std::fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsToken(…)")
    }
}

/// The page, and who may see it: whoever shows one of the tokens; everybody, where there are none.
#[derive(Clone, Debug)]
pub struct MetricsPage {
    /// Whose numbers are on it.
    pub sources: Sources,
    /// The tokens that are good.
    pub tokens: Vec<MetricsToken>,
}

impl MetricsPage {
    /// The page alone, for an address of its own.
    #[must_use]
    pub fn alone(self) -> impl Endpoint<Output = Response> + 'static {
        guarded(self.add(Route::new()), &WebSettings::default())
    }

    /// Adds it to `route`.
    pub(super) fn add(self, route: Route) -> Route {
        route.at(PATH, get(self.into_endpoint().map_to_response()))
    }

    fn admit(&self, request: &Request) -> Result<()> {
        if self.tokens.is_empty() {
            return Ok(());
        }
        let about = "It is one of those in the file that LATCHKEY_METRICS_TOKEN_FILE names.";
        let asked = |code, sentence: &str| Problem::new(code).with_detail(format!("{sentence} {about}"));
        let Ok(shown) = Bearer::from_request(request) else {
            let sentence = "Send a token for the numbers in the header `Authorization: Bearer <token>`.";
            return Err(asked(Code::AuthenticationRequired, sentence).into());
        };
        // Each is compared, whichever it is.
        let is_good = self.tokens.iter().fold(false, |found, token| token.is(&shown.token) | found);
        if is_good && !auth::is_said_twice(request) {
            Ok(())
        } else {
            Err(asked(Code::TokenInvalid, "This is no token for the numbers.").into())
        }
    }
}

impl Endpoint for MetricsPage {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        self.admit(&request)?;
        let mut response = self.sources.page().await.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Page::MEDIA_TYPE));
        Ok(response)
    }
}
