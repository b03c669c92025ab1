//! How letters are written and sent.

use std::{fmt, path::PathBuf, time::Duration};

use zeroize::Zeroizing;

use super::{letter::LetterKind, link::LinkTemplate, sender::Sender, texts::InvalidTemplate};

/// How letters are written and sent.
#[derive(Clone, Debug)]
pub struct MailOptions {
    /// Where they go first.
    pub transport: TransportOptions,
    /// Whom they come from.
    pub from: Sender,
    /// What the service calls itself in them.
    pub product: String,
    /// A folder of templates, in place of those that are built in.
    pub templates: Option<PathBuf>,
    /// Where their links lead.
    pub links: Links,
}

/// Where letters go first.
#[derive(Clone, Debug)]
pub enum TransportOptions {
    /// Into a folder, as `.eml` files. It is made when the first one is written.
    Folder(PathBuf),
    /// To a mail server.
    Smtp(SmtpOptions),
}

/// A mail server, and how to get in.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// Its name or address, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is protected.
    pub security: Security,
    /// Who we are, for a server that asks for it.
    pub credentials: Option<Credentials>,
    /// The authorities to trust for TLS (PEM), in place of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// How long one letter may take, all in all.
    pub timeout: Duration,
}

/// How the way to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// TLS that is asked for by STARTTLS (RFC 3207). A server that does not offer it gets nothing.
    StartTls,
    /// Not at all.
    Plain,
}

/// A user of a mail server.
#[derive(Clone)]
pub struct Credentials {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where the links of letters lead.
#[derive(Clone, Debug)]
pub struct Links {
    /// The page where an address is confirmed.
    pub verify: LinkTemplate,
    /// The page where a new password is set.
    pub reset: LinkTemplate,
    /// The page where a change of address is undone.
    pub undo: LinkTemplate,
}

impl Links {
    /// The page that a letter of this kind leads to.
    pub(super) fn of(&self, kind: LetterKind) -> Option<&LinkTemplate> {
        match kind {
            LetterKind::Verification | LetterKind::EmailChange => Some(&self.verify),
            LetterKind::PasswordReset | LetterKind::Invitation => Some(&self.reset),
            LetterKind::EmailChanged => Some(&self.undo),
            LetterKind::AlreadyRegistered | LetterKind::EmailReplaced | LetterKind::PasswordChanged => None,
        }
    }
}

/// Why no letters can be sent so, in one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A template is not what it should be.
    #[error("LATCHKEY_MAIL_TEMPLATES: {0}")]
    Template(#[from] InvalidTemplate),
    /// The certificates of the authorities to trust cannot be read, or the server has no name.
    #[error("cannot send mail (LATCHKEY_SMTP_URL, LATCHKEY_SMTP_CA_FILE): {0}")]
    Smtp(String),
}
