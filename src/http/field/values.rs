//! What fields can hold: what the document says of each kind of value, and how it is read.

use poem_openapi::registry::MetaSchema;
use serde_json::{Map, Value};

use super::{FieldValue, Wrong};
use crate::{
    accounts::{
        DisplayName, EmailAddress, InvalidLocale, InvalidSuspensionReason, Locale, Metadata, NewPassword, Password,
        SuspensionReason, Timestamp, Username,
    },
    http::{code::FieldCode, delivery::TokenDelivery, scalar::object_schema},
};

pub(in crate::http) fn text(value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Wrong::new(FieldCode::WrongType, "must be a string")),
    }
}

fn string_schema(format: Option<&'static str>, example: &str) -> MetaSchema {
    MetaSchema { format, example: Some(example.into()), ..MetaSchema::new("string") }
}

impl FieldValue for String {
    fn schema() -> MetaSchema {
        string_schema(None, "ada@example.com")
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        text(value)
    }
}

impl FieldValue for TokenDelivery {
    fn schema() -> MetaSchema {
        // Without `default`: openapi-typescript takes what has one for a field that must be there.
        MetaSchema { enum_items: vec!["body".into(), "cookie".into()], ..MetaSchema::new("string") }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        match text(value)?.as_str() {
            "body" => Ok(Self::Body),
            "cookie" => Ok(Self::Cookie),
            _ => Err(Wrong::new(FieldCode::Invalid, "must be `body` or `cookie`")),
        }
    }
}

impl FieldValue for bool {
    fn schema() -> MetaSchema {
        MetaSchema::new("boolean")
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        value.as_bool().ok_or_else(|| Wrong::new(FieldCode::WrongType, "must be true or false"))
    }
}

impl FieldValue for Timestamp {
    fn schema() -> MetaSchema {
        string_schema(Some("date-time"), "2026-01-31T09:30:00Z")
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        let invalid = |_| Wrong::new(FieldCode::Invalid, "must be a date and a time (RFC 3339)");
        text(value)?.parse().map_err(invalid)
    }
}

impl FieldValue for SuspensionReason {
    fn schema() -> MetaSchema {
        MetaSchema {
            min_length: Some(1),
            max_length: Some(200),
            pattern: Some(DisplayName::PATTERN.to_owned()),
            ..string_schema(None, "spam")
        }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        let invalid = |e: InvalidSuspensionReason| Wrong::new(FieldCode::Invalid, e.to_string());
        text(value)?.parse().map_err(invalid)
    }
}

impl FieldValue for EmailAddress {
    fn schema() -> MetaSchema {
        MetaSchema { max_length: Some(254), ..string_schema(Some("email"), "ada@example.com") }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        Self::parse(&text(value)?).map_err(|e| Wrong::new(FieldCode::Invalid, e.to_string()))
    }
}

impl FieldValue for Username {
    fn schema() -> MetaSchema {
        MetaSchema {
            min_length: Some(3),
            max_length: Some(32),
            pattern: Some("^[A-Za-z][A-Za-z0-9_.-]{2,31}$".to_owned()),
            ..string_schema(None, "ada")
        }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        Self::parse(&text(value)?).map_err(|e| Wrong::new(FieldCode::Invalid, e.to_string()))
    }
}

impl FieldValue for DisplayName {
    fn schema() -> MetaSchema {
        MetaSchema {
            min_length: Some(1),
            max_length: Some(200),
            pattern: Some(Self::PATTERN.to_owned()),
            ..string_schema(None, "Ada Lovelace")
        }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        Self::parse(&text(value)?).map_err(|e| Wrong::new(FieldCode::Invalid, e.to_string()))
    }
}

impl FieldValue for Locale {
    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(Self::MAX_CHARS),
            pattern: Some(Self::PATTERN.to_owned()),
            ..string_schema(None, "de-CH")
        }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        text(value)?.parse().map_err(|e: InvalidLocale| Wrong::new(FieldCode::Invalid, e.to_string()))
    }
}

impl FieldValue for Password {
    fn schema() -> MetaSchema {
        MetaSchema { write_only: true, ..string_schema(Some("password"), "correct horse battery") }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        text(value).map(|typed| Self::new(&zeroize::Zeroizing::new(typed)))
    }
}

impl FieldValue for NewPassword {
    fn schema() -> MetaSchema {
        MetaSchema { min_length: Some(Self::MIN), max_length: Some(Self::MAX), ..Password::schema() }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        let typed = zeroize::Zeroizing::new(text(value)?);
        Self::parse(&typed).map_err(|e| Wrong::unfit(&e.into()))
    }
}

/// A merge patch of metadata.
impl FieldValue for Map<String, Value> {
    fn schema() -> MetaSchema {
        object_schema()
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        let object = object(value)?;
        // Whatever it is merged into, the result is no smaller than what the patch sets.
        Metadata::default().merge(&object).map_err(|e| Wrong::new(FieldCode::TooLong, e.to_string()))?;
        Ok(object)
    }
}

fn object(value: Value) -> Result<Map<String, Value>, Wrong> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Wrong::new(FieldCode::WrongType, "must be an object")),
    }
}

impl FieldValue for Metadata {
    fn schema() -> MetaSchema {
        object_schema()
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        Self::new(object(value)?).map_err(|e| Wrong::new(FieldCode::TooLong, e.to_string()))
    }
}
