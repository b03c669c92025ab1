//! What went wrong with a mail server: whether it may work later, and what can be told of it.

use lettre::transport::smtp::Error;

use crate::mail::SendError;

/// How much of an answer is told.
const LONGEST: usize = 200;

/// How far a letter came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The server is reached and greeted.
    Connection,
    /// User and password.
    SignIn,
    /// Whom the letter comes from.
    Sender,
    /// Whom it goes to.
    Recipient,
    /// The letter itself.
    Letter,
}

/// What went wrong.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused, or was not there.
    Smtp(Stage, Error),
    /// The same, before there was SMTP.
    Connection(String),
    /// The server cannot do what this letter needs.
    Unsupported(&'static str),
}

impl Stage {
    pub(super) fn failed(self) -> impl Fn(Error) -> Failure {
        move |error| Failure::Smtp(self, error)
    }

    fn refused(self) -> &'static str {
        match self {
            Self::Connection => "refused the connection",
            Self::SignIn => "refused the user or the password",
            Self::Sender => "refused the sender",
            Self::Recipient => "refused the recipient",
            Self::Letter => "refused the letter",
        }
    }

    /// Whether a refusal here is about this letter or this address. Anything before that is for the operator to mend.
    fn is_about_the_letter(self) -> bool {
        matches!(self, Self::Recipient | Self::Letter)
    }
}

impl Failure {
    /// The failure for whoever sends the letter, and for the log.
    pub(super) fn told(self, place: &str) -> SendError {
        let (stage, error) = match self {
            Self::Unsupported(what) => return SendError::Permanent(format!("{place} does not support {what}")),
            Self::Connection(text) => return SendError::Temporary(format!("{place}: {}", plain(&text))),
            Self::Smtp(stage, error) => (stage, error),
        };
        let Some(code) = error.status().map(u16::from) else {
            // What is no answer of SMTP is quoted in the error, and may quote what we have sent.
            let what =
                if error.is_response() { "its answer is not SMTP".to_owned() } else { plain(&error.to_string()) };
            return SendError::Temporary(format!("{place}: {what}"));
        };
        let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        // What a server says of a password, a recipient or a letter may quote it.
        let said = if stage.is_about_the_letter() || stage == Stage::SignIn {
            enhanced_code(&said).unwrap_or_default()
        } else {
            said
        };
        let text = format!("{place} {}: {code} {}", stage.refused(), plain(&said)).trim_end().to_owned();
        // RFC 5321, 4.2.1. Neither commands that it does not know (500 to 504, but for 501, which is about what they are
        // given) nor an authentication that it misses (RFC 4954, 6) are the letter's fault.
        let is_ours = matches!(code, 500 | 502 | 503 | 504 | 530 | 534 | 535 | 538);
        if error.is_permanent() && stage.is_about_the_letter() && !is_ours {
            SendError::Permanent(text)
        } else {
            SendError::Temporary(text)
        }
    }
}

/// A line of bounded length without control characters.
fn plain(text: &str) -> String {
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    text.take(LONGEST).collect::<String>().trim().to_owned()
}

/// The status code that an answer begins with, such as `5.1.1` (RFC 3463).
fn enhanced_code(text: &str) -> Option<String> {
    let first = text.split_whitespace().next()?;
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (first.split('.').count() == 3 && first.split('.').all(is_number)).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_code_is_one() {
        assert_eq!(enhanced_code("5.1.1 <ada@example.com>: no").as_deref(), Some("5.1.1"));
        for text in ["", "ada@example.com", "5.1 no", "5.1.1.1 no", "5.1.ada no", "5.1.1234", "5..1"] {
            assert_eq!(enhanced_code(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_told_is_one_short_line() {
        assert_eq!(plain("a\r\nb\u{7}c "), "a  b c");
        assert_eq!(plain(&"\u{e4}".repeat(1000)).chars().count(), LONGEST);
    }
}
