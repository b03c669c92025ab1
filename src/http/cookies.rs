//! The cookies that hold the tokens of a browser.
//!
//! With the prefix `__Host-` a browser takes them only over TLS, from this very host and for all its paths (RFC
//! 6265bis), so that no other host of the same domain can put its own in their place. Scripts cannot read them.

use std::time::Duration;

use poem::http::{HeaderMap, HeaderValue, header};
use poem_openapi::payload::Response;
use zeroize::Zeroizing;

/// The cookie with the access token.
pub(super) const ACCESS: &str = "__Host-latchkey_access";
/// The cookie with the refresh token.
pub(super) const REFRESH: &str = "__Host-latchkey_refresh";

/// The cookie that tells a browser that signed in before. It stays when the browser signs out.
pub(super) const DEVICE: &str = "__Host-latchkey_device";
/// As long as browsers keep a cookie (RFC 6265bis, 5.5).
pub(super) const DEVICE_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// As many bytes of name and value as browsers take (RFC 6265bis, 5.6). What is larger they drop without a word.
const LARGEST: usize = 4096;

/// The text of a cookie, if the request has it. When it is there twice, or is no text, nobody knows which is meant:
/// then it is empty, which is no token.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut found = pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let first = found.next()?;
    let text = if found.next().is_none() { std::str::from_utf8(first).ok() } else { None };
    Some(text.unwrap_or_default())
}

/// Both tokens of a session, as far as the browser has them.
pub(super) fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    [ACCESS, REFRESH].into_iter().filter_map(|name| read(headers, name))
}

/// What an answer sets cookies to.
#[derive(Clone, Debug, Default)]
pub(super) struct SetCookies(Vec<HeaderValue>);

impl SetCookies {
    /// Sets a cookie too.
    pub(super) fn set(mut self, name: &str, value: &str, lifetime: Duration) -> Self {
        let seconds = lifetime.as_secs();
        let bytes = name.len() + value.len();
        if bytes > LARGEST {
            tracing::warn!(
                bytes,
                "a token is larger than browsers keep in a cookie: the person has too many permissions"
            );
        }
        let line = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
        if let Ok(mut line) = HeaderValue::from_str(&Zeroizing::new(line)) {
            line.set_sensitive(true);
            self.0.push(line);
        }
        self
    }

    /// Makes a browser forget its session.
    pub(super) fn cleared() -> Self {
        Self::default().set(ACCESS, "", Duration::ZERO).set(REFRESH, "", Duration::ZERO)
    }

    /// An answer that sets them.
    pub(super) fn on<T>(self, answer: T) -> Response<T> {
        self.0.into_iter().fold(Response::new(answer), |answer, line| answer.header(header::SET_COOKIE, line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_of(lines: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        read(&headers, ACCESS).map(str::to_owned)
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let token = Some("x.y=".to_owned());
        assert_eq!(read_of(&[b"__Host-latchkey_access=x.y="]), token);
        assert_eq!(read_of(&[b"a=b;__Host-latchkey_access=x.y=; \xff=\xff"]), token);
        assert_eq!(read_of(&[b"a=b", b"  __Host-latchkey_access=x.y=  ;"]), token);
        for other in
            [&b""[..], b"a", b"=", b"__Host-latchkey_access", b"__host-latchkey_access=x", b"x__Host-latchkey_access=x"]
        {
            assert_eq!(read_of(&[other]), None);
        }
    }

    #[test]
    fn one_that_is_there_twice_or_is_no_text_is_empty() {
        let empty = Some(String::new());
        assert_eq!(read_of(&[b"__Host-latchkey_access=x; __Host-latchkey_access=x"]), empty);
        assert_eq!(read_of(&[b"__Host-latchkey_access=x", b"__Host-latchkey_access=y"]), empty);
        assert_eq!(read_of(&[b"__Host-latchkey_access=\xff"]), empty);
        assert_eq!(read_of(&[b"__Host-latchkey_access="]), empty);
    }

    #[test]
    fn what_is_set_is_not_shown() {
        let cookies = SetCookies::default().set(ACCESS, "secret", Duration::from_secs(600));
        assert!(!format!("{cookies:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(line in proptest::collection::vec(0x20_u8..=0xff, 0..60)) {
            let line = line.into_iter().filter(|byte| *byte != 0x7f).collect::<Vec<_>>();
            let _ = read_of(&[&line, b"__Host-latchkey_access=", &line]);
        }

        #[test]
        fn what_was_set_is_read_among_whatever_else_there_is(
            token in "[A-Za-z0-9_.-]{1,60}",
            before in "([a-z]{0,5}=?[ -:<-~]{0,9};){0,4} ?",
            after in "(;[a-z]{0,5}=?[ -:<-~]{0,9}){0,4}",
        ) {
            let line = format!("{before}{ACCESS}={token}{after}");
            prop_assert_eq!(read_of(&[line.as_bytes()]), Some(token));
        }
    }
}
