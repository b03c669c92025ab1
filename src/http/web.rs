//! What an operator decides about browsers, and what handlers know of it.

use std::{net::IpAddr, sync::Arc};

use poem::{
    Request,
    http::{HeaderValue, header},
};

use super::{client_address::Proxies, code::Code, languages, origin::Origin, problem::Problem};
use crate::accounts::MailRequest;

/// What an operator decides about browsers.
#[derive(Clone, Debug, Default)]
pub struct WebSettings {
    /// Whether clients may have their tokens in cookies.
    pub cookies: bool,
    /// The origins whose pages may read answers and use cookies.
    pub origins: Vec<Origin>,
    /// What is between browsers and this service.
    pub proxies: Proxies,
    /// Whether browsers shall come here with TLS only, and to all names below this one (HSTS, RFC 6797).
    pub strict_transport: bool,
    /// What this service calls itself on its pages.
    pub product: String,
}

/// The settings, and where this service itself is. It is in the data of every request.
#[derive(Debug)]
pub(super) struct Web {
    settings: WebSettings,
    own: Option<Origin>,
}

impl Web {
    pub(super) fn new(settings: &WebSettings, issuer: &str) -> Self {
        Self { settings: settings.clone(), own: Origin::of_url(issuer) }
    }

    pub(super) fn of(request: &Request) -> Result<&Self, Problem> {
        request.data::<Arc<Self>>().map(|web| &**web).ok_or_else(|| Problem::new(Code::InternalError))
    }

    /// Where a request comes from, as far as that can be known.
    pub(super) fn client_address(&self, request: &Request) -> Option<IpAddr> {
        self.settings.proxies.client_address(request)
    }

    /// Who asks for a mail with a request.
    pub(super) fn mail_request(&self, request: &Request) -> MailRequest {
        MailRequest { languages: languages::of(request), from: self.client_address(request) }
    }

    /// What this service calls itself.
    pub(super) fn product(&self) -> &str {
        &self.settings.product
    }

    pub(super) fn has_cookies(&self) -> bool {
        self.settings.cookies
    }

    /// Whether the cookies of a request count. A header goes before them: a browser sends cookies unasked, and a header
    /// because somebody wants it.
    pub(super) fn takes_cookies_of(&self, request: &Request) -> bool {
        self.settings.cookies && !request.headers().contains_key(header::AUTHORIZATION)
    }

    /// Whether this is the origin of this service.
    pub(super) fn is_own(&self, header: &HeaderValue) -> bool {
        self.own.as_ref().is_some_and(|own| own.is(header))
    }

    pub(super) fn lists(&self, header: &HeaderValue) -> bool {
        self.settings.origins.iter().any(|origin| origin.is(header))
    }
}
