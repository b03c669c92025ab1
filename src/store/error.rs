//! Why the store did not do what it was asked.

/// The store did not answer, or not within [`REQUEST_DEADLINE`](super::REQUEST_DEADLINE).
#[derive(Debug, thiserror::Error)]
#[error("the store is unavailable: {0}")]
pub struct Unavailable(pub String);

/// Why a read was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store did not answer in time.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is there is not what was asked for, and was not written by this store: asking again will not help.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// Why a commit was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation does not hold, or did not for a moment. Nothing was written: read again, and decide anew.
    #[error("a record is not what the commit expected")]
    Conflict,
    /// The store has no room. Nothing was written.
    #[error("the store is full")]
    Full,
    /// What is there is not what the commit would change, and was not written by this store. Nothing was written, and the
    /// same commit will not do better.
    #[error("it cannot be written to: {0}")]
    Unreadable(String),
    /// The store did not answer in time: the outcome is unknown.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a store cannot be opened, in a line for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);
