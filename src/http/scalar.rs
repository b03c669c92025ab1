//! The small values of the API: text with a format, and what may be null.

use std::borrow::Cow;

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseFromParameter, ParseResult, ToJSON, Type},
};
use serde_json::{Map, Value};

/// The part of [`Type`] that is the same for all types that do not validate.
macro_rules! plain_type {
    () => {
        type RawValueType = Self;
        type RawElementValueType = Self;

        fn as_raw_value(&self) -> Option<&Self> {
            Some(self)
        }

        fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
            Box::new(std::iter::once(self))
        }
    };
}
pub(super) use plain_type;

/// What poem-openapi wants of every field of an object: these are fields of answers, so nothing is read into them.
macro_rules! only_written {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> poem_openapi::types::ParseFromJSON for $type {
            fn parse_from_json(_: Option<serde_json::Value>) -> poem_openapi::types::ParseResult<Self> {
                Err(poem_openapi::types::ParseError::custom("is only ever written"))
            }
        }
    };
}

pub(super) use only_written;

/// Text with a format that the document names.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $format:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name(pub(super) String);

        impl Type for $name {
            const IS_REQUIRED: bool = true;

            plain_type!();

            fn name() -> Cow<'static, str> {
                concat!("string_", $format).into()
            }

            fn schema_ref() -> MetaSchemaRef {
                let mut schema = MetaSchema::new_with_format("string", $format);
                schema.example = Some($example.into());
                MetaSchemaRef::Inline(Box::new(schema))
            }
        }

        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                Some(Value::String(self.0.clone()))
            }
        }

        only_written!([] $name);
    };
}

text! {
    /// A UUID. In a parameter it is taken as it comes: what is no id is the id of nothing.
    Id, "uuid", "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10"
}

text! {
    /// A moment: RFC 3339, UTC, milliseconds.
    DateTime, "date-time", "2026-01-31T09:30:00.000Z"
}

text! {
    /// An email address.
    Email, "email", "ada@example.com"
}

impl ParseFromParameter for Id {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self(value.to_owned()))
    }
}

/// A value that is always there and may be null.
#[derive(Clone, Debug)]
pub(super) struct OrNull<T>(pub(super) Option<T>);

impl<T: Type> Type for OrNull<T> {
    const IS_REQUIRED: bool = true;

    plain_type!();

    fn name() -> Cow<'static, str> {
        format!("nullable_{}", T::name()).into()
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref().merge(MetaSchema { nullable: true, ..MetaSchema::ANY })
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> ToJSON for OrNull<T> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_ref().and_then(ToJSON::to_json).unwrap_or(Value::Null))
    }
}

only_written!([T: Type] OrNull<T>);

/// Any JSON object.
#[derive(Clone, Debug)]
pub(super) struct JsonObject(pub(super) Map<String, Value>);

impl Type for JsonObject {
    const IS_REQUIRED: bool = true;

    plain_type!();

    fn name() -> Cow<'static, str> {
        "object".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(object_schema()))
    }
}

impl ToJSON for JsonObject {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}

only_written!([] JsonObject);

/// The schema of any JSON object.
pub(super) fn object_schema() -> MetaSchema {
    let mut schema = MetaSchema::new("object");
    schema.additional_properties = Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY))));
    schema.example = Some(serde_json::json!({"plan": "pro"}));
    schema
}
