//! Entity tags (RFC 9110, 8.8.3): the version of a user, between quotes.

use super::header::HeaderValue;
use crate::accounts::{User, VersionMatch};

/// The tag of a user.
pub(super) fn of(user: &User) -> String {
    of_version(user.version)
}

/// The tag of what is in this version.
pub(super) fn of_version(version: u64) -> String {
    format!("\"{version}\"")
}

/// `If-Match`: the versions that a change is meant for. Tags are compared strongly, so a weak one matches nothing.
pub(super) struct IfMatch(pub(super) VersionMatch);

/// `If-None-Match`: the versions that a client has, if it has any. Tags are compared weakly.
pub(super) struct IfNoneMatch(pub(super) Option<VersionMatch>);

const PATTERN: &str = r#"^(\*|[ ,]*(W/)?"[^"]*"( *,[ ,]*(W/)?"[^"]*")*[ ,]*)$"#;
const ALLOWED: &str = "`*` or a list of entity tags such as `\"3\"`";

impl HeaderValue for IfMatch {
    const PATTERN: &'static str = PATTERN;
    const ALLOWED: &'static str = ALLOWED;

    fn read(lines: &[&str]) -> Option<Self> {
        if lines.is_empty() { Some(Self(VersionMatch::Any)) } else { parse(lines, false).map(Self) }
    }
}

impl HeaderValue for IfNoneMatch {
    const PATTERN: &'static str = PATTERN;
    const ALLOWED: &'static str = ALLOWED;

    fn read(lines: &[&str]) -> Option<Self> {
        if lines.is_empty() { Some(Self(None)) } else { parse(lines, true).map(Some).map(Self) }
    }
}

/// Reads the lines of a header as one list (RFC 9110, 5.3).
fn parse(lines: &[&str], weak_count: bool) -> Option<VersionMatch> {
    let joined = lines.join(", ");
    let mut rest = joined.trim();
    if rest == "*" {
        return Some(VersionMatch::Any);
    }
    let mut versions = Vec::new();
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
            // A tag is text: `"03"` is not the tag of version 3.
            versions.extend(opaque.parse::<u64>().ok().filter(|version| version.to_string() == opaque));
        }
        tags += 1;
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    (tags > 0).then_some(VersionMatch::OneOf(versions))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_of_tags_are_read() {
        let of = |versions: &[u64]| Some(VersionMatch::OneOf(versions.to_vec()));
        assert_eq!(parse(&[" * "], false), Some(VersionMatch::Any));
        assert_eq!(parse(&["\"3\""], false), of(&[3]));
        assert_eq!(parse(&["\"3\" , \"a,b\"", "\"4\""], false), of(&[3, 4]));
        assert_eq!(parse(&[", \"3\", ,", "\"4\","], false), of(&[3, 4]));
        for bad in ["", ",", "3", "\"3", "\"3\" \"4\"", "w/\"3\"", "*, \"3\""] {
            assert_eq!(parse(&[bad], false), None, "{bad}");
        }
        assert_eq!(parse(&["*", "\"3\""], false), None);
    }

    #[test]
    fn a_tag_is_compared_as_text_and_a_weak_one_only_weakly() {
        for (tag, strong, weak) in [("\"3\"", 1, 1), ("W/\"3\"", 0, 1), ("\"03\"", 0, 0), ("\"+3\"", 0, 0)] {
            for (weak_count, expected) in [(false, strong), (true, weak)] {
                let Some(VersionMatch::OneOf(versions)) = parse(&[tag], weak_count) else { panic!("{tag}") };
                assert_eq!(versions.len(), expected, "{tag}");
            }
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(lines in proptest::collection::vec("\\PC{0,40}", 0..3)) {
            let lines = lines.iter().map(String::as_str).collect::<Vec<_>>();
            let _ = parse(&lines, true);
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
            prop_assert_eq!(parse(&[&line], true), Some(VersionMatch::OneOf(versions.clone())));
            let strongly = if weak { Vec::new() } else { versions };
            prop_assert_eq!(parse(&[&line], false), Some(VersionMatch::OneOf(strongly)));
        }
    }
}
