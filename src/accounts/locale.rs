//! Which language a person reads.

use std::{fmt, str::FromStr};

/// A language tag (BCP 47, RFC 5646) such as `de-CH`: its form is checked, and not whether there is such a language. At
/// most 35 characters, which RFC 5646 (4.4.1) says a reader should have room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale(String);

/// The text is no language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a language tag such as en or de-CH, of at most 35 characters")]
pub struct InvalidLocale;

impl Locale {
    /// Which texts are language tags here, as a regular expression of ECMA 262. It is for texts of
    /// [`MAX_CHARS`](Self::MAX_CHARS).
    pub const PATTERN: &'static str = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$";
    /// The bound on the length, in characters.
    pub const MAX_CHARS: usize = 35;

    /// The tag as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Locale {
    type Err = InvalidLocale;

    fn from_str(text: &str) -> Result<Self, InvalidLocale> {
        let mut parts = text.split('-');
        let is_language = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
        let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_tag = parts.next().is_some_and(is_language) && parts.all(is_subtag);
        if is_tag && text.len() <= Self::MAX_CHARS { Ok(Self(text.to_owned())) } else { Err(InvalidLocale) }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_checked_at_their_bounds() {
        let longest = format!("en{}", "-abcdefgh".repeat(3) + "-12345");
        for good in ["en", "de-CH", "zh-Hant-TW", "sl-rozaj-1994", "abcdefgh", &longest] {
            assert!(good.parse::<Locale>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "e",
            "abcdefghi",
            "de_CH",
            "de-",
            "-de",
            "de--CH",
            "d3",
            "en-abcdefghi",
            " en",
            "é",
            &format!("{longest}6"),
        ] {
            assert!(bad.parse::<Locale>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_tag_is_read_back_as_it_was_written(text in "[a-zA-Z]{1,9}(-[a-zA-Z0-9]{0,9}){0,4}|\\PC{0,40}") {
            if let Ok(locale) = text.parse::<Locale>() {
                prop_assert_eq!(locale.to_string(), text);
            }
        }
    }
}
