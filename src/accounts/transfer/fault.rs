//! What is wrong with a line. Nothing here repeats a value: it may be personal, or a hash.

use std::fmt;

/// Why a line is no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineProblem {
    /// It is not a JSON object, and reading it ended at this column, in bytes.
    Malformed(usize),
    /// It is JSON so far, but an object in it has a field twice, at this column.
    Repeats(usize),
    /// It has more than [`MAX_LINE`](super::MAX_LINE) bytes.
    TooLong,
    /// Some fields are wrong: all of them are told.
    Fields(Vec<LineFault>),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// The field, or `suspended.until` for one inside another.
    pub field: String,
    /// What is wrong with it, for programs.
    pub kind: FaultKind,
    /// What is wrong with it, for people.
    pub message: String,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The field is missing.
    Required,
    /// There is no such field here.
    Unknown,
    /// The field has another JSON type.
    WrongType,
    /// The value has not the form that it must have.
    Invalid,
    /// The value is too long or too large.
    TooLong,
    /// Whoever imports may not give this.
    Forbidden,
}

impl FaultKind {
    /// Its name for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Unknown => "unknown",
            Self::WrongType => "wrong_type",
            Self::Invalid => "invalid",
            Self::TooLong => "too_long",
            Self::Forbidden => "forbidden",
        }
    }
}

impl LineProblem {
    /// Its name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Repeats(_) => "malformed_json",
            Self::TooLong => "line_too_long",
            Self::Fields(_) => "validation_failed",
        }
    }
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(column) => write!(f, "is not a JSON object, at column {column}"),
            Self::Repeats(column) => write!(f, "has a field twice, at column {column}"),
            Self::TooLong => write!(f, "has more than {} bytes", super::MAX_LINE),
            Self::Fields(faults) => {
                let told = faults.iter().map(|fault| format!("`{}` {}", fault.field.escape_debug(), fault.message));
                f.write_str(&told.collect::<Vec<_>>().join("; "))
            }
        }
    }
}
