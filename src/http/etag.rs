//! Entity tags (RFC 9110, 8.8.3): the version of a user, between quotes. Where roles give the user more than they have by
//! themselves, a digest of all that they may do stands behind it, since a role can change without any user.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::header::HeaderValue;
use crate::accounts::{Permission, User, VersionMatch};

/// How many bytes of a digest are in a tag: it tells two versions apart, and guards nothing.
const DIGEST: usize = 8;

/// The tag of a user: it changes with what is shown of them, but for two things that administrators are shown and that are
/// no changes of the account: the time of the last sign-in, and that a suspension has come to its end by itself.
pub(super) fn of(user: &User) -> String {
    let shown = user.permissions();
    if shown.len() == user.grants.permissions().len() {
        return of_version(user.version);
    }
    let mut digest = Sha256::new();
    for permission in shown.into_iter().map(Permission::as_str) {
        digest.update(permission);
        digest.update([0]);
    }
    let mut tag = format!("\"{}-", user.version);
    for byte in digest.finalize().iter().take(DIGEST) {
        let _ = write!(tag, "{byte:02x}"); // text takes everything
    }
    tag + "\""
}

/// The tag of what is in this version.
pub(super) fn of_version(version: u64) -> String {
    format!("\"{version}\"")
}

/// `If-Match`: the versions that a change is meant for. Tags are compared strongly, so a weak one matches nothing. What roles
/// give is not compared: a change of the user is none of a role.
pub(super) struct IfMatch(pub(super) VersionMatch);

/// `If-None-Match`: the tags that a client has, if it has any. They are compared weakly.
pub(super) struct IfNoneMatch(Option<Tags>);

/// Tags without their quotes.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    OneOf(Vec<String>),
}

const PATTERN: &str = r#"^(\*|[ ,]*(W/)?"[^"]*"( *,[ ,]*(W/)?"[^"]*")*[ ,]*)$"#;
const ALLOWED: &str = "`*` or a list of entity tags such as `\"3\"`";

impl HeaderValue for IfMatch {
    const PATTERN: &'static str = PATTERN;
    const ALLOWED: &'static str = ALLOWED;

    fn read(lines: &[&str]) -> Option<Self> {
        if lines.is_empty() {
            return Some(Self(VersionMatch::Any));
        }
        Some(Self(match parse(lines, false)? {
            Tags::Any => VersionMatch::Any,
            Tags::OneOf(tags) => VersionMatch::OneOf(tags.iter().filter_map(|tag| version(tag)).collect()),
        }))
    }
}

impl HeaderValue for IfNoneMatch {
    const PATTERN: &'static str = PATTERN;
    const ALLOWED: &'static str = ALLOWED;

    fn read(lines: &[&str]) -> Option<Self> {
        if lines.is_empty() { Some(Self(None)) } else { parse(lines, true).map(Some).map(Self) }
    }
}

impl IfNoneMatch {
    /// Whether the client has what has this tag.
    pub(super) fn has(&self, tag: &str) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::OneOf(tags)) => tags.iter().any(|known| tag.trim_matches('"') == known),
        }
    }
}

/// The version in a tag of ours. A tag is text: `03` is not the tag of version 3.
fn version(tag: &str) -> Option<u64> {
    let is_digest =
        |text: &str| text.len() == 2 * DIGEST && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let number = match tag.split_once('-') {
        Some((number, digest)) if is_digest(digest) => number,
        Some(_) => return None,
        None => tag,
    };
    number.parse::<u64>().ok().filter(|version| version.to_string() == number)
}

/// Reads the lines of a header as one list (RFC 9110, 5.3).
fn parse(lines: &[&str], weak_count: bool) -> Option<Tags> {
    let joined = lines.join(", ");
    let mut rest = joined.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut counted = Vec::new();
    let mut tags = 0;
    while !rest.is_empty() {
        // Empty elements of a list are passed over (RFC 9110, 5.6.1.2).
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            continue;
        }
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if weak_count || !weak {
            counted.push(opaque.to_owned());
        }
        tags += 1;
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    (tags > 0).then_some(Tags::OneOf(counted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_of_tags_are_read() {
        let of = |tags: &[&str]| Some(Tags::OneOf(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        assert_eq!(parse(&[" * "], false), Some(Tags::Any));
        assert_eq!(parse(&["\"3\""], false), of(&["3"]));
        assert_eq!(parse(&["\"3\" , \"a,b\"", "\"4\""], false), of(&["3", "a,b", "4"]));
        assert_eq!(parse(&[", \"3\", ,", "\"4\","], false), of(&["3", "4"]));
        for bad in ["", ",", "3", "\"3", "\"3\" \"4\"", "w/\"3\"", "*, \"3\""] {
            assert_eq!(parse(&[bad], false), None, "{bad}");
        }
        assert_eq!(parse(&["*", "\"3\""], false), None);
    }

    #[test]
    fn a_tag_is_compared_as_text_and_a_weak_one_only_weakly() {
        for (tag, strong, weak) in [
            ("\"3\"", true, true),
            ("W/\"3\"", false, true),
            ("\"03\"", false, false),
            ("\"+3\"", false, false),
            ("\"3-0123456789abcdef\"", true, false),
            ("\"3-0123456789ABCDEF\"", false, false),
            ("\"3-\"", false, false),
        ] {
            let VersionMatch::OneOf(versions) = IfMatch::read(&[tag]).unwrap().0 else { panic!("{tag}") };
            assert_eq!(versions, if strong { vec![3] } else { vec![] }, "{tag}");
            assert_eq!(IfNoneMatch::read(&[tag]).unwrap().has("\"3\""), weak, "{tag}");
        }
        let known = IfNoneMatch::read(&["\"3-0123456789abcdef\""]).unwrap();
        assert!(known.has("\"3-0123456789abcdef\"") && !known.has("\"3-1123456789abcdef\""));
        assert!(!IfNoneMatch::read(&[]).unwrap().has("\"3\"") && IfNoneMatch::read(&["*"]).unwrap().has("\"3\""));
    }

    proptest! {
        #[test]
        fn reading_never_panics(lines in proptest::collection::vec("\\PC{0,40}", 0..3)) {
            let lines = lines.iter().map(String::as_str).collect::<Vec<_>>();
            let _ = (IfMatch::read(&lines), IfNoneMatch::read(&lines));
        }

        #[test]
        fn a_list_is_read_however_it_is_spaced(
            versions in proptest::collection::vec(0..u64::MAX, 1..5),
            between in " {0,2},[ ,]{0,3}",
            around in "[ ,]{0,3}",
            weak: bool,
        ) {
            let tag = |version: &u64| format!("{}\"{version}\"", if weak { "W/" } else { "" });
            let list = versions.iter().map(tag).collect::<Vec<_>>().join(&between);
            let line = format!("{around}{list}{around}");
            let texts = versions.iter().map(ToString::to_string).collect();
            prop_assert_eq!(parse(&[&line], true), Some(Tags::OneOf(texts)));
            let strongly = if weak { Vec::new() } else { versions };
            prop_assert_eq!(IfMatch::read(&[&line]).unwrap().0, VersionMatch::OneOf(strongly));
        }
    }
}
