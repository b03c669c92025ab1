//! Whom letters come from.

use std::fmt;

use lettre::{Address, message::Mailbox};

/// Whom letters come from: an address, with or without a name before it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// The text names no sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an address is needed, alone or behind a name of at most 64 characters, such as accounts@example.com or \
     Example <accounts@example.com>"
)]
pub struct InvalidSender;

impl Sender {
    /// Reads `accounts@example.com` or `Example <accounts@example.com>`. The name may be quoted, and has at most 64
    /// characters. Before the `@` there is only ASCII, so that any server takes it.
    ///
    /// # Errors
    /// [`InvalidSender`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidSender> {
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(rest) => rest.rsplit_once('<').ok_or(InvalidSender)?,
            None => ("", text.trim()),
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        let is_plain = |c: char| !c.is_control() && !matches!(c, '<' | '>' | '"' | '\\');
        if name.chars().count() > 64 || !name.chars().all(is_plain) {
            return Err(InvalidSender);
        }
        let address = address_of(address).filter(|address| address.user().is_ascii()).ok_or(InvalidSender)?;
        Ok(Self(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address)))
    }

    /// As it stands in a letter.
    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.0
    }

    /// The domain of its address, in ASCII.
    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

/// An address with its domain in IDNA ASCII, so that only what stands before the `@` may need SMTPUTF8 (RFC 6531).
pub(super) fn address_of(text: &str) -> Option<Address> {
    let (local, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    if local.starts_with('"') || text.contains(char::is_control) || text.len() > 254 || domain.starts_with('[') {
        return None;
    }
    Address::new(local, domain).ok()
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("accounts@example.com", None, "accounts@example.com"),
            (" <accounts@example.com> ", None, "accounts@example.com"),
            ("Example <accounts@example.com>", Some("Example"), "accounts@example.com"),
            ("\"Example, Inc.\" <a@example.com>", Some("Example, Inc."), "a@example.com"),
            ("B\u{fc}cher & S\u{f6}hne <a@b\u{fc}cher.example>", Some("Bücher & Söhne"), "a@xn--bcher-kva.example"),
            ("latchkey@localhost", None, "latchkey@localhost"),
        ] {
            let Sender(mailbox) = Sender::parse(text).unwrap();
            assert_eq!((mailbox.name.as_deref(), mailbox.email.as_ref()), (name, address), "{text}");
        }
    }

    #[test]
    fn what_names_no_sender_is_refused() {
        let long = format!("{} <a@example.com>", "n".repeat(65));
        for text in [
            "",
            "Example",
            "Example <>",
            "Example <a@example.com",
            "a@example.com>",
            "Example\r\nBcc: eve <a@example.com>",
            "a@example.com\r\nBcc: eve@example.com",
            "\u{e4}@example.com",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a@b@example.com",
            &long,
        ] {
            assert_eq!(Sender::parse(text), Err(InvalidSender), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_lets_no_line_through(text in "\\PC{0,20}[\r\n<>\"]?\\PC{0,20}@?\\PC{0,20}>?") {
            if let Ok(Sender(mailbox)) = Sender::parse(&text) {
                prop_assert!(!mailbox.to_string().contains(char::is_control));
            }
        }
    }
}
