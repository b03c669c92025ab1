//! What can be wrong with a store, in words for its operator. They name ids and keys, never an address or a secret.

use std::fmt;

use crate::{
    accounts::{
        api_keys::ApiKeyId,
        claims::HandleKind,
        clock::Timestamp,
        outbox::MailId,
        user::{SessionId, UserId},
    },
    store::{Key, Slot},
};

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written: an audit that repairs would mend it.
    Repairable,
    /// It is mended.
    Repaired,
    /// It stays, and why.
    Left(&'static str),
}

/// Something that is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "whose id and which key it is")]
pub enum Fault {
    /// A claim of a user who neither has what it claims nor can get it, or have it back, any more.
    DeadClaim { claim: Slot, user: UserId, at: Timestamp },
    /// A claim that is still pending, long after its maker has gone.
    StaleClaim { claim: Slot, user: UserId, at: Timestamp },
    /// A user whose address or username, or the address that they may have back, is claimed for nobody.
    MissingClaim { user: UserId, kind: HandleKind },
    /// Two users with one address or username, or who may have it back.
    Duplicate { user: UserId, other: UserId, kind: HandleKind },
    /// A user who was made and never deleted, and whose record is gone.
    LostUser { user: UserId },
    /// A session of a user who is not there.
    OrphanSession { user: UserId, session: SessionId },
    /// A session that was ended with others and is still there.
    EndedSession { user: UserId, session: SessionId },
    /// A session that is not in the index of its user.
    UnlistedSession { user: UserId, session: SessionId },
    /// A user who is not in an index.
    UnlistedUser { user: UserId, index: String },
    /// An index entry of a user who was deleted or has changed, or of nobody.
    DanglingEntry { index: Key, user: Option<UserId> },
    /// An index entry that leads to no session.
    DanglingSession { user: UserId, session: Option<SessionId> },
    /// An API key that is not in the index of all.
    UnlistedApiKey { id: ApiKeyId },
    /// An index entry that leads to no API key.
    DanglingApiKey { id: Option<ApiKeyId> },
    /// A mail that is not in the index where it belongs: it would not be sent, or not be shown.
    UnlistedMail { id: MailId },
    /// An index entry that leads to no mail, or to one that does not belong there.
    DanglingMail { index: Key, id: Option<MailId> },
    /// A log of a person who is not there.
    OrphanEvents { user: UserId, log: Key },
    /// A total that is not what comes of counting: so much too high, or no number at all.
    WrongTotal { key: Key, by: Option<i64> },
    /// The figures of a day, of which one is no number that can be counted on.
    WrongFigure { key: Key },
    /// A record, an index or a log that cannot be read.
    Unreadable { key: Key, why: String },
}

impl Fault {
    /// Every [`code`](Self::code).
    pub const CODES: [&str; 19] = [
        "dead_claim",
        "stale_claim",
        "missing_claim",
        "duplicate",
        "lost_user",
        "orphan_session",
        "ended_session",
        "unlisted_session",
        "unlisted_user",
        "dangling_entry",
        "dangling_session",
        "unlisted_api_key",
        "dangling_api_key",
        "unlisted_mail",
        "dangling_mail",
        "orphan_events",
        "wrong_total",
        "wrong_figure",
        "unreadable",
    ];

    /// What kind of fault it is, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Fault::DeadClaim { .. } => "dead_claim",
            Fault::StaleClaim { .. } => "stale_claim",
            Fault::MissingClaim { .. } => "missing_claim",
            Fault::Duplicate { .. } => "duplicate",
            Fault::LostUser { .. } => "lost_user",
            Fault::OrphanSession { .. } => "orphan_session",
            Fault::EndedSession { .. } => "ended_session",
            Fault::UnlistedSession { .. } => "unlisted_session",
            Fault::UnlistedUser { .. } => "unlisted_user",
            Fault::DanglingEntry { .. } => "dangling_entry",
            Fault::DanglingSession { .. } => "dangling_session",
            Fault::UnlistedApiKey { .. } => "unlisted_api_key",
            Fault::DanglingApiKey { .. } => "dangling_api_key",
            Fault::UnlistedMail { .. } => "unlisted_mail",
            Fault::DanglingMail { .. } => "dangling_mail",
            Fault::OrphanEvents { .. } => "orphan_events",
            Fault::WrongTotal { .. } => "wrong_total",
            Fault::WrongFigure { .. } => "wrong_figure",
            Fault::Unreadable { .. } => "unreadable",
        }
    }

    /// What a repair does, or who else is needed.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Fault::DeadClaim { .. } => "the claim is dropped",
            Fault::StaleClaim { .. } => "its maker is fenced off and the claim is dropped",
            Fault::MissingClaim { .. } => "it is claimed for the user, if nobody else has it",
            Fault::Duplicate { .. } => "somebody must decide who keeps it",
            Fault::LostUser { .. } => "restore a copy of the store; the claims and the index entry are kept",
            Fault::OrphanSession { .. } | Fault::EndedSession { .. } => "the session is deleted",
            Fault::UnlistedSession { .. }
            | Fault::UnlistedUser { .. }
            | Fault::UnlistedApiKey { .. }
            | Fault::UnlistedMail { .. } => "the entry is made",
            Fault::DanglingEntry { .. }
            | Fault::DanglingSession { .. }
            | Fault::DanglingApiKey { .. }
            | Fault::DanglingMail { .. } => "the entry is removed",
            Fault::OrphanEvents { .. } => "the log is deleted",
            Fault::WrongTotal { .. } => "it is set to what was counted",
            Fault::WrongFigure { .. } => "it is set to 0",
            Fault::Unreadable { .. } => "somebody must look at it",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = |kind: HandleKind| match kind {
            HandleKind::Email => "email address",
            HandleKind::Username => "username",
        };
        match self {
            Fault::DeadClaim { claim, user, at } => {
                write!(f, "the claim {{{claim}}} of {at} is user {user}'s, who neither has it nor can get it any more")
            }
            Fault::StaleClaim { claim, user, at } => {
                write!(f, "the claim {{{claim}}} of user {user} has been pending since {at}")
            }
            Fault::MissingClaim { user, kind: k } => write!(f, "no claim holds the {} of user {user}", kind(*k)),
            Fault::Duplicate { user, other, kind: k } => {
                write!(f, "user {user} has the {} that user {other} has", kind(*k))
            }
            Fault::LostUser { user } => {
                write!(f, "user {user} was made and never deleted, and the record is not there")
            }
            Fault::OrphanSession { user, session } => {
                write!(f, "the session {session} is of user {user}, who is not there")
            }
            Fault::EndedSession { user, session } => {
                write!(f, "the session {session} of user {user} was ended and is still there")
            }
            Fault::UnlistedSession { user, session } => {
                write!(f, "the session {session} of user {user} is not in its place among their sessions")
            }
            Fault::UnlistedUser { user, index } => write!(f, "user {user} is not in its place in {index}"),
            Fault::DanglingEntry { index, user: Some(user) } => {
                write!(f, "an entry in {index} leads to user {user}, who was deleted or has changed")
            }
            Fault::DanglingEntry { index, user: None } => write!(f, "an entry in {index} leads to nobody"),
            Fault::DanglingSession { user, session: Some(session) } => {
                write!(f, "an entry among the sessions of user {user} leads to session {session}, which is not there")
            }
            Fault::DanglingSession { user, session: None } => {
                write!(f, "an entry among the sessions of user {user} is no session")
            }
            Fault::UnlistedApiKey { id } => write!(f, "the API key {id} is not in its place in the list of all"),
            Fault::DanglingApiKey { id: Some(id) } => {
                write!(f, "an entry in the list of all API keys leads to {id}, which is not there")
            }
            Fault::DanglingApiKey { id: None } => write!(f, "an entry in the list of all API keys is no key"),
            Fault::UnlistedMail { id } => write!(f, "the mail {id} is not in its place among those of its kind"),
            Fault::DanglingMail { index, id: Some(id) } => {
                write!(f, "an entry in {index} leads to mail {id}, which is not there or does not belong there")
            }
            Fault::DanglingMail { index, id: None } => write!(f, "an entry in {index} is no mail"),
            Fault::OrphanEvents { user, log } => write!(f, "the log {log} is of user {user}, who is not there"),
            Fault::WrongTotal { key, by: Some(by) } => {
                let side = if *by > 0 { "more" } else { "fewer" };
                write!(f, "{key} has {} users with a confirmed address {side} than there are", by.unsigned_abs())
            }
            Fault::WrongTotal { key, by: None } => write!(f, "{key} has no number of users with a confirmed address"),
            Fault::WrongFigure { key } => write!(f, "{key} has a figure that cannot be counted on"),
            Fault::Unreadable { key, why } => write!(f, "{key} cannot be read: {why}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repairable => "repairable",
            Self::Repaired => "repaired",
            Self::Left(_) => "left",
        })
    }
}
