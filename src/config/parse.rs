//! How the values of settings are read, and what is said of wrong ones.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    accounts::{Algorithm, MasterSecret, Pepper},
    store::Check,
};

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an IP address and a port are needed, such as 127.0.0.1:9443 or [::1]:9443")
}

pub(super) fn prefix(text: &str) -> Result<String, &'static str> {
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '{' | '}');
    if text.len() <= 64 && text.chars().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("at most 64 visible ASCII characters are allowed, without braces")
    }
}

pub(super) fn check(text: &str) -> Result<Check, String> {
    text.trim().parse().ok().filter(|check: &Check| check.may_be_accepted()).ok_or_else(|| {
        let allowed = Check::ALL.into_iter().filter(|check| check.may_be_accepted()).map(Check::name);
        format!("names of checks are needed, with commas between them: {}", allowed.collect::<Vec<_>>().join(", "))
    })
}

pub(super) fn number<const LEAST: u32, const MOST: u32>(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
    number.ok_or_else(|| format!("a number from {LEAST} to {MOST} is needed"))
}

pub(super) fn folder(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("the path of a folder is needed") } else { Ok(PathBuf::from(text)) }
}

/// A duration of so many seconds.
pub(crate) fn duration<const LEAST: u64, const MOST: u64>(text: &str) -> Result<Duration, String> {
    between(text, LEAST * 1000, MOST * 1000)
}

/// A duration of so many days.
pub(super) fn days<const LEAST: u64, const MOST: u64>(text: &str) -> Result<Duration, String> {
    between(text, LEAST * DAY * 1000, MOST * DAY * 1000)
}

/// A duration of so many milliseconds.
pub(super) fn milliseconds<const LEAST: u64, const MOST: u64>(text: &str) -> Result<Duration, String> {
    between(text, LEAST, MOST)
}

fn between(text: &str, least: u64, most: u64) -> Result<Duration, String> {
    let allowed = Duration::from_millis(least)..=Duration::from_millis(most);
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let parsed = match days {
        Some(days) => Some(Duration::from_secs(u64::from(days) * DAY)),
        None => text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok()),
    };
    parsed.filter(|duration| allowed.contains(duration)).ok_or_else(|| {
        format!(
            "a duration from {} to {} is needed, in whole days such as 30d, or in h, m, s or ms",
            spelled(least),
            spelled(most)
        )
    })
}

fn spelled(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        _ if !milliseconds.is_multiple_of(1000) => format!("{milliseconds}ms"),
        s if s > 0 && s % DAY == 0 => format!("{}d", s / DAY),
        s if s > 0 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// An issuer (RFC 8414, 2): it is compared letter by letter, so it is kept as it is written.
pub(super) fn issuer(text: &str) -> Result<String, &'static str> {
    let is_issuer = |url: &url::Url| {
        // The parser forgives what a comparison letter by letter does not: spaces, backslashes, missing slashes.
        (text.starts_with("https://") || text.starts_with("http://"))
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.contains(['?', '#'])
            && !text.ends_with('/')
            && text.len() <= 256
    };
    match url::Url::parse(text) {
        Ok(url) if is_issuer(&url) => Ok(text.to_owned()),
        _ => {
            Err("a URL of at most 256 characters that begins with https:// (or http://) is needed, without a query, a \
                  fragment or a slash at the end, such as https://accounts.example.com")
        }
    }
}

/// A URL that something is put behind: with a slash at its end, which is added where it is missing.
pub(super) fn range_url(text: &str) -> Result<url::Url, &'static str> {
    let allowed = "a URL that begins with https:// or http:// is needed, without a user, a query or a fragment, such as \
                   https://api.pwnedpasswords.com/range/";
    prefix_url(text).ok_or(allowed)
}

/// The same, of a collector of traces.
pub(super) fn otlp_endpoint(text: &str) -> Result<url::Url, &'static str> {
    let allowed = "a URL that begins with https:// or http:// is needed, without a user, a query or a fragment, such as \
                   http://127.0.0.1:4318";
    prefix_url(text).ok_or(allowed)
}

fn prefix_url(text: &str) -> Option<url::Url> {
    let slash = if text.ends_with('/') { "" } else { "/" };
    let url = url::Url::parse(&format!("{text}{slash}")).ok()?;
    let is_plain = matches!(url.scheme(), "https" | "http")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && !text.contains(['?', '#']);
    is_plain.then_some(url)
}

/// A part of something.
pub(super) fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("a number from 0 to 1 is needed, such as 0.1")
}

pub(super) fn audience(text: &str) -> Result<String, &'static str> {
    let is_plain = (1..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    if is_plain { Ok(text.to_owned()) } else { Err("1 to 256 visible ASCII characters are needed") }
}

pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    let names = Algorithm::ALL.map(Algorithm::name);
    text.parse().map_err(|()| format!("one of these is needed: {}", names.join(", ")))
}

pub(super) fn master_secret(text: &str) -> Result<MasterSecret, String> {
    MasterSecret::parse(text.trim()).map_err(|e| e.to_string())
}

pub(super) fn pepper(text: &str) -> Result<Pepper, String> {
    Pepper::parse(text).map_err(|e| e.to_string())
}

pub(super) fn log(text: &str) -> Result<String, String> {
    let allowed =
        "a level is needed (off, error, warn, info, debug or trace), alone or for a module, such as info,poem=warn";
    // A word alone that is no level would be taken for a module, and nothing else would be logged.
    let mut words = text.split(',').map(str::trim).filter(|word| !word.contains(['=', '[']));
    if words.any(|word| word.parse::<tracing_subscriber::filter::LevelFilter>().is_err()) {
        return Err(allowed.to_owned());
    }
    text.parse::<tracing_subscriber::filter::Targets>().map(|_| text.to_owned()).map_err(|e| format!("{allowed}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::{issuer, range_url};

    #[test]
    fn a_range_url_ends_with_a_slash_and_has_nothing_behind_it() {
        for good in ["https://api.pwnedpasswords.com/range/", "https://api.pwnedpasswords.com/range"] {
            assert_eq!(range_url(good).unwrap().as_str(), "https://api.pwnedpasswords.com/range/");
        }
        assert_eq!(range_url("http://[::1]:80").unwrap().as_str(), "http://[::1]/");
        for bad in
            ["", "range", "ftp://a.example/", "https://", "https://me@a.example", "https://a.example/?x", "http://a/#"]
        {
            assert!(range_url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_issuer_is_a_url_that_is_written_in_one_way() {
        for good in ["https://accounts.example.com", "http://127.0.0.1:9443", "https://example.com/auth"] {
            assert_eq!(issuer(good).unwrap(), good);
        }
        let long = format!("https://{}.example", "a".repeat(250));
        for bad in [
            "",
            "accounts.example.com",
            "ftp://a.example",
            "https://",
            "https:a.example",
            "https:\\\\a.example",
            " https://a.example",
            "https://a.example\n",
            "https://a.example/a b",
            "https://a.example/",
            "https://a.example?x",
            "https://a.example#x",
            "https://me@a.example",
            "https://me:pw@a.example",
            &long,
        ] {
            assert!(issuer(bad).is_err(), "{bad:?}");
        }
    }
}
