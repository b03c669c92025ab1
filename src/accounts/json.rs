//! JSON from outside. Of a member that an object has twice, readers differ on which one counts (RFC 8259, 4); here neither is
//! taken, so that nothing is lost unnoticed.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Where a text stops being JSON that is taken, counted from 1, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidJson {
    /// Whether it is JSON so far, and an object has a member twice.
    pub repeats: bool,
    /// The line.
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

/// Reads a value of at most 127 levels, each of whose objects has a member once.
///
/// # Errors
/// Where it is not that.
pub fn read_json(text: &[u8]) -> Result<Value, InvalidJson> {
    let read: Result<Unique, serde_json::Error> = serde_json::from_slice(text);
    let invalid = |e: serde_json::Error| InvalidJson { repeats: e.is_data(), line: e.line(), column: e.column() };
    Ok(read.map_err(invalid)?.0)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueMembers).map(Self)
    }
}

struct UniqueMembers;

impl<'de> Visitor<'de> for UniqueMembers {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(Error::custom("a member is there twice"));
            }
            let Unique(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_each_member_once_is_read_as_serde_json_reads_it() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "1.5e300",
            r#""a\u00e9\n""#,
            "[]",
            "{}",
            "0.1",
            r#" {"a": [1, {"b": null, "c": {"a": "A"}}], "b": {"a": false}} "#,
        ] {
            assert_eq!(read_json(text.as_bytes()), Ok(serde_json::from_str(text).unwrap()), "{text}");
        }
        assert!(read_json(("[".repeat(127) + &"]".repeat(127)).as_bytes()).is_ok());
    }

    #[test]
    fn a_member_that_is_there_twice_is_told_from_what_is_no_json() {
        let at = |text: &str| read_json(text.as_bytes()).unwrap_err();
        for (text, repeats, line, column) in [
            (r#"{"a": 1, "a": 1}"#, true, 1, 12),
            ("{\"b\": [{\"c\": 1,\n \"\\u0063\": 2}]}", true, 2, 9),
            ("{\"a\": 1,\n}", false, 2, 1),
            ("{} {}", false, 1, 4),
            ("1e400", false, 1, 5),
            ("", false, 1, 0),
        ] {
            assert_eq!(at(text), InvalidJson { repeats, line, column }, "{text}");
        }
        assert!(!at(&("[".repeat(128) + &"]".repeat(128))).repeats);
    }
}
