//! The members of a JSON object, taken one by one into types, with everything that is wrong with them.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::fault::{FaultKind, LineFault};

/// As many unknown fields are told as this.
const UNKNOWN: usize = 20;
/// As many characters of the name of an unknown field are told.
const NAME: usize = 64;

/// What is wrong with a value.
pub(super) type Wrong = (FaultKind, String);

/// The members that were not taken yet.
pub(super) struct Members {
    object: Map<String, Value>,
    within: &'static str,
    pub(super) faults: Vec<LineFault>,
}

impl Members {
    /// The members of an object that is itself the member `within`, or of the line.
    pub(super) fn new(object: Map<String, Value>, within: &'static str) -> Self {
        Self { object, within, faults: Vec::new() }
    }

    /// Tells that something is wrong with a field.
    pub(super) fn fault(&mut self, field: &str, kind: FaultKind, message: impl Into<String>) {
        let field = if self.within.is_empty() { field.to_owned() } else { format!("{}.{field}", self.within) };
        self.faults.push(LineFault { field, kind, message: message.into() });
    }

    /// Takes a member and reads it. What is null is as if it were not there.
    pub(super) fn take<T>(&mut self, field: &str, read: impl FnOnce(Value) -> Result<T, Wrong>) -> Option<T> {
        let value = self.object.remove(field).filter(|value| !value.is_null())?;
        match read(value) {
            Ok(value) => Some(value),
            Err((kind, message)) => {
                self.fault(field, kind, message);
                None
            }
        }
    }

    /// Takes a member that must be there.
    pub(super) fn take_required<T>(&mut self, field: &str, read: impl FnOnce(Value) -> Result<T, Wrong>) -> Option<T> {
        if self.object.get(field).is_none_or(Value::is_null) {
            self.object.remove(field);
            self.fault(field, FaultKind::Required, "is required");
            return None;
        }
        self.take(field, read)
    }

    /// Tells of whatever was not taken, and answers everything that is wrong.
    pub(super) fn finish(mut self) -> Vec<LineFault> {
        for field in std::mem::take(&mut self.object).keys().take(UNKNOWN) {
            let name = field.chars().take(NAME).collect::<String>();
            self.fault(&name, FaultKind::Unknown, "is not a field of a user");
        }
        self.faults
    }
}

/// A string.
pub(super) fn text(value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err((FaultKind::WrongType, "must be a string".to_owned())),
    }
}

/// A truth value.
#[expect(clippy::needless_pass_by_value, reason = "it takes what the other readers take")]
pub(super) fn boolean(value: Value) -> Result<bool, Wrong> {
    match value {
        Value::Bool(truth) => Ok(truth),
        _ => Err((FaultKind::WrongType, "must be true or false".to_owned())),
    }
}

/// An object.
pub(super) fn object(value: Value) -> Result<Map<String, Value>, Wrong> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err((FaultKind::WrongType, "must be an object".to_owned())),
    }
}

/// A string that is something, or `must` be.
pub(super) fn parsed<T: FromStr>(must: &str) -> impl FnOnce(Value) -> Result<T, Wrong> {
    move |value| text(value)?.parse().map_err(|_| (FaultKind::Invalid, must.to_owned()))
}

/// A list of strings, each of which is something, or `must` be.
pub(super) fn list<T: FromStr, All: FromIterator<T>>(must: &str) -> impl FnOnce(Value) -> Result<All, Wrong> {
    move |value| {
        let Value::Array(values) = value else {
            return Err((FaultKind::WrongType, "must be a list of strings".to_owned()));
        };
        values.into_iter().map(|value| parsed(must)(value)).collect()
    }
}
