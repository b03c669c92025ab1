//! A letter as it goes over the wire (RFC 5322): headers, and its text in both forms.

use lettre::{
    Address,
    address::Envelope,
    message::{
        Body, Mailbox, MultiPart,
        header::{ContentTransferEncoding, HeaderName, HeaderValue},
    },
};
use zeroize::Zeroizing;

use super::{
    letter::Letter,
    sender::{Sender, address_of},
};

/// A message, and from whom to whom it goes. It is not shown.
pub(super) struct Message {
    /// The letter's id.
    pub(super) id: String,
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Message {
    /// Writes a letter with these texts.
    ///
    /// # Errors
    /// Why there can be no such message.
    pub(super) fn write(
        from: &Sender,
        letter: &Letter,
        language: &str,
        subject: &str,
        plain: &str,
        html: &str,
    ) -> Result<Self, String> {
        let id = &letter.id;
        let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !(1..=64).contains(&id.len()) || !id.chars().all(is_safe) {
            return Err("the id of a letter has 1 to 64 characters of A-Z a-z 0-9 - _".to_owned());
        }
        let to = address_of(&letter.to).ok_or("the address is none that mail can be sent to")?;
        let sender = from.mailbox().clone();
        let envelope = Envelope::new(Some(sender.email.clone()), vec![to.clone()]).map_err(|e| e.to_string())?;
        let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        // The date is set by the builder: it is that of the machine, and decides nothing.
        let message = lettre::Message::builder()
            .from(sender.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", from.domain())))
            .raw_header(header("Content-Language", language))
            // RFC 3834, 5: nobody who is away answers it.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .envelope(envelope)
            .multipart(MultiPart::alternative_plain_html(body(plain), body(html)))
            .map_err(|e| e.to_string())?;
        let bytes = Zeroizing::new(message.formatted());
        Ok(Self { id: id.clone(), from: sender.email, to, bytes })
    }
}

/// A text as it is where that can be, so that people find a link in a file of it: plain ASCII, and no line longer than any
/// server takes (RFC 5322, 2.1.1). Everything else is encoded.
fn body(text: &str) -> Body {
    let is_plain = |line: &str| line.len() <= 998 && line.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    if text.lines().all(is_plain) {
        let lines = text.lines().flat_map(|line| [line, "\r\n"]).collect::<String>();
        Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text.to_owned())
    }
}
