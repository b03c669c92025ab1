//! What would fail inside EXEC, found before it: Redis does not undo what stands beside a command that fails there.
//!
//! | command    | could fail there over                        | what protects from it                          | and then       |
//! |------------|----------------------------------------------|------------------------------------------------|----------------|
//! | DEL, SET   | nothing: they take a key of any type         |                                                |                |
//! | HSET       | a key of another type                        | of a record, the DEL before it; of a number, HGET | as HINCRBY  |
//! | ZADD, ZREM | a key of another type                        | ZCARD, before                                  | all is refused |
//! | RPUSH      | a key of another type                        | LLEN, before                                   | it is left out |
//! | LTRIM      | likewise                                     | the same LLEN                                  | it is left out |
//! | HINCRBY    | a key of another type, a field that is no number, a sum that is too great | HGET, before      | it is left out |
//! | PEXPIREAT  | nothing: any time that fits 64 bits is taken |                                                |                |
//! | any        | no memory, no disk, too few replicas, a slot that has moved | the server looks before EXEC    | all is refused |
//! | any        | a right that is missing                      | the server looks when the command is queued    | all is refused |
//!
//! The guards are read with the expectations, in the same round trip. They are not watched: many commits at once change
//! the same indexes and numbers, and each would be a conflict for the others. So what remains is somebody who damages a
//! key, or takes a right away, in the moment between the two round trips of a commit.

use fred::{error::Error, types::Value};

use super::told;
use crate::store::{
    Batch, Name,
    batch::{LeftOut, Rest, count, tell_left_out},
};

/// What is read of a key that a transaction is to change.
pub(super) struct Guard {
    pub(super) command: &'static str,
    /// The first of them is the key.
    pub(super) arguments: Vec<String>,
    protects: Protected,
}

/// What would fail.
enum Protected {
    /// The change of an index.
    Index,
    /// What is appended to a log, by these writes of the batch.
    Log(Vec<usize>),
    /// A number to which so much is added, by these writes of the batch.
    Number(i64, Vec<usize>),
}

/// What has to be read before `batch`.
pub(super) fn guards(batch: &Batch, prefix: &str) -> Vec<Guard> {
    let key = |name: &Name| format!("{prefix}{}", batch.slot.key(name));
    let guard = |command, name, protects| Guard { command, arguments: vec![key(name)], protects };
    let changes = batch.changes();
    let indexes = changes.indexes.into_iter().map(|name| guard("ZCARD", name, Protected::Index));
    let logs = changes.logs.into_iter().map(|(name, writes)| guard("LLEN", name, Protected::Log(writes)));
    let numbers = changes.numbers.into_iter().map(|((name, field), (by, writes))| Guard {
        command: "HGET",
        arguments: vec![key(name), field.to_owned()],
        protects: Protected::Number(by, writes),
    });
    indexes.chain(logs).chain(numbers).collect()
}

impl Guard {
    /// Adds what this keeps out of the transaction to `left_out`, and tells of it.
    ///
    /// # Errors
    /// Why nothing of the transaction may be done.
    pub(super) fn judge(&self, reply: Result<Value, Error>, left_out: &mut LeftOut) -> Result<(), String> {
        let key = self.arguments.first().map_or("", String::as_str);
        let (writes, rest, why) = match (&self.protects, reply) {
            (Protected::Index, Err(error)) => return Err(format!("{key}: {}", told(&error))),
            (Protected::Log(writes) | Protected::Number(_, writes), Err(error)) => {
                (writes, Rest::Nothing, told(&error))
            }
            (Protected::Index | Protected::Log(_), Ok(_)) => return Ok(()),
            (Protected::Number(by, writes), Ok(found)) => {
                let text = (!found.is_null()).then(|| found.as_str().unwrap_or_default());
                let Err(why) = count(text.as_deref(), *by) else { return Ok(()) };
                (writes, Rest::Revision, why.to_owned())
            }
        };
        tell_left_out(key, &why);
        left_out.extend(writes.iter().map(|at| (*at, rest)));
        Ok(())
    }
}

/// Whether an error says that a key is of another type.
pub(super) fn is_of_type(error: &Error) -> bool {
    error.details().starts_with("WRONGTYPE")
}
