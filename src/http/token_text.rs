//! A token of any kind as text, on its way in or out: it is not shown in logs, and wiped when it is dropped.

use std::{borrow::Cow, fmt};

use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ToJSON, Type},
};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    field::{FieldValue, Wrong, text},
    scalar::{only_written, plain_type},
};

/// A token, as it is sent.
#[derive(Clone)]
pub(super) struct TokenText(Zeroizing<String>);

impl TokenText {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// A token that a client sends.
impl FieldValue for TokenText {
    fn schema() -> MetaSchema {
        MetaSchema { write_only: true, ..MetaSchema::new("string") }
    }

    fn read(value: Value) -> Result<Self, Wrong> {
        text(value).map(|sent| Self(Zeroizing::new(sent)))
    }
}

/// A token that a client is given.
impl Type for TokenText {
    const IS_REQUIRED: bool = true;

    plain_type!();

    fn name() -> Cow<'static, str> {
        "string".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl ToJSON for TokenText {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.reveal().to_owned()))
    }
}

only_written!([] TokenText);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", TokenText::new("secret")), "TokenText(…)");
    }
}
