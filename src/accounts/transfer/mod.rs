//! Users as lines of text, NDJSON: what other services export is imported, and what is here is exported, in one form.
//!
//! An import never changes an account that is there, so one that was cut is run again, from the beginning: the lines that
//! made an account say that nothing changed, and cost two reads. There is nothing to resume from, and nothing to get wrong.
//!
//! An import claims addresses and usernames as registrations do (see [`claims`](super::claims)), so they stay unique
//! whoever registers or imports meanwhile. Many lines are looked at together, their claims are made at once, and one
//! commit makes all users of a bucket. The operation of a line with an id is derived from the id and from what is claimed:
//! whoever runs it again meets the claims that were left behind as its own. Like the attempts that share an idempotency key,
//! these never give a claim back that another of them may rely on.

mod export;
mod fault;
mod form;
mod import;
mod lines;
mod look;
mod members;
mod outcome;
mod settle;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod tests;
mod under_way;

pub(super) use self::under_way::UnderWay;
pub use self::{
    export::{ExportError, Exported},
    fault::{FaultKind, LineFault, LineProblem},
    import::{Import, ImportError},
    lines::{Lines, MAX_LINE, RawLine},
    outcome::{ImportConflict, ImportOutcome, ImportSummary, Imported},
};
