//! The URL of a mail server, which may hold a password.

use std::{fmt, net::IpAddr};

use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use url::Url;
use zeroize::Zeroizing;

use crate::mail::Security;

const ALLOWED: &str = "a URL is needed such as smtps://user:password@mail.example.com (TLS), \
                       smtp://user:password@mail.example.com (STARTTLS) or smtp://127.0.0.1:1025?disable_starttls=true \
                       (plain text); what is special in the password is percent-encoded";
const NOT_SO_FAR: &str = "plain text (disable_starttls=true) is for a server nearby: on loopback, at a private address, or \
                          with a name without a dot";

/// A mail server. Its password is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) user: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpUrl({}:{})", self.host, self.port)
    }
}

pub(super) fn parse(text: &str) -> Result<SmtpUrl, &'static str> {
    let url = Url::parse(text).map_err(|_| ALLOWED)?;
    let has_more = !matches!(url.path(), "" | "/") || url.fragment().is_some();
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    if has_more || ServerName::try_from(host.as_str()).is_err() {
        return Err(ALLOWED);
    }
    let security = match (url.scheme(), url.query()) {
        ("smtps", None) => Security::Tls,
        ("smtp", None | Some("disable_starttls=false")) => Security::StartTls,
        ("smtp", Some("disable_starttls=true")) if is_nearby(&host) => Security::Plain,
        ("smtp", Some("disable_starttls=true")) => return Err(NOT_SO_FAR),
        _ => return Err(ALLOWED),
    };
    let port = url.port().unwrap_or(if security == Security::Tls { 465 } else { 587 });
    let user = (!url.username().is_empty()).then(|| decoded(url.username())).transpose()?;
    let password = url.password().map(decoded).transpose()?.map(Zeroizing::new);
    if port == 0 || (user.is_none() && password.is_some()) {
        return Err(ALLOWED);
    }
    Ok(SmtpUrl { host, port, security, user, password })
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| ALLOWED)?;
    if decoded.contains(char::is_control) { Err(ALLOWED) } else { Ok(decoded.into_owned()) }
}

/// Whether a server is on this machine or in its own network: nobody on the internet has such an address, or a name without
/// a dot, as containers have.
fn is_nearby(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => !host.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (String, u16, Security) {
        let url = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        (url.host, url.port, url.security)
    }

    #[test]
    fn the_scheme_and_the_query_say_how_the_way_is_protected() {
        for (text, host, port, security) in [
            ("smtps://mail.example.com", "mail.example.com", 465, Security::Tls),
            ("smtps://mail.example.com:2465/", "mail.example.com", 2465, Security::Tls),
            ("smtp://mail.example.com", "mail.example.com", 587, Security::StartTls),
            ("smtp://mail.example.com:25?disable_starttls=false", "mail.example.com", 25, Security::StartTls),
            ("smtp://127.0.0.1:1025?disable_starttls=true", "127.0.0.1", 1025, Security::Plain),
            ("smtp://[::1]:1025/?disable_starttls=true", "::1", 1025, Security::Plain),
            ("smtp://mailpit:1025?disable_starttls=true", "mailpit", 1025, Security::Plain),
            ("smtp://10.1.2.3?disable_starttls=true", "10.1.2.3", 587, Security::Plain),
            ("smtp://[fd00::1]?disable_starttls=true", "fd00::1", 587, Security::Plain),
        ] {
            assert_eq!(read(text), (host.to_owned(), port, security), "{text}");
        }
    }

    #[test]
    fn user_and_password_are_percent_decoded_and_not_shown() {
        let url = parse("smtps://me%40example.com:p%2Fq%3Fr+s@mail.example.com").unwrap();
        assert_eq!(url.user.as_deref(), Some("me@example.com"));
        assert_eq!(url.password.as_ref().map(|password| password.as_str()), Some("p/q?r+s"));
        assert_eq!(format!("{url:?}"), "SmtpUrl(mail.example.com:465)");
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for text in [
            "",
            "mail.example.com",
            "smtp://",
            "smtps://:465",
            "https://mail.example.com",
            "smtps://mail.example.com/path",
            "smtps://mail.example.com?disable_starttls=true",
            "smtp://mail.example.com?tls=none",
            "smtp://localhost?disable_starttls=true&disable_starttls=false",
            "smtp://localhost?disable_starttls=1",
            "smtps://mail.example.com#x",
            "smtps://:password@mail.example.com",
            "smtps://me:a%00b@mail.example.com",
            "smtps://me:a%0Ab@mail.example.com",
            "smtps://me:%ff@mail.example.com",
            "smtps://mail.example.com:0",
            "smtps://mail.example.com:99999",
            "smtps://mail example.com",
        ] {
            assert_eq!(parse(text), Err(ALLOWED), "{text:?}");
        }
        for far in ["mail.example.com", "192.0.2.1", "[2001:db8::1]", "localhost.example.com"] {
            assert_eq!(parse(&format!("smtp://{far}?disable_starttls=true")), Err(NOT_SO_FAR), "{far}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_nothing_far_is_in_plain_text(text in "(smtps?://)?\\PC{0,20}(:[0-9]{1,5})?(\\?disable_starttls=true)?") {
            if let Ok(url) = parse(&text) {
                prop_assert!(url.security != Security::Plain || is_nearby(&url.host));
            }
        }

        #[test]
        fn a_password_survives(password in "[^\\pC]{1,20}") {
            let encoded = percent_encoding::utf8_percent_encode(&password, percent_encoding::NON_ALPHANUMERIC);
            let url = parse(&format!("smtps://me:{encoded}@mail.example.com")).unwrap();
            prop_assert_eq!(&*url.password.unwrap(), &password);
        }
    }
}
