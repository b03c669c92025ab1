//! Settings of browsers.

use clap::Args;

use crate::http::{Origin, WebSettings};

/// What pages in a browser may do.
#[derive(Clone, Debug, Args)]
pub struct WebArgs {
    /// The origins whose pages may call the API from a browser (CORS), exactly, with commas between them, such as
    /// `https://app.example.com`.
    #[arg(long, env = "LATCHKEY_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', value_parser = Origin::parse)]
    cors_origins: Vec<Origin>,
}

impl WebArgs {
    /// The settings.
    #[must_use]
    pub fn settings(&self) -> WebSettings {
        WebSettings { origins: self.cors_origins.clone() }
    }
}
