//! Forms: `application/x-www-form-urlencoded`, which OAuth takes and browsers send. Unknown fields are ignored, as RFC 6749,
//! 3.2, says.

use std::collections::BTreeSet;

use poem::{FromRequest, Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
};
use serde_json::{Map, Value};

use super::{
    body::{Form, field_names},
    code::{Code, FieldCode},
    field::FieldProblems,
    problem::{FieldProblem, Problem},
};

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// A body of OAuth of the form `F`, parsed.
pub(super) struct UrlEncoded<F: Form>(pub(super) F::Parsed);

impl<'a, F: Form> ApiExtractor<'a> for UrlEncoded<F> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        F::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: MEDIA_TYPE, schema: F::schema_ref() }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !is_form(request) {
            return Err(Problem::new(Code::UnsupportedMediaType).into());
        }
        let bytes = <Vec<u8> as FromRequest>::from_request(request, body).await?;
        Ok(Self(read::<F>(&bytes)?))
    }
}

/// Whether the body of a request says that it is a form.
pub(super) fn is_form(request: &Request) -> bool {
    let media_type = request.content_type().and_then(|given| given.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(MEDIA_TYPE)
}

/// The fields of a form that are known, each of which must be there once at the most.
pub(super) fn fields(bytes: &[u8], known: &BTreeSet<&str>, problems: &mut FieldProblems) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(bytes).filter(|(name, _)| known.contains(name.as_ref())) {
        if fields.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
            problems.add(&name, FieldCode::Invalid, "must be given once");
        }
    }
    fields
}

/// What fields are together, or everything that is wrong with them.
pub(super) fn parse<F: Form>(fields: Map<String, Value>, mut problems: FieldProblems) -> Result<F::Parsed, Problem> {
    let form = F::parse_from_json(Some(Value::Object(fields))).map_err(|_| Problem::new(Code::InternalError))?;
    match form.parse(&mut problems) {
        Some(parsed) if problems.found.is_empty() => Ok(parsed),
        _ => Err(Problem::validation(problems.found)),
    }
}

/// What clients of OAuth expect of a wrong form is one code for all (RFC 6749, 5.2), so that the details are text.
fn malformed(problem: Problem) -> Problem {
    if problem.code() != Code::ValidationFailed {
        return problem;
    }
    let wrong =
        problem.errors().iter().map(|FieldProblem { field, message, .. }| format!("The field `{field}` {message}."));
    Problem::new(Code::MalformedForm).with_detail(wrong.collect::<Vec<_>>().join(" "))
}

fn read<F: Form>(bytes: &[u8]) -> Result<F::Parsed, Problem> {
    let mut problems = FieldProblems::default();
    let fields = fields(bytes, &field_names::<F>(), &mut problems);
    parse::<F>(fields, problems).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use poem_openapi::Object;
    use proptest::prelude::*;

    use super::{super::field::Required, *};

    #[derive(Debug, Object)]
    struct Sent {
        token: Required<String>,
    }

    impl Form for Sent {
        type Parsed = String;

        fn parse(self, problems: &mut FieldProblems) -> Option<String> {
            problems.take("token", self.token.0)
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(body in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read::<Sent>(&body);
            let _ = read::<Sent>(&[b"token=", body.as_slice()].concat());
        }

        #[test]
        fn a_field_is_read_once_among_others(token in "\\PC{0,40}", other in "[a-z]{0,4}", value in "\\PC{0,20}") {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair(&other, &value).append_pair("token", &token);
            let once = form.finish();
            prop_assert_eq!(read::<Sent>(once.as_bytes()).ok(), Some(token));
            let twice = format!("{once}&token=");
            prop_assert!(read::<Sent>(twice.as_bytes()).is_err());
        }
    }
}
