//! What traces say of the store: what it was asked, how often at once, and how that ended. No key is told, since one can say
//! who somebody is.

use tracing::{Span, field::Empty};

use super::{CommitError, ReadError, Unavailable};
use crate::traces;

/// How a call of the store failed, in a word.
pub(super) trait Failure {
    fn word(&self) -> &'static str;
}

impl Failure for Unavailable {
    fn word(&self) -> &'static str {
        "unavailable"
    }
}

impl Failure for ReadError {
    fn word(&self) -> &'static str {
        match self {
            Self::Unavailable(unavailable) => unavailable.word(),
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl Failure for CommitError {
    fn word(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Full => "full",
            Self::Unreadable(_) => "unreadable",
            Self::Unavailable(unavailable) => unavailable.word(),
        }
    }
}

/// So many operations in one round trip, in a span of its own (OpenTelemetry's semantic conventions for database clients).
pub(super) struct Operation(pub(super) Span);

impl Operation {
    pub(super) fn begin(system: &'static str, name: &'static str, size: usize) -> Self {
        Self(tracing::info_span!(
            target: traces::TARGET,
            "store",
            otel.name = name,
            otel.kind = "client",
            db.system.name = system,
            db.operation.name = name,
            db.operation.batch.size = size,
            store.outcome = Empty,
            error.type = Empty,
            ended = Empty,
        ))
    }

    /// Ends it with this outcome. A conflict is an outcome and no error: it is tried again.
    pub(super) fn end<T, E: Failure>(self, outcome: Result<T, E>) -> Result<T, E> {
        let word = outcome.as_ref().map_or_else(Failure::word, |_| "ok");
        self.0.record("store.outcome", word);
        if !matches!(word, "ok" | "conflict") {
            self.0.record("error.type", word);
        }
        self.0.record("ended", true);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_commit_has_failed_with_is_told_in_a_word() {
        let unavailable = || crate::store::Unavailable("late".to_owned());
        for (error, word) in [
            (CommitError::Conflict, "conflict"),
            (CommitError::Full, "full"),
            (CommitError::Unreadable("a record".to_owned()), "unreadable"),
            (CommitError::Unavailable(unavailable()), unavailable().word()),
        ] {
            assert_eq!(error.word(), word);
        }
    }
}
