//! Usernames: a public handle, unique without regard to case.

use std::fmt;

/// A username as the person typed it: 3 to 32 characters of `A-Z a-z 0-9 _ . -`, the first of them a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

/// The text is no username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 3 to 32 characters of A-Z a-z 0-9 _ . - and begin with a letter")]
pub struct InvalidUsername;

impl Username {
    /// Reads a username.
    ///
    /// # Errors
    /// [`InvalidUsername`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if (3..=32).contains(&text.len()) && begins_well && text.chars().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUsername)
        }
    }

    /// The form that is unique among users: lower case.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The form that the person typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usernames_are_checked_at_their_bounds() {
        let (longest, too_long) = ("a".repeat(32), "a".repeat(33));
        for good in ["ada", "Ada_L.-9", &longest] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "9lives", "_ada", "a da", "ädä", "ada@x", &too_long] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn case_does_not_matter_and_is_kept() {
        let name = Username::parse("AdaL").unwrap();
        assert_eq!((name.as_str(), name.canonical().as_str()), ("AdaL", "adal"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_the_canonical_form_is_its_own(text in "[A-Za-z]?[\\PC]{0,4}[A-Za-z0-9_.-]{0,32}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(name.as_str(), &text);
                let canonical = Username::parse(&name.canonical()).unwrap();
                prop_assert_eq!(canonical.canonical(), name.canonical());
                prop_assert_eq!(Username::parse(&text.to_uppercase()).unwrap().canonical(), name.canonical());
            }
        }
    }
}
