//! The URL of Redis, which may hold a password.

/// A Redis URL. It may hold a password, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The URL, password and all.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The URL without what may be secret, for a log or an error: user and password, also those of sentinels.
    #[must_use]
    pub fn redacted(&self) -> String {
        let scheme = self.0.split_once("://").map_or("", |(scheme, _)| scheme);
        // Of what is no URL, nobody knows which part is the password.
        match url::Url::parse(&self.0) {
            Ok(url) => format!("{scheme}://{}{}", place(&url), url.path()),
            Err(_) => format!("{scheme}://…"),
        }
    }
}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedisUrl({})", self.redacted())
    }
}

pub(super) fn parse(text: &str) -> Result<RedisUrl, &'static str> {
    let schemes = ["redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster", "unix"];
    match text.split_once("://") {
        Some((scheme, rest)) if schemes.contains(&scheme) && !rest.is_empty() && url::Url::parse(text).is_ok() => {
            Ok(RedisUrl(text.to_owned()))
        }
        _ => Err("a URL is needed that begins with redis://, rediss://, redis-sentinel://, rediss-sentinel://, \
                  redis-cluster://, rediss-cluster:// or unix://, such as redis://127.0.0.1:6379; user and password are \
                  percent-encoded in it"),
    }
}

/// The host and the port, if there are any.
fn place(url: &url::Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}
