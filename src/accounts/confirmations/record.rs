//! A confirmation as it is stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Purpose, code::CodeRecord};
use crate::{
    accounts::{
        clock::Timestamp,
        digest::Digest,
        email::EmailAddress,
        error::Error,
        keys::Home,
        outbox::MailId,
        records::{Reader, Writer, parsed},
    },
    store::{Batch, Fields, Record},
};

/// What was mailed, and until when it is good.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct Confirmation {
    /// Where it was mailed to.
    pub(in crate::accounts) email: EmailAddress,
    /// Of the secret in the token.
    pub(super) secret: Digest,
    pub(super) code: Option<CodeRecord>,
    /// The mail that it was in.
    pub(in crate::accounts) mail: Option<MailId>,
    pub(in crate::accounts) expires_at: Timestamp,
}

impl Confirmation {
    /// Adds to `batch` that this is the person's one confirmation for its purpose.
    pub(in crate::accounts) fn keep(&self, batch: &mut Batch, home: Home, purpose: Purpose) {
        batch.put_until(home.confirmation(purpose), write(self), self.expires_at.as_millis());
    }
}

pub(in crate::accounts) fn write(confirmation: &Confirmation) -> Fields {
    let code = confirmation.code.as_ref();
    Writer::default()
        .field("email", confirmation.email.as_str())
        .field("digest", confirmation.secret)
        .field("expires_at", confirmation.expires_at)
        .optional("mail", confirmation.mail)
        .optional("code_salt", code.map(|code| URL_SAFE_NO_PAD.encode(code.salt)))
        .optional("code_digest", code.map(|code| code.digest))
        .optional("code_tries", code.map(|code| code.tries))
        .optional("code_expires_at", code.map(|code| code.expires_at))
        .0
}

/// Reads a confirmation back.
pub(in crate::accounts) fn read(record: &Record) -> Result<Confirmation, Error> {
    let r = Reader(record);
    let salt = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
    let code = match r.optional("code_digest", Digest::parse)? {
        Some(digest) => Some(CodeRecord {
            salt: r.required("code_salt", salt)?,
            digest,
            tries: r.required("code_tries", parsed)?,
            expires_at: r.required("code_expires_at", parsed)?,
        }),
        None => None,
    };
    Ok(Confirmation {
        email: r.required("email", |text| EmailAddress::parse(text).ok())?,
        secret: r.required("digest", Digest::parse)?,
        code,
        mail: r.optional("mail", parsed)?,
        expires_at: r.required("expires_at", parsed)?,
    })
}
