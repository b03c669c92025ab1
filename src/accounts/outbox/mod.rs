//! The outbox: mails that are to be sent, each written in the same commit as the act that needs it.
//!
//! An entry says to whom a mail goes, of which kind it is and in which languages, and holds no secret. Whoever sends it
//! takes it first, by a commit that expects it as it was read: so of many instances one does, and has it for longer than
//! sending takes. The secret in a mail is made only then, and what is stored of it is a digest, in the person's slot. So
//! whoever reads the store, or a copy of it, finds no link that works.
//!
//! An instance that dies while it sends leaves the entry to the next one, once the lease is over: then it is not known
//! whether the mail arrived, and it is sent again, with the same `Message-ID`.

mod courier;
pub(super) mod entry;
mod inspect;
mod letter;
mod operate;
mod pending;
mod settle;

use std::{fmt, str::FromStr, time::Duration};

use uuid::Uuid;

pub(super) use self::entry::{Entry, enqueue};
pub(super) use self::inspect::inspect;
pub use self::operate::UnsentMail;
pub use self::pending::Pending;
use super::{clock::Timestamp, random::Random, user::id};
use crate::store::EXPIRY_GRACE;

id! {
    /// Which mail.
    MailId
}

/// For how much longer than sending takes at the most whoever took an entry has it: more than clocks differ.
const SPARE: Duration = EXPIRY_GRACE;

/// For how long a mail is tried.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long one that was given up stays, for an operator to see.
pub(super) const MOURNING: Duration = Duration::from_secs(30 * 24 * 60 * 60);
