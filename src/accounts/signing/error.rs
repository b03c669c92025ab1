//! What can be wrong with signing keys, beside what can be wrong with any record.

use crate::accounts::error::Error;

/// Why a signing key cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The keys cannot be read or changed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The key is sealed, and why it stays so.
    #[error("the signing key {kid} is sealed, and {why} (LATCHKEY_MASTER_SECRET_FILE or LATCHKEY_MASTER_SECRET)")]
    Sealed {
        /// Which key it is.
        kid: String,
        /// What is missing.
        why: &'static str,
    },
    /// The key lies in plain text beside a master secret, and not since before the start.
    #[error(
        "the signing key {0} lies in plain text although there is a master secret: was it put there by somebody else? \
         `latchkey keys rotate --now` drops it"
    )]
    Unsealed(String),
    /// What was opened is no key of its algorithm.
    #[error("the signing key {0} is no private key of its algorithm")]
    Malformed(String),
    /// There is none.
    #[error("there is no signing key")]
    Missing,
    /// The operating system has no randomness, or the cipher refused.
    #[error("no signing key can be made: {0}")]
    NotMade(&'static str),
}
