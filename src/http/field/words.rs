//! Roles and permissions as fields: sets of words, and what a role is for.

use std::collections::BTreeSet;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::Value;

use super::{FieldValue, Wrong, text};
use crate::{
    accounts::{DisplayName, Grants, InvalidRoleDescription, Permission, Role, RoleDescription},
    http::code::FieldCode,
};

impl FieldValue for RoleDescription {
    fn schema() -> MetaSchema {
        MetaSchema {
            min_length: Some(1),
            max_length: Some(200),
            pattern: Some(DisplayName::PATTERN.to_owned()),
            example: Some("Writes articles".into()),
            ..MetaSchema::new("string")
        }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        text(value)?.parse().map_err(|e: InvalidRoleDescription| Wrong::new(FieldCode::Invalid, e.to_string()))
    }
}

/// Makes a field of a set of words.
macro_rules! words {
    ($word:ident, $example:literal, $most:expr) => {
        impl FieldValue for BTreeSet<$word> {
            fn schema() -> MetaSchema {
                let item = MetaSchema {
                    example: Some($example.into()),
                    pattern: Some("^[a-z][a-z0-9_.:-]{0,63}$".to_owned()),
                    ..MetaSchema::new("string")
                };
                let items = Some(Box::new(MetaSchemaRef::Inline(Box::new(item))));
                MetaSchema { items, max_items: Some($most), ..MetaSchema::new("array") }
            }

            fn read(value: Value) -> Result<Self, Wrong> {
                let Value::Array(items) = value else {
                    return Err(Wrong::new(FieldCode::WrongType, "must be an array of strings"));
                };
                if items.len() > $most {
                    return Err(Wrong::new(FieldCode::TooLong, format!("must have at most {} items", $most)));
                }
                let word =
                    |item| text(item)?.parse::<$word>().map_err(|e| Wrong::new(FieldCode::Invalid, e.to_string()));
                items.into_iter().map(word).collect()
            }
        }
    };
}

words!(Permission, "articles:write", Grants::MAX_PERMISSIONS);
words!(Role, "editor", Grants::MAX_ROLES);
