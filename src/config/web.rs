//! Settings of browsers.

use clap::Args;

use crate::http::{Origin, Proxies, WebSettings};

/// What pages in a browser may do.
#[derive(Clone, Debug, Args)]
pub struct WebArgs {
    /// Clients may ask for their tokens in cookies when they sign in, which is for browsers. Requests with cookies that
    /// change something must come from a page of the origin of `LATCHKEY_ISSUER` or of one in `LATCHKEY_CORS_ORIGINS`.
    #[arg(long, env = "LATCHKEY_COOKIES", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    cookies: bool,

    /// The origins whose pages may call the API from a browser (CORS), exactly, with commas between them, such as
    /// `https://app.example.com`.
    #[arg(long, env = "LATCHKEY_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', value_parser = Origin::parse)]
    cors_origins: Vec<Origin>,
}

impl WebArgs {
    /// The settings of a service of this name that browsers shall come to with TLS only, or not.
    #[must_use]
    pub fn settings(&self, product: &str, proxies: Proxies, strict_transport: bool) -> WebSettings {
        let (cookies, origins, product) = (self.cookies, self.cors_origins.clone(), product.to_owned());
        WebSettings { cookies, origins, proxies, strict_transport, product }
    }
}
