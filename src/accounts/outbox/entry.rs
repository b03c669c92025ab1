//! An entry of the outbox, and how it is stored.

use super::MailId;
use crate::{
    accounts::{
        clock::Timestamp,
        email::EmailAddress,
        error::Error,
        grants::{parse_spaced, spaced},
        keys,
        locale::Locale,
        random::Random,
        records::{Reader, Writer, parsed},
        user::UserId,
    },
    mail::LetterKind,
    store::{Batch, Fields, Record},
};

/// A mail that is to be sent.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct Entry {
    pub(super) id: MailId,
    pub(super) kind: LetterKind,
    pub(super) to: EmailAddress,
    /// Whose act it comes from. Without one, it is found out whose address it is when the mail is sent.
    pub(super) user: Option<UserId>,
    /// What the person reads, as far as the request says, the best first.
    pub(super) languages: Vec<Locale>,
    /// Since when it is tried.
    pub(super) created_at: Timestamp,
    /// When to try next, or for how long somebody has it.
    pub(in crate::accounts) due_at: Timestamp,
    /// How often it was tried, this time included.
    pub(super) attempts: u32,
    /// What the last try came to.
    pub(super) last_error: Option<String>,
    /// Since when it is not tried any more.
    pub(in crate::accounts) dead_at: Option<Timestamp>,
}

impl Entry {
    /// A mail to an address that a user has, had or wants.
    pub(in crate::accounts) fn of_user(
        kind: LetterKind,
        user: UserId,
        to: &EmailAddress,
        languages: &[Locale],
        now: Timestamp,
        random: Random,
    ) -> Self {
        Self { user: Some(user), ..Self::of_address(kind, to, languages, now, random) }
    }

    /// A mail for whoever has the address then, if anybody has.
    pub(in crate::accounts) fn of_address(
        kind: LetterKind,
        to: &EmailAddress,
        languages: &[Locale],
        now: Timestamp,
        random: Random,
    ) -> Self {
        Self {
            id: MailId::new(now, random),
            kind,
            to: to.clone(),
            user: None,
            languages: languages.to_vec(),
            created_at: now,
            due_at: now,
            attempts: 0,
            last_error: None,
            dead_at: None,
        }
    }
}

/// Adds to `batch` that a mail is to be sent, or tried at another time.
pub(in crate::accounts) fn enqueue(batch: &mut Batch, entry: &Entry) {
    batch.put(keys::mail(entry.id), write(entry));
    batch.add(keys::outbox(), entry.id.to_string(), entry.due_at.as_millis());
}

pub(in crate::accounts) fn write(entry: &Entry) -> Fields {
    Writer::default()
        .field("kind", entry.kind)
        .field("to", entry.to.as_str())
        .optional("user", entry.user)
        .optional("languages", Some(spaced(&entry.languages)).filter(|languages| !languages.is_empty()))
        .field("created_at", entry.created_at)
        .field("due_at", entry.due_at)
        .field("attempts", entry.attempts)
        .optional("last_error", entry.last_error.as_ref())
        .optional("dead_at", entry.dead_at)
        .0
}

pub(in crate::accounts) fn read(id: MailId, record: &Record) -> Result<Entry, Error> {
    let r = Reader(record);
    Ok(Entry {
        id,
        kind: r.required("kind", parsed)?,
        to: r.required("to", |text| EmailAddress::parse(text).ok())?,
        user: r.optional("user", parsed)?,
        languages: r.optional("languages", parse_spaced)?.unwrap_or_default(),
        created_at: r.required("created_at", parsed)?,
        due_at: r.required("due_at", parsed)?,
        attempts: r.required("attempts", parsed)?,
        last_error: r.text("last_error").map(str::to_owned),
        dead_at: r.optional("dead_at", parsed)?,
    })
}
