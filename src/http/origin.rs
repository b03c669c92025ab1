//! Origins (RFC 6454): where a page comes from, in the form in which a browser says it.

use poem::http::{HeaderMap, HeaderValue, header};
use url::Url;

/// An origin: scheme, host and port. It is in lower case and has no port that its scheme has by default, so it equals
/// what a browser sends, letter by letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "exact origins are needed, with commas between them: a scheme (https or http), a host and perhaps a port, without a \
     path or a slash at the end, such as https://app.example.com"
)]
pub struct InvalidOrigin;

impl Origin {
    /// Reads an origin, in any case and with any port.
    ///
    /// # Errors
    /// [`InvalidOrigin`] when it is more than an origin, or a pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.trim();
        let (_, place) = text.split_once("://").ok_or(InvalidOrigin)?;
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if place.ends_with(':') || !place.chars().all(is_plain) {
            return Err(InvalidOrigin);
        }
        Self::of_url(text).ok_or(InvalidOrigin)
    }

    /// The origin that a URL is of.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        Some(Self(url.origin().ascii_serialization()))
    }

    /// Whether a browser means this origin by this header.
    pub(super) fn is(&self, header: &HeaderValue) -> bool {
        self.0.as_bytes() == header.as_bytes()
    }
}

/// Where a request says that it comes from, if it says so once.
pub(super) fn of(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(header::ORIGIN).iter();
    lines.next().filter(|_| lines.next().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_send_it() {
        for (text, kept) in [
            ("https://app.example.com", "https://app.example.com"),
            (" HTTPS://App.Example.COM:443", "https://app.example.com"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://localhost:80", "https://localhost:80"),
            ("https://b\u{fc}cher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().0, kept, "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example.com",
            "//app.example.com",
            "https:app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com\\",
            "https://app.example.com/path",
            "https://app.example.com?query",
            "https://app.example.com#fragment",
            "https://user@app.example.com",
            "https://*.example.com",
            "https://app.example.com:",
            "https://app.example.com:99999",
            "https://app.exa\tmple.com",
            "ftp://app.example.com",
            "file://",
            "capacitor://localhost",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_has_an_origin_and_a_request_has_one_or_none() {
        let own = Origin::of_url("https://accounts.example.com:443/auth").unwrap();
        assert!(own.is(&HeaderValue::from_static("https://accounts.example.com")));
        assert!(!own.is(&HeaderValue::from_static("https://accounts.example.com:443")));
        let mut headers = HeaderMap::new();
        assert!(of(&headers).is_none());
        headers.append(header::ORIGIN, HeaderValue::from_static("https://a.example"));
        assert!(of(&headers).is_some());
        headers.append(header::ORIGIN, HeaderValue::from_static("https://a.example"));
        assert!(of(&headers).is_none(), "it is said twice");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_is_kept_is_its_own_origin(text in "(https?://)?[\\PC]{0,30}(:[0-9]{1,5})?") {
            if let Ok(origin) = Origin::parse(&text) {
                prop_assert_eq!(&Origin::parse(&origin.0).unwrap(), &origin);
                prop_assert!(origin.is(&HeaderValue::from_str(&origin.0).unwrap()));
            }
        }
    }
}
