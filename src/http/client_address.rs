//! Where a request comes from, when there are proxies in front.
//!
//! Anybody can write `X-Forwarded-For` or `Forwarded`. So they are read from the right, where the nearest proxy adds, and
//! only as far as those say it who are trusted: the first address that is no trusted proxy's is the client's.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use poem::{
    Request,
    http::{HeaderMap, HeaderName, header},
    web::RemoteAddr,
};

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// The text is no network.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("IP addresses and networks are needed, with commas between them, such as 127.0.0.1,10.0.0.0/8,fd00::/8")]
pub struct InvalidNetwork;

impl Network {
    /// Reads an address or a network.
    ///
    /// # Errors
    /// [`InvalidNetwork`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        let text = text.trim();
        let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        address.or_else(|_| text.parse()).map(Self).map_err(|_| InvalidNetwork)
    }
}

/// The header in which proxies say where a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, which most write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedBy {
    const NAMES: [(Self, &str); 2] = [(Self::XForwardedFor, "x-forwarded-for"), (Self::Forwarded, "forwarded")];

    fn header(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }
}

impl FromStr for ForwardedBy {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::NAMES.into_iter().find(|(_, name)| text.eq_ignore_ascii_case(name));
        known.map(|(header, _)| header).ok_or("one of these is needed: x-forwarded-for, forwarded")
    }
}

/// The proxies in front.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Who is believed.
    pub trusted: Vec<Network>,
    /// What of theirs is read.
    pub header: ForwardedBy,
    /// Whether there is a proxy that may not be among the trusted ones.
    pub in_front: bool,
}

impl Proxies {
    /// Whether every request seems to come from a proxy, so that nobody knows where it is from.
    #[must_use]
    pub fn hide_clients(&self) -> bool {
        self.in_front && self.trusted.is_empty()
    }

    /// Where a request comes from, as far as that can be known.
    pub(super) fn client_address(&self, request: &Request) -> Option<IpAddr> {
        let RemoteAddr(remote) = request.remote_addr();
        let peer = remote.as_socket_addr()?.ip().to_canonical();
        if self.trusts(peer) { self.forwarded_for(request.headers()) } else { (!self.hide_clients()).then_some(peer) }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|Network(network)| network.contains(&address))
    }

    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines = headers.get_all(self.header.header()).iter().rev();
        let mut nearest = None;
        for line in lines {
            let line = String::from_utf8_lossy(line.as_bytes());
            for hop in split(&line, ',').into_iter().rev() {
                let address = self.address(hop)?;
                if !self.trusts(address) {
                    return Some(address);
                }
                nearest = Some(address);
            }
        }
        nearest // nobody but proxies: the farthest of them asks for itself
    }

    fn address(&self, hop: &str) -> Option<IpAddr> {
        let node = match self.header {
            ForwardedBy::XForwardedFor => hop.trim(),
            ForwardedBy::Forwarded => split(hop, ';').into_iter().find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then_some(value.trim().trim_matches('"'))
            })?,
        };
        // An address alone, in brackets, or with a port. Anything else, such as `unknown` or `_hidden`, is nobody's.
        let in_brackets = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
        let address =
            node.parse().ok().or_else(in_brackets).or_else(|| Some(node.parse::<std::net::SocketAddr>().ok()?.ip()));
        address.map(|address: IpAddr| address.to_canonical())
    }
}

/// The parts of a text between separators that are not in quotes (RFC 9110, 5.6.4), as they are found from the right: a
/// proxy closes the quotes that it opens, and what a client wrote before it may be anything.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut end, mut in_quotes) = (Vec::new(), text.len(), false);
    for (at, c) in text.char_indices().rev() {
        let before = text.get(..at).unwrap_or_default();
        let is_escaped = || before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        if c == '"' {
            in_quotes ^= !is_escaped();
        } else if c == separator && !in_quotes {
            parts.extend(text.get(at + c.len_utf8()..end));
            end = at;
        }
    }
    parts.extend(text.get(..end));
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies(header: ForwardedBy) -> Proxies {
        let trusted = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].map(|text| Network::parse(text).unwrap()).into();
        Proxies { trusted, header, in_front: true }
    }

    fn client(header: ForwardedBy, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.header(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies(header).forwarded_for(&headers).map(|address| address.to_string())
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
        let x = |lines: &[&str]| client(ForwardedBy::XForwardedFor, lines);
        let ada = Some("192.0.2.1".to_owned());
        assert_eq!(x(&["192.0.2.1"]), ada);
        assert_eq!(x(&["8.8.8.8, 192.0.2.1"]), ada, "what the client wrote itself is not believed");
        assert_eq!(x(&["8.8.8.8,192.0.2.1, 10.1.2.3 ,fd00::1"]), ada);
        assert_eq!(x(&["8.8.8.8", "192.0.2.1", "10.1.2.3"]), ada, "several lines are one list");
        assert_eq!(x(&["192.0.2.1:4711"]), ada);
        assert_eq!(x(&["::ffff:192.0.2.1"]), ada);
        assert_eq!(x(&["[2001:db8::1]:4711"]), Some("2001:db8::1".to_owned()));
        assert_eq!(x(&["10.1.1.1, 10.2.2.2"]), Some("10.1.1.1".to_owned()));
        for nobody in
            [&[][..], &[""], &["unknown"], &["192.0.2.1, unknown"], &["192.0.2.1,"], &["192.0.2.1, 10.0.0.1, x"]]
        {
            assert_eq!(x(nobody), None, "{nobody:?}");
        }
    }

    /// The examples of RFC 7239, section 4.
    #[test]
    fn forwarded_is_read_as_the_rfc_says() {
        let f = |line: &str| client(ForwardedBy::Forwarded, &[line]);
        assert_eq!(f(r#"For="[2001:db8:cafe::17]:4711""#), Some("2001:db8:cafe::17".to_owned()));
        assert_eq!(f("for=192.0.2.60;proto=http;by=203.0.113.43"), Some("192.0.2.60".to_owned()));
        assert_eq!(f("for=192.0.2.43, for=198.51.100.17"), Some("198.51.100.17".to_owned()));
        assert_eq!(f(r#"for=192.0.2.43;host="a,b;for=8.8.8.8", for=10.0.0.1"#), Some("192.0.2.43".to_owned()));
        for nobody in [r#"for="_gazonk""#, "for=unknown", "proto=https", "192.0.2.43", ""] {
            assert_eq!(f(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn a_network_is_an_address_or_a_prefix() {
        for text in ["10.0.0.0/8", " 127.0.0.1", "::1", "fd00::/8"] {
            assert!(Network::parse(text).is_ok(), "{text}");
        }
        for text in ["", "10.0.0.0/33", "localhost", "10.0.0", "*"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_a_client_writes_before_its_proxy_never_counts(written in "[ -~\u{e9}]{0,80}|[\",;=\\\\]{0,9}") {
            let ada = Some("192.0.2.1".to_owned());
            for added in ["192.0.2.1, 10.0.0.1", "192.0.2.1"] {
                prop_assert_eq!(client(ForwardedBy::XForwardedFor, &[&written, added]), ada.clone());
                prop_assert_eq!(client(ForwardedBy::XForwardedFor, &[&format!("{written}, {added}")]), ada.clone());
            }
            for added in ["for=192.0.2.1", r#"for="192.0.2.1:4711";host="a,\";for=8.8.8.8,b""#] {
                prop_assert_eq!(client(ForwardedBy::Forwarded, &[&written, added]), ada.clone());
                prop_assert_eq!(client(ForwardedBy::Forwarded, &[&format!("{written}, {added}")]), ada.clone());
            }
        }

        #[test]
        fn reading_never_panics(line in "[ -~]{0,80}") {
            let _ = client(ForwardedBy::XForwardedFor, &[&line]);
            let _ = client(ForwardedBy::Forwarded, &[&line]);
        }
    }
}
