//! Settings of proxies in front of the service.

use std::str::FromStr;

use clap::Args;

use crate::http::{ForwardedBy, Network, Proxies};

/// What is in front of the service.
#[derive(Clone, Debug, Args)]
pub struct ProxyArgs {
    /// The proxies that are believed when they say where a request comes from: addresses and networks, with commas between
    /// them, such as `10.0.0.0/8,fd00::/8`. Whoever else says so is not believed.
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = Network::parse)]
    pub trusted_proxies: Vec<Network>,

    /// Where these proxies say it: `x-forwarded-for` or `forwarded`. They must write this header themselves, or add to it, on every request.
    #[arg(long, env = "LATCHKEY_PROXY_HEADER", value_name = "HEADER", default_value = "x-forwarded-for", value_parser = ForwardedBy::from_str)]
    pub proxy_header: ForwardedBy,
}

impl ProxyArgs {
    /// The settings, where there is a proxy `in_front` or perhaps none.
    #[must_use]
    pub fn settings(&self, in_front: bool) -> Proxies {
        Proxies { trusted: self.trusted_proxies.clone(), header: self.proxy_header, in_front }
    }
}
