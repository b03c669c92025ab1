//! Where a record lives: a slot, and a name inside it.
//!
//! A slot is the unit of atomicity. On Redis it is the hash tag, so everything in one slot is on one node of a
//! cluster, and one MULTI/EXEC can cover it.

use std::fmt;

/// A group of records that can be changed together: the hash tag of their keys, without the braces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot(String);

impl Slot {
    /// A slot with this tag, which must be neither empty nor contain a brace.
    #[must_use]
    pub fn new(tag: impl Into<String>) -> Self {
        let tag = tag.into();
        debug_assert!(!tag.is_empty() && !tag.contains(['{', '}']), "{tag:?} cannot be a hash tag");
        Self(tag)
    }

    /// The key of `name` in this slot.
    #[must_use]
    pub fn key(&self, name: &Name) -> Key {
        Key(match name.0.as_str() {
            "" => format!("{{{}}}", self.0),
            name => format!("{{{}}}:{name}", self.0),
        })
    }

    /// The key of the record of its own that a commit leaves in this slot; see [`crate::store::redis`].
    #[must_use]
    pub(super) fn marker(&self, op: &str) -> Key {
        Key(format!("op:{{{}}}:{op}", self.0))
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of a key inside its slot. A [`Batch`](super::Batch) takes names, not keys, so it cannot span slots.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The name of a slot that holds a single record, such as `{meta}`.
    pub const ROOT: Self = Self(String::new());

    /// A name inside a slot, such as `user:0198…`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

/// A whole key, without the prefix that a Redis store puts before it: `{tag}:name`, or `{tag}` alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
