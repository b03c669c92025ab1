//! Entity tags (RFC 9110, 8.8.3): the version of a user, between quotes.

use super::{code::Code, problem::Problem};
use crate::accounts::{User, VersionMatch};

/// The tag of a user.
pub(super) fn of(user: &User) -> String {
    format!("\"{}\"", user.version)
}

/// Reads `If-Match`. Tags are compared strongly, so a weak one matches nothing.
pub(super) fn if_match(header: Option<&str>) -> Result<VersionMatch, Problem> {
    let Some(header) = header else { return Ok(VersionMatch::Any) };
    let tags = parse(header).ok_or_else(|| malformed("If-Match"))?;
    Ok(match tags {
        Tags::Any => VersionMatch::Any,
        Tags::List(tags) => {
            let strong = tags.iter().filter(|tag| !tag.weak);
            VersionMatch::OneOf(strong.filter_map(|tag| tag.opaque.parse().ok()).collect())
        }
    })
}

/// Whether `If-None-Match` names the version of this user: then the client has it already. Tags are compared weakly.
pub(super) fn is_known(header: Option<&str>, user: &User) -> Result<bool, Problem> {
    let Some(header) = header else { return Ok(false) };
    Ok(match parse(header).ok_or_else(|| malformed("If-None-Match"))? {
        Tags::Any => true,
        Tags::List(tags) => tags.iter().any(|tag| tag.opaque == user.version.to_string()),
    })
}

fn malformed(header: &str) -> Problem {
    Problem::new(Code::InvalidParameter)
        .with_detail(format!("The header `{header}` must be `*` or a list of entity tags such as `\"3\"`."))
}

#[derive(Debug, PartialEq)]
enum Tags<'a> {
    Any,
    List(Vec<Tag<'a>>),
}

#[derive(Debug, PartialEq)]
struct Tag<'a> {
    weak: bool,
    opaque: &'a str,
}

fn parse(header: &str) -> Option<Tags<'_>> {
    let mut rest = header.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak, opaque });
        let after = after.trim_start();
        if after.is_empty() {
            return Some(Tags::List(tags));
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_of_tags_are_read() {
        let tag = |weak, opaque| Tag { weak, opaque };
        assert_eq!(parse(" * "), Some(Tags::Any));
        assert_eq!(parse("\"3\""), Some(Tags::List(vec![tag(false, "3")])));
        assert_eq!(parse("\"3\" , W/\"a,b\""), Some(Tags::List(vec![tag(false, "3"), tag(true, "a,b")])));
        for bad in ["", "3", "\"3", "\"3\" \"4\"", "\"3\",", "w/\"3\"", "*, \"3\""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_weak_tag_matches_nothing_for_a_change() {
        assert_eq!(if_match(Some("W/\"3\"")).unwrap(), VersionMatch::OneOf(vec![]));
        assert_eq!(if_match(Some("\"3\", \"x\", \"4\"")).unwrap(), VersionMatch::OneOf(vec![3, 4]));
        assert_eq!(if_match(None).unwrap(), VersionMatch::Any);
    }

    proptest! {
        #[test]
        fn reading_never_panics(header in "\\PC{0,40}") {
            let _ = parse(&header);
        }
    }
}
