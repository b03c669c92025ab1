//! How letters are written and sent.

use std::path::PathBuf;

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
            LetterKind::Verification => Some(&self.verify),
            LetterKind::PasswordReset | LetterKind::AlreadyRegistered => Some(&self.reset),
            LetterKind::EmailChanged => Some(&self.undo),
            LetterKind::EmailReplaced | LetterKind::PasswordChanged => None,
        }
    }
}

/// Why no letters can be sent so, in one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A template is not what it should be.
    #[error("LATCHKEY_MAIL_TEMPLATES: {0}")]
    Template(#[from] InvalidTemplate),
}
