//! What becomes of lines.

use std::{fmt, sync::Arc};

use super::fault::LineProblem;
use crate::accounts::{claims::HandleKind, error::Error, user::UserId};

/// What became of a line.
#[derive(Debug)]
pub struct Imported {
    /// The number of the line, the first of which is 1.
    pub line: u64,
    /// What became of it.
    pub outcome: ImportOutcome,
}

/// What can become of a line.
#[derive(Clone, Debug)]
pub enum ImportOutcome {
    /// It made this user. In a dry run it would make one, whose id is known if the line says it.
    Created(Option<UserId>),
    /// This user was there already.
    Unchanged(UserId),
    /// It is no user.
    Invalid(LineProblem),
    /// Somebody else has something that it says.
    Conflict(ImportConflict),
    /// The store failed. Whether the user was made is unknown; the line can be imported again.
    Failed(Arc<Error>),
}

/// What somebody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportConflict {
    /// The email address.
    EmailTaken,
    /// The username.
    UsernameTaken,
    /// The id: another user has it, or one had it who was deleted less than a day ago.
    IdTaken,
}

/// How many lines came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Users that were made, or would be.
    pub created: u64,
    /// Users that were there already.
    pub unchanged: u64,
    /// Lines that are no user.
    pub invalid: u64,
    /// Lines that say what somebody else has.
    pub conflicts: u64,
    /// Lines that the store failed at.
    pub failed: u64,
}

impl From<HandleKind> for ImportConflict {
    fn from(kind: HandleKind) -> Self {
        match kind {
            HandleKind::Email => Self::EmailTaken,
            HandleKind::Username => Self::UsernameTaken,
        }
    }
}

impl ImportConflict {
    /// Its name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
            Self::UsernameTaken => "username_taken",
            Self::IdTaken => "id_taken",
        }
    }
}

impl fmt::Display for ImportConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmailTaken => "another user has the email address, or this one with other data",
            Self::UsernameTaken => "another user has the username",
            Self::IdTaken => "the id belongs to a user with another address, or to one who was just deleted",
        })
    }
}

impl ImportOutcome {
    /// Its name for programs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Unchanged(_) => "unchanged",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::Failed(_) => "failed",
        }
    }
}

impl ImportSummary {
    /// Counts one more line.
    pub fn count(&mut self, outcome: &ImportOutcome) {
        *match outcome {
            ImportOutcome::Created(_) => &mut self.created,
            ImportOutcome::Unchanged(_) => &mut self.unchanged,
            ImportOutcome::Invalid(_) => &mut self.invalid,
            ImportOutcome::Conflict(_) => &mut self.conflicts,
            ImportOutcome::Failed(_) => &mut self.failed,
        } += 1;
    }

    /// Whether every line is a user now, or would be.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        (self.invalid, self.conflicts, self.failed) == (0, 0, 0)
    }
}
