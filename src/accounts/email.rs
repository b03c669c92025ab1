//! Email addresses: what is accepted, and which two are the same.

use std::fmt;

use email_address::Options;
use unicode_normalization::UnicodeNormalization;

/// An email address as the person typed it, without the space around it.
///
/// At most 254 bytes (RFC 5321, 4.5.3.1.3), with a domain of at least two labels, without a display name and without a
/// domain literal. Two addresses are the same if their [canonical](Self::canonical) forms are.
///
/// ```
/// use latchkey::accounts::EmailAddress;
///
/// let address = EmailAddress::parse(" Ada@Example.COM ")?;
/// assert_eq!(address.as_str(), "Ada@Example.COM");
/// assert_eq!(address.canonical(), "ada@example.com");
/// # Ok::<(), latchkey::accounts::InvalidEmailAddress>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    typed: String,
    canonical: String,
}

/// The text is no email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address such as ada@example.com, of at most 254 bytes")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    const MAX_BYTES: usize = 254;

    /// Reads an email address.
    ///
    /// # Errors
    /// [`InvalidEmailAddress`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let typed = text.trim();
        let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
        // The quoted form is another spelling of the same mailbox, so it would have two keys. Nobody uses it.
        if typed.starts_with('"') {
            return Err(InvalidEmailAddress);
        }
        let composed = typed.nfc().collect::<String>();
        let parsed =
            email_address::EmailAddress::parse_with_options(&composed, options).map_err(|_| InvalidEmailAddress)?;
        let domain = idna::domain_to_ascii_strict(parsed.domain()).map_err(|_| InvalidEmailAddress)?;
        // A last label of digits is an address of a machine, not a domain.
        if domain.rsplit('.').next().is_none_or(|label| label.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(InvalidEmailAddress);
        }
        let local = fold(parsed.local_part());
        let canonical = format!("{local}@{domain}");
        if typed.len() > Self::MAX_BYTES || canonical.len() > Self::MAX_BYTES {
            return Err(InvalidEmailAddress);
        }
        Ok(Self { typed: typed.to_owned(), canonical })
    }

    /// The form that is unique among users: NFC, lower case, the domain in IDNA ASCII. Tags (`ada+news@`) are kept.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether mail to both goes to the same mailbox, for sure: they differ in the case of ASCII letters at most. What is
    /// the same to us, as `straße` and `strasse` are, may be two mailboxes elsewhere.
    pub(super) fn is_same_mailbox(&self, other: &Self) -> bool {
        self.typed.eq_ignore_ascii_case(&other.typed)
    }

    /// The form that the person typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }
}

/// Takes case away. By way of capitals, so that letters with several small forms (σ and ς, s and ſ) become one.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

impl fmt::Debug for EmailAddress {
    /// An address is personal: it does not go into a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> Option<String> {
        EmailAddress::parse(text).ok().map(|address| address.canonical)
    }

    #[test]
    fn addresses_that_differ_in_case_or_form_only_are_the_same() {
        for (typed, expected) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("ada+news@example.com", "ada+news@example.com"),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            ("Jose\u{301}@example.com", "jos\u{e9}@example.com"),
            ("\u{c9}mile@example.com", "\u{e9}mile@example.com"),
            ("ΟΔΟΣ@example.com", "οδοσ@example.com"),
            ("οδος@example.com", "οδοσ@example.com"),
            ("STRASSE@example.com", "strasse@example.com"),
            ("straße@example.com", "strasse@example.com"),
        ] {
            assert_eq!(canonical(typed).as_deref(), Some(expected), "{typed}");
        }
    }

    #[test]
    fn the_typed_form_is_kept() {
        assert_eq!(EmailAddress::parse(" Ada@Example.COM ").unwrap().as_str(), "Ada@Example.COM");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@{}.example", "a".repeat(64), "b.".repeat(100));
        for text in [
            "",
            " ",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "Ada <ada@example.com>",
            "ada@[127.0.0.1]",
            "ada@exa mple.com",
            "ada@@example.com",
            "ada@-example.com",
            "ada@example..com",
            "\"ada\"@example.com",
            "ada@1.2.3.4",
            "a\u{0}da@example.com",
            &long,
        ] {
            assert_eq!(canonical(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_address_has_254_bytes_at_most_as_typed_and_as_compared() {
        let domain = |length: usize| {
            let labels = (0..length - 8).map(|at| if at % 50 == 49 { '.' } else { 'b' });
            labels.collect::<String>() + ".example"
        };
        for (length, is_good) in [(253, true), (254, true), (255, false), (256, false)] {
            let plain = format!("{}@{}", "a".repeat(64), domain(length - 65));
            let longer_as_typed = format!("{}e\u{301}@{}", "a".repeat(62), domain(length - 66));
            let longer_as_compared = format!("{}@b\u{fc}cher.{}", "a".repeat(64), domain(length - 79));
            assert_eq!((plain.len(), longer_as_typed.len()), (length, length));
            for text in [plain, longer_as_typed, longer_as_compared] {
                assert_eq!(canonical(&text).is_some(), is_good, "{length}: {text}");
            }
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_the_canonical_form_is_its_own(text in "\\PC{0,40}@?\\PC{0,40}") {
            if let Some(first) = canonical(&text) {
                prop_assert_eq!(canonical(&first), Some(first));
            }
        }

        #[test]
        fn case_does_not_matter(local in "[a-z0-9äßςéœșı]{1,20}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let text = format!("{local}@{domain}");
            prop_assert_eq!(canonical(&text.to_uppercase()), canonical(&text));
        }

        #[test]
        fn the_form_of_letters_does_not_matter(local in "[a-zäéñåôǟ]{1,20}", domain in "[a-zäéñåô]{1,10}\\.example") {
            let text = format!("{local}@{domain}");
            prop_assert!(canonical(&text).is_some());
            prop_assert_eq!(canonical(&text.nfd().collect::<String>()), canonical(&text));
        }
    }
}
