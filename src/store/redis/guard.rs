//! What would fail inside EXEC, found before it: Redis does not undo what stands beside a command that fails there.
//!
//! | command    | could fail there over                        | what protects from it                               |
//! |------------|----------------------------------------------|-----------------------------------------------------|
//! | DEL, SET   | nothing: they take a key of any type         |                                                     |
//! | HSET       | a key of another type                        | of a record, the DEL before it; of a number, HINCRBY |
//! | ZADD, ZREM | a key of another type                        | ZCARD, before                                       |
//! | RPUSH      | a key of another type                        | LLEN, before                                        |
//! | LTRIM      | likewise                                     | RPUSH before it                                     |
//! | HINCRBY    | a key of another type, a field that is no number, a sum that is too great | HGET, before           |
//! | PEXPIREAT  | nothing: any time that fits 64 bits is taken |                                                     |
//! | any        | no memory, no disk, too few replicas, a slot that has moved | the server looks before EXEC and discards all |
//! | any        | a right that is missing                      | the server looks when the command is queued, and discards all |
//!
//! The guards are read with the expectations, in the same round trip. They are not watched: many commits at once change
//! the same indexes and numbers, and each would be a conflict for the others. So what remains is somebody who damages a
//! key, or takes a right away, in the moment between the two round trips of a commit.

use std::collections::HashSet;

use fred::{error::Error, types::Value};

use super::told;
use crate::store::{
    Batch, Name,
    batch::{Write, count},
};

/// What is read of a key that a transaction is to change.
pub(super) struct Guard {
    pub(super) command: &'static str,
    /// The first of them is the key.
    pub(super) arguments: Vec<String>,
    /// What is added to the number that is read.
    by: Option<i64>,
}

/// What has to be read before `batch`. A key that it puts or deletes first is of the right type then.
pub(super) fn guards(batch: &Batch, prefix: &str) -> Vec<Guard> {
    let key = |name: &Name| format!("{prefix}{}", batch.slot.key(name));
    let mut guards = Vec::new();
    let mut known = HashSet::new();
    for (name, write) in &batch.writes {
        let command = match write {
            Write::Put { .. } | Write::Delete => None,
            Write::Add { .. } | Write::Remove { .. } => Some("ZCARD"),
            Write::Append { .. } => Some("LLEN"),
            Write::CountUp { .. } => continue,
        };
        if known.insert(name) {
            guards.extend(command.map(|command| Guard { command, arguments: vec![key(name)], by: None }));
        }
    }
    let counts = batch.counts().into_iter();
    guards.extend(counts.map(|((name, field), by)| Guard {
        command: "HGET",
        arguments: vec![key(name), field.to_owned()],
        by: Some(by),
    }));
    guards
}

impl Guard {
    /// Why the transaction would fail, if it would.
    pub(super) fn refuse(&self, reply: Result<Value, Error>) -> Option<String> {
        let key = self.arguments.first().map_or("", String::as_str);
        let why = match (reply, self.by) {
            (Err(error), _) => told(&error),
            (Ok(Value::Null), Some(by)) => count(None, by).err()?.to_owned(),
            (Ok(found), Some(by)) => count(Some(&found.as_str().unwrap_or_default()), by).err()?.to_owned(),
            (Ok(_), None) => return None,
        };
        Some(format!("{key}: {why}"))
    }
}

/// Whether an error says that a key is of another type.
pub(super) fn is_of_type(error: &Error) -> bool {
    error.details().starts_with("WRONGTYPE")
}
