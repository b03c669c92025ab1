//! What a person says of themselves: a display name and free metadata.

use serde_json::{Map, Value};

use super::json::read_json;

/// A display name: free text of 1 to 200 code points, with something to see in it, and without characters that control
/// what is around them: control characters, line separators and bidirectional overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

/// The text is no display name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 200 characters, something to see among them, and no control character")]
pub struct InvalidDisplayName;

impl DisplayName {
    /// Which texts are display names, as a regular expression of ECMA 262.
    pub const PATTERN: &'static str = concat!(
        r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*",
        r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f\u2060\u2066-\u2069\u3000\ufeff]",
        r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$",
    );

    /// Reads a display name, and takes away the space around it.
    ///
    /// # Errors
    /// [`InvalidDisplayName`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        if is_one_line(text, 200) { Ok(Self(text.trim().to_owned())) } else { Err(InvalidDisplayName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` shows something, has at most so many code points, and controls nothing around it.
pub(super) fn is_one_line(text: &str, most: usize) -> bool {
    let visible = text.chars().any(|c| !c.is_whitespace() && !is_invisible(c));
    visible && text.chars().count() <= most && !text.chars().any(controls)
}

fn controls(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Joiners and marks of no width: they have their use between other characters, but alone they show nothing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A JSON object for the application's own use, of at most [`Metadata::MAX_BYTES`] when written without spaces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

/// The object is larger than metadata may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a JSON object of at most 4096 bytes")]
pub struct MetadataTooLarge;

impl Metadata {
    /// The bound on the size, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Takes an object for metadata.
    ///
    /// # Errors
    /// [`MetadataTooLarge`] when it is over the bound.
    pub fn new(object: Map<String, Value>) -> Result<Self, MetadataTooLarge> {
        let metadata = Self(object);
        if metadata.to_string().len() > Self::MAX_BYTES { Err(MetadataTooLarge) } else { Ok(metadata) }
    }

    /// Reads metadata that was stored, and so was within the bound when it was written. It has no member twice: the reader of
    /// what comes from outside serves here too, so that the program holds one.
    pub(super) fn stored(text: &str) -> Option<Self> {
        match read_json(text.as_bytes()) {
            Ok(Value::Object(object)) => Some(Self(object)),
            _ => None,
        }
    }

    /// The object.
    #[must_use]
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Applies a JSON merge patch (RFC 7396): members are merged level by level, and null removes one.
    ///
    /// # Errors
    /// [`MetadataTooLarge`] when the result is over the bound.
    pub fn merge(&self, patch: &Map<String, Value>) -> Result<Self, MetadataTooLarge> {
        let mut merged = self.0.clone();
        merge(&mut merged, patch);
        Self::new(merged)
    }
}

impl std::fmt::Display for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", serde_json::json!(self.0))
    }
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(patch) => {
                let member = target.entry(name.clone()).or_insert(Value::Null);
                if !member.is_object() {
                    *member = Value::Object(Map::new());
                }
                if let Value::Object(target) = member {
                    merge(target, patch); // into an empty object too: a target never gains a null from a patch
                }
            }
            value => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("{value} is no object") };
        object
    }

    /// The cases of RFC 7396, appendix A, whose target and patch are both objects.
    #[test]
    fn metadata_is_merged_as_the_rfc_says() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let merged = Metadata(object(target.clone())).merge(&object(patch.clone())).unwrap();
            assert_eq!(Value::Object(merged.0), expected, "{target} + {patch}");
        }
    }

    #[test]
    fn the_size_is_bounded_after_a_merge_too() {
        let half = object(json!({"a": "x".repeat(2100)}));
        let metadata = Metadata::new(half).unwrap();
        assert!(metadata.merge(&object(json!({"b": "x".repeat(2100)}))).is_err());
        assert!(metadata.merge(&object(json!({"a": "x".repeat(4088)}))).is_ok());
        assert!(metadata.merge(&object(json!({"a": "x".repeat(4089)}))).is_err());
    }

    #[test]
    fn display_names_are_checked_at_their_bounds() {
        assert_eq!(DisplayName::parse(" Ada \u{1f511} ").unwrap().as_str(), "Ada \u{1f511}");
        assert!(DisplayName::parse(&"\u{e4}".repeat(200)).is_ok());
        for bad in ["", "  ", "\u{200b}", "a\nb", "a\u{7f}b", "a\u{202e}b", "a\u{2028}b", "Ada\n", &"a".repeat(201)] {
            assert!(DisplayName::parse(bad).is_err(), "{bad:?}");
        }
    }

    /// Any JSON, small enough to be read when a test fails.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                btree_map("[a-c]", inner, 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn members() -> impl Strategy<Value = Map<String, Value>> {
        btree_map("[a-c]", value(), 0..4).prop_map(|members| members.into_iter().collect())
    }

    /// The procedure of RFC 7396, 2, line by line.
    fn as_the_rfc_says(target: Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else { return patch.clone() };
        let mut target = if let Value::Object(target) = target { target } else { Map::new() };
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                let member = target.get(name).cloned().unwrap_or_default();
                target.insert(name.clone(), as_the_rfc_says(member, value));
            }
        }
        Value::Object(target)
    }

    proptest! {
        #[test]
        fn a_merge_is_that_of_the_rfc_and_twice_is_as_good_as_once(target in members(), patch in members()) {
            let merged = Metadata(target.clone()).merge(&patch).unwrap();
            let expected = as_the_rfc_says(Value::Object(target), &Value::Object(patch.clone()));
            prop_assert_eq!(Value::Object(merged.0.clone()), expected);
            prop_assert_eq!(&merged.merge(&patch).unwrap(), &merged);
        }

        #[test]
        fn what_was_written_is_read_again(object in members()) {
            let metadata = Metadata(object);
            prop_assert_eq!(Metadata::stored(&metadata.to_string()), Some(metadata));
        }

        #[test]
        fn a_name_is_its_own_name(text in "\\PC{0,60}| {0,3}\\PC{1,4}\\s?|[ -~]{1,60}") {
            if let Ok(name) = DisplayName::parse(&text) {
                prop_assert_eq!(&DisplayName::parse(name.as_str()).unwrap(), &name);
            }
        }
    }
}
