//! The request body: a JSON object, read into the types of `accounts`, with every wrong field named at once.

use std::{collections::BTreeSet, sync::Arc};

use poem::{FromRequest, Request, RequestBody, web::Data};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::{ParseFromJSON, Type},
};
use serde_json::Value;

use super::{
    code::{Code, FieldCode},
    field::FieldProblems,
    problem::Problem,
};
use crate::accounts::{Accounts, InvalidJson, PasswordSettings, read_json};

/// As many unknown fields are named as this, so that the answer stays small.
const UNKNOWN: usize = 20;
/// As many characters of the name of an unknown field are sent back.
const NAME: usize = 64;

/// The fields of a body, as the document shows them, and what they are together.
pub(super) trait Form: Type + ParseFromJSON {
    /// What the fields are together, when all are right.
    type Parsed: Send;

    /// Puts the fields together, or says what is wrong with each.
    fn parse(self, problems: &mut FieldProblems) -> Option<Self::Parsed>;
}

/// A body of the form `F`, parsed.
pub(super) struct Body<F: Form>(pub(super) F::Parsed);

impl<'a, F: Form> ApiExtractor<'a> for Body<F> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        F::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: "application/json", schema: F::schema_ref() }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !request.content_type().is_some_and(is_json) {
            return Err(Problem::new(Code::UnsupportedMediaType).into());
        }
        let bytes = <Vec<u8> as FromRequest>::from_request(request, body).await?;
        let accounts = <Data<&Arc<Accounts>> as FromRequest>::from_request(request, body).await?;
        Ok(Self(read::<F>(&bytes, accounts.settings().passwords.clone())?))
    }
}

/// JSON, or a JSON merge patch.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "application/merge-patch+json")
}

fn read<F: Form>(bytes: &[u8], passwords: PasswordSettings) -> Result<F::Parsed, Problem> {
    let mut problems = FieldProblems::new(passwords);
    let value = object(bytes, &field_names::<F>(), &mut problems)?;
    let form = F::parse_from_json(Some(value)).map_err(|_| Problem::new(Code::MalformedJson))?;
    match form.parse(&mut problems) {
        Some(parsed) if problems.found.is_empty() => Ok(parsed),
        _ => Err(Problem::validation(problems.found)),
    }
}

/// The JSON object that a body is. What it has beside the `known` fields is a problem.
fn object(bytes: &[u8], known: &BTreeSet<&str>, problems: &mut FieldProblems) -> Result<Value, Problem> {
    let malformed = |InvalidJson { repeats, line, column }| {
        let why = if repeats { "has a field twice" } else { "is not JSON, or not one that is read here" };
        Problem::new(Code::MalformedJson).with_detail(format!("The body {why}, at line {line} column {column}."))
    };
    let value = read_json(bytes).map_err(malformed)?;
    let Value::Object(object) = &value else { return Err(Problem::new(Code::MalformedJson)) };
    for field in object.keys().filter(|field| !known.contains(field.as_str())).take(UNKNOWN) {
        let name = field.chars().take(NAME).collect::<String>();
        problems.add(&name, FieldCode::Unknown, "is not a field of this request");
    }
    Ok(value)
}

/// The fields that the document shows for `F`: the document and the reader cannot disagree.
pub(super) fn field_names<F: Type>() -> BTreeSet<&'static str> {
    let mut registry = Registry::new();
    F::register(&mut registry);
    properties(&registry, &F::name())
}

fn properties(registry: &Registry, schema: &str) -> BTreeSet<&'static str> {
    let schema = registry.schemas.get(schema);
    schema.into_iter().flat_map(|schema| &schema.properties).map(|(name, _)| *name).collect()
}
