//! Fields of a request body. A wrong one is remembered, not returned: so one answer names them all.

mod values;
mod words;

use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

pub(super) use self::values::text;
use super::{code::FieldCode, problem::FieldProblem, scalar::plain_type};
use crate::accounts::{Change, InvalidPassword, NewPassword, PasswordSettings, UnfitPassword};

/// Something that a field can hold: its schema, and how it is read.
pub(super) trait FieldValue: Sized + Send + Sync {
    /// What the document says of it.
    fn schema() -> MetaSchema;

    /// Reads it from a value that is not null.
    fn read(value: Value) -> Result<Self, Wrong>;
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    code: FieldCode,
    message: String,
}

impl Wrong {
    fn new(code: FieldCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn unfit(password: &UnfitPassword) -> Self {
        Self::new(FieldCode::of(password), password.to_string())
    }
}

/// Everything that is wrong with a body.
#[derive(Debug, Default)]
pub(super) struct FieldProblems {
    pub(super) found: Vec<FieldProblem>,
    /// What a new password must be, in a body that may have one.
    passwords: Option<PasswordSettings>,
}

impl FieldProblems {
    /// None yet, where new passwords must be like this.
    pub(super) fn new(passwords: PasswordSettings) -> Self {
        Self { found: Vec::new(), passwords: Some(passwords) }
    }

    /// A new password, which must be as long as the operator wants.
    pub(super) fn take_password(&mut self, field: &str, value: Result<NewPassword, Wrong>) -> Option<NewPassword> {
        let Some(settings) = &self.passwords else { return self.take(field, value) };
        let long_enough = match value {
            Ok(password) => settings.check_length(&password).map(|()| password).map_err(|e| Wrong::unfit(&e.into())),
            // Else somebody is told of the least length that any service has, and then of that of this one.
            Err(Wrong { code: FieldCode::TooShort, .. }) => {
                Err(Wrong::unfit(&InvalidPassword::TooShort(settings.min_length).into()))
            }
            Err(wrong) => Err(wrong),
        };
        self.take(field, long_enough)
    }

    /// The value of a field, or nothing and one more problem.
    pub(super) fn take<T>(&mut self, field: &str, value: Result<T, Wrong>) -> Option<T> {
        value.map_err(|Wrong { code, message }| self.add(field, code, message)).ok()
    }

    pub(super) fn add(&mut self, field: &str, code: FieldCode, message: impl Into<String>) {
        self.found.push(FieldProblem { field: field.to_owned(), code, message: message.into() });
    }
}

/// A field that must be there.
#[derive(Debug)]
pub(super) struct Required<T>(pub(super) Result<T, Wrong>);

/// A field that may be absent, but not null.
#[derive(Debug)]
pub(super) struct Optional<T>(pub(super) Result<Option<T>, Wrong>);

/// A field that may be absent or null, as in a merge patch.
#[derive(Debug)]
pub(super) struct Nullable<T>(pub(super) Result<Change<T>, Wrong>);

fn not_nullable() -> Wrong {
    Wrong::new(FieldCode::NotNullable, "cannot be null")
}

/// Makes a field type of each way to be absent or null.
macro_rules! field {
    ($field:ident, required: $required:literal, nullable: $nullable:literal, |$value:ident| $read:expr) => {
        impl<T: FieldValue> Type for $field<T> {
            const IS_REQUIRED: bool = $required;

            plain_type!();

            fn name() -> Cow<'static, str> {
                stringify!($field).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new(MetaSchema { nullable: $nullable, ..T::schema() }))
            }
        }

        impl<T: FieldValue> ParseFromJSON for $field<T> {
            fn parse_from_json($value: Option<Value>) -> ParseResult<Self> {
                Ok(Self($read))
            }
        }

        impl<T: FieldValue> ToJSON for $field<T> {
            /// What a client sent is not sent back.
            fn to_json(&self) -> Option<Value> {
                None
            }
        }
    };
}

field!(Required, required: true, nullable: false, |value| match value {
    None => Err(Wrong::new(FieldCode::Required, "is required")),
    Some(Value::Null) => Err(not_nullable()),
    Some(value) => T::read(value),
});

field!(Optional, required: false, nullable: false, |value| match value {
    None => Ok(None),
    Some(Value::Null) => Err(not_nullable()),
    Some(value) => T::read(value).map(Some),
});

field!(Nullable, required: false, nullable: true, |value| match value {
    None => Ok(Change::Keep),
    Some(Value::Null) => Ok(Change::Clear),
    Some(value) => T::read(value).map(Change::Set),
});
