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

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A whole key, without the prefix that a Redis store puts before it: `{tag}:name`, or `{tag}` alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Reads a key as it was found in a store. What has no tag at its beginning was not written by us.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (tag, rest) = text.strip_prefix('{')?.split_once('}')?;
        let ours = !tag.is_empty() && !tag.contains('{') && (rest.is_empty() || rest.starts_with(':'));
        ours.then(|| Self(text.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slot and the name that this key was made of.
    #[must_use]
    pub fn parts(&self) -> (Slot, Name) {
        let (tag, name) = self.0.split_once('}').unwrap_or((&self.0, ""));
        (Slot(tag.trim_start_matches('{').to_owned()), Name(name.trim_start_matches(':').to_owned()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_into_its_parts() {
        let slot = Slot::new("b7");
        for name in [Name::ROOT, Name::new("sessions:1"), Name::new("a:{odd}")] {
            let key = Key::parse(slot.key(&name).as_str()).unwrap();
            assert_eq!(key.parts(), (slot.clone(), name));
        }
    }

    #[test]
    fn what_has_no_tag_at_its_beginning_is_no_key() {
        for text in ["", "a", "{}", "{}:a", "{b7", "op:{b7}:1", "{b7}a", "{{b7}:a"] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
