//! How the values of settings are read, and what is said of wrong ones.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::store::Check;

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

pub(super) fn session_lifetime(text: &str) -> Result<Duration, &'static str> {
    let allowed = Duration::from_secs(60)..=Duration::from_secs(8760 * 3600);
    duration(text).filter(|d| allowed.contains(d)).ok_or("a duration from 1m to 8760h is needed")
}

pub(super) fn shutdown_timeout(text: &str) -> Result<Duration, &'static str> {
    duration(text).filter(|d| d.as_secs() <= 300).ok_or("a duration from 0s to 5m is needed")
}

fn duration(text: &str) -> Option<Duration> {
    text.parse::<jiff::SignedDuration>().ok()?.try_into().ok()
}

pub(super) fn log(text: &str) -> Result<String, String> {
    let allowed =
        "a level is needed (off, error, warn, info, debug or trace), alone or for a module, such as info,poem=warn";
    // A word alone that is no level would be taken for a module, and nothing else would be logged.
    let mut words = text.split(',').map(str::trim).filter(|word| !word.contains(['=', '[']));
    if words.any(|word| word.parse::<tracing_subscriber::filter::LevelFilter>().is_err()) {
        return Err(allowed.to_owned());
    }
    tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|e| format!("{allowed}: {e}"))
}
