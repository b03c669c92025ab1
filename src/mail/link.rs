//! Where a link in a letter leads: a URL with a place for the token.

use std::{fmt, str::FromStr};

use url::Url;
use zeroize::Zeroizing;

const PLACE: &str = "{token}";

/// A URL with `{token}` in it once, behind the host.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkTemplate(String);

/// The text is no such URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a URL of at most 512 visible ASCII characters is needed that begins with https:// (or http://) and has {{token}} in \
     its path, query or fragment once, such as https://www.example.com/verify#token={{token}}"
)]
pub struct InvalidLinkTemplate;

impl LinkTemplate {
    /// The link of this token.
    pub(super) fn link(&self, token: &str) -> Zeroizing<String> {
        let token = Zeroizing::new(url::form_urlencoded::byte_serialize(token.as_bytes()).collect::<String>());
        Zeroizing::new(self.0.replace(PLACE, &token))
    }
}

impl FromStr for LinkTemplate {
    type Err = InvalidLinkTemplate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_short = text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let is_absolute = text.starts_with("https://") || text.starts_with("http://");
        let with = |token| Url::parse(&text.replacen(PLACE, token, 1)).ok();
        let (Some(one), Some(other)) = (with("a"), with("b")) else { return Err(InvalidLinkTemplate) };
        let stays = one.has_host() && one.host() == other.host() && one.port() == other.port();
        let is_anonymous = one.username().is_empty() && one.password().is_none();
        let others = text.replacen(PLACE, "", 1).contains(['{', '}']);
        if is_short && is_absolute && stays && is_anonymous && text.contains(PLACE) && !others {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLinkTemplate)
        }
    }
}

impl fmt::Debug for LinkTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_has_the_token_in_its_place() {
        for (template, link) in [
            ("https://a.example/verify?token={token}", "https://a.example/verify?token=lkm_-x"),
            ("http://127.0.0.1:9443/{token}/verify", "http://127.0.0.1:9443/lkm_-x/verify"),
            ("https://a.example/#/verify/{token}", "https://a.example/#/verify/lkm_-x"),
        ] {
            assert_eq!(*template.parse::<LinkTemplate>().unwrap().link("lkm_-x"), link);
        }
        let template = "https://a.example/{token}".parse::<LinkTemplate>().unwrap();
        assert_eq!(*template.link("a\"b&c\r\n"), "https://a.example/a%22b%26c%0D%0A");
    }

    #[test]
    fn what_has_no_place_for_the_token_is_refused() {
        let long = format!("https://a.example/{}?{{token}}", "a".repeat(500));
        for text in [
            "",
            "{token}",
            "https://a.example/verify",
            "https://a.example/{token}?again={token}",
            "https://a.example/{Token}",
            "https://a.example/{token}/{user}",
            "https://{token}",
            "https://{token}.example/",
            "https://a.example:{token}/",
            "https://{token}@a.example/",
            "https://me:pw@a.example/{token}",
            "/verify?token={token}",
            "ftp://a.example/{token}",
            "javascript:{token}",
            "https:a.example/{token}",
            "https://a.example/ {token}",
            "https://a.example\\{token}",
            &long,
        ] {
            assert_eq!(text.parse::<LinkTemplate>(), Err(InvalidLinkTemplate), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_the_host_is_not_the_tokens(text in "(https?://)?\\PC{0,20}(\\{token\\})?\\PC{0,20}") {
            if let Ok(template) = text.parse::<LinkTemplate>() {
                let host = |token| Url::parse(&template.link(token)).unwrap().host_str().unwrap().to_owned();
                prop_assert_eq!(host("evil.example"), host("@/:"));
            }
        }
    }
}
