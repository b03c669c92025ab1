//! Letters to people: what they say, and how they are sent.
//!
//! A letter goes to an SMTP server, or into a folder when there is none. Its texts come from templates, which an
//! operator can replace and translate. Whether, when and how often it is sent is decided elsewhere.

mod folder;
mod letter;
mod lifetime;
mod link;
mod message;
mod options;
mod sender;
mod smtp;
mod template;
mod texts;

use std::time::Duration;

use self::{
    folder::Folder,
    message::Message,
    smtp::Smtp,
    template::Values,
    texts::{Text, Texts},
};
pub use self::{
    letter::{Letter, LetterKind, LetterSecret, UnknownLetterKind},
    link::{InvalidLinkTemplate, LinkTemplate},
    options::{Credentials, Links, MailOptions, OpenError, Security, SmtpOptions, TransportOptions},
    sender::{InvalidSender, Sender},
    texts::InvalidTemplate,
};

/// How long it may take to write a letter into a folder.
const FOLDER_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes letters and sends them.
pub struct Mailer {
    transport: Transport,
    from: Sender,
    product: String,
    links: Links,
    texts: Texts,
}

enum Transport {
    Folder(Folder),
    Smtp(Smtp),
}

/// Why a letter was not sent. Neither text names the person's address or what is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may work later: nobody answers, or what is wrong is for the operator to mend.
    #[error("{0}")]
    Temporary(String),
    /// This letter will never be sent to this address.
    #[error("{0}")]
    Permanent(String),
}

impl Mailer {
    /// Reads the templates and whatever else is needed, and connects to nobody yet.
    ///
    /// # Errors
    /// [`OpenError`], in one line that names the setting or the file.
    pub fn open(options: MailOptions) -> Result<Self, OpenError> {
        let MailOptions { transport, from, product, templates, links } = options;
        let texts = Texts::open(templates.as_deref())?;
        let transport = match transport {
            TransportOptions::Folder(folder) => {
                tracing::info!("LATCHKEY_SMTP_URL is not set: mail is written into {}", folder.display());
                Transport::Folder(Folder::new(folder))
            }
            TransportOptions::Smtp(options) => Transport::Smtp(Smtp::open(options, from.domain())?),
        };
        Ok(Self { transport, from, product, links, texts })
    }

    /// Sends a letter, in [bounded time](Self::timeout). When it is not known whether the letter arrived, it counts as
    /// not sent.
    ///
    /// # Errors
    /// [`SendError`], which says whether to try again.
    pub async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let message = self.write(letter).map_err(SendError::Permanent)?;
        match &self.transport {
            Transport::Folder(folder) => folder.put(letter.kind, message).await,
            Transport::Smtp(smtp) => smtp.send(&message).await,
        }
    }

    /// Whether letters could be handed over: connects to the mail server and signs in. A folder is not looked at.
    ///
    /// # Errors
    /// [`SendError::Temporary`].
    pub async fn check(&self) -> Result<(), SendError> {
        match &self.transport {
            Transport::Folder(_) => Ok(()),
            Transport::Smtp(smtp) => smtp.check().await,
        }
    }

    /// How long [`send`](Self::send) takes at the most.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        match &self.transport {
            Transport::Folder(_) => FOLDER_TIMEOUT,
            Transport::Smtp(smtp) => smtp.timeout(),
        }
    }

    fn write(&self, letter: &Letter) -> Result<Message, String> {
        let text = self.texts.find(letter.kind, &letter.languages).ok_or("there is no text of this kind")?;
        let Text { language, subject, plain, html } = text;
        let values = Values::of(letter, &self.product, &self.links, language)?;
        let (subject, plain, html) = (subject.render(&values), plain.render(&values), html.render_html(&values));
        Message::write(&self.from, letter, language, &subject, &plain, &html)
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
