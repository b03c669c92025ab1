//! The OpenAPI document: what `poem-openapi` makes of the handlers, completed with the problems of each operation.

use std::{collections::BTreeMap, fmt::Write};

use poem_openapi::{
    ContactObject, LicenseObject, OpenApiService,
    registry::Registry,
    types::{ToJSON, Type},
};
use serde_json::{Map, Value, json};

use super::{
    Api,
    code::Code,
    examples, links, operations,
    problem::{self, Problem, ProblemDocument, code_text},
    refusals,
};
use crate::accounts::EventKind;

/// The request id of the examples.
const EXAMPLE_ID: &str = "019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10";

/// The service that `poem-openapi` routes, named and described.
pub(super) fn service(api: Api) -> OpenApiService<Api, ()> {
    OpenApiService::new(api, "Latchkey", env!("CARGO_PKG_VERSION"))
        .description(description())
        .contact(ContactObject::new().name("Latchkey's developers"))
        .license(LicenseObject::new("MIT"))
        .server("/")
}

/// The document, as JSON.
pub(super) fn document(service: &OpenApiService<Api, ()>) -> Value {
    let mut document: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, operations) in paths.into_iter().flatten() {
        let is_strict = operations::is_strict(path);
        operations.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(|o| complete(o, is_strict));
    }
    let forms = forms(&document);
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        let mut registry = Registry::new();
        ProblemDocument::register(&mut registry);
        let problems = registry.schemas.iter();
        schemas.extend(problems.filter_map(|(name, schema)| Some((name.clone(), serde_json::to_value(schema).ok()?))));
        examples::add(schemas);
        for form in forms {
            if let Some(schema) = schemas.get_mut(&form).and_then(Value::as_object_mut) {
                schema.insert("additionalProperties".to_owned(), false.into()); // unknown fields are refused
            }
        }
    }
    simplify(&mut document);
    document
}

/// The names of the schemas of JSON request bodies.
fn forms(document: &Value) -> Vec<String> {
    let operations = document.get("paths").and_then(Value::as_object).into_iter().flat_map(|paths| paths.values());
    let operations = operations.filter_map(Value::as_object).flat_map(|methods| methods.values());
    let schemas = operations.filter_map(|operation| {
        operation.pointer("/requestBody/content/application~1json/schema/$ref")?.as_str()?.rsplit('/').next()
    });
    schemas.map(str::to_owned).collect()
}

/// Makes `allOf: [a reference, its description]` into `allOf: [a reference]`: the description stands beside it as well,
/// and generators take the second part for another type.
fn simplify(value: &mut Value) {
    if let Some(parts) = value.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.retain(|part| part.get("$ref").is_some());
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(simplify),
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// Adds to an operation the problems that it gives.
fn complete(operation: &mut Value, is_strict: bool) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let links = links::of(id);
    let Some(codes) = refusals::of(id, is_strict) else { return };
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.values_mut().for_each(spell_headers);
        for response in responses.values_mut().filter_map(Value::as_object_mut).filter(|_| !links.is_empty()) {
            response.insert("links".to_owned(), links.clone().into());
        }
        for (status, codes) in by_status {
            responses.insert(status.to_string(), response(status, &codes));
        }
    }
}

/// Writes the names of headers as everybody does: poem-openapi writes them in capitals. Says once what cookies are set.
fn spell_headers(response: &mut Value) {
    if let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) {
        for name in ["Location", "ETag", "Cache-Control", "Set-Cookie"] {
            if let Some(header) = headers.remove(&name.to_uppercase()) {
                headers.insert(name.to_owned(), header);
            }
        }
        if let Some(header) = headers.get_mut("Set-Cookie").and_then(Value::as_object_mut) {
            let description = "The cookies with the tokens, one line each, for a client that has them there.";
            header.insert("description".to_owned(), description.into());
        }
    }
}

fn response(status: u16, codes: &[Code]) -> Value {
    let names = codes.iter().map(|code| format!("`{}`", code_text(*code))).collect::<Vec<_>>();
    let example = |code: &Code| {
        let value = Problem::new(*code).document(EXAMPLE_ID).to_json().unwrap_or_default();
        (code_text(*code), json!({ "summary": code.title(), "value": value }))
    };
    let examples = codes.iter().map(example).collect::<Map<_, _>>();
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let mut response = json!({
        "description": names.join(", "),
        "content": { problem::MEDIA_TYPE: { "schema": schema, "examples": examples } },
    });
    let headers = headers(status, codes);
    if let Some(response) = response.as_object_mut().filter(|_| !headers.is_empty()) {
        response.insert("headers".to_owned(), headers.into());
    }
    response
}

/// The headers of a problem.
fn headers(status: u16, codes: &[Code]) -> Map<String, Value> {
    let retry_after = ("Retry-After", "After how many seconds another try is worth it.", "integer");
    let headers = match status {
        401 if codes.contains(&Code::ApiKeyRequired) => {
            let both = "How to authenticate, a line each: by `Bearer` (RFC 6750) or by `Basic` (RFC 7617).";
            vec![("WWW-Authenticate", both, "string")]
        }
        401 => vec![("WWW-Authenticate", "How to authenticate (RFC 6750).", "string")],
        403 if codes.contains(&Code::InsufficientScope) => {
            vec![("WWW-Authenticate", "With `insufficient_scope`: the scope that is missing (RFC 6750).", "string")]
        }
        429 => {
            let limit = "The limit that is reached, and in how many seconds (`t`) it is worth another try \
                         (draft-ietf-httpapi-ratelimit-headers-10).";
            let policy = "What that limit is: so many attempts (`q`) in so many seconds (`w`).";
            vec![retry_after, ("RateLimit", limit, "string"), ("RateLimit-Policy", policy, "string")]
        }
        503 => vec![retry_after],
        _ => Vec::new(),
    };
    // What only some problems of a status have, is not required.
    let is_always = status != 403 || codes == [Code::InsufficientScope];
    let header = |(name, description, kind): (&str, &str, &str)| {
        let header = json!({ "description": description, "required": is_always, "schema": { "type": kind } });
        (name.to_owned(), header)
    };
    headers.into_iter().map(header).collect()
}

fn description() -> String {
    let mut text = "\
User accounts: register, sign in, change, sign out, delete.

Signing in gives an access token. Send it as `Authorization: Bearer <token>`. For a page in a browser, a service that has
`LATCHKEY_COOKIES` on gives the tokens in cookies instead, if the page asks for that.

Every answer has the header `X-Request-Id`. `HEAD` is answered wherever `GET` is.

## Problems

Every failure is a problem document (RFC 9457) with the media type `application/problem+json`. Branch on its `code`,
and for one that you do not know on its status: a later version may have more. Besides what each operation lists, a path
that is not here is answered with `not_found`, and a method that a path does not have with `method_not_allowed`. What is
no HTTP at all, or has too many or too large headers, is answered by an empty 400, 414 or 431.

| code | status | meaning |
|---|---|---|
"
    .to_owned();
    for code in Code::ALL {
        let (name, status, advice) = (code_text(*code), code.status().as_u16(), code.advice());
        let _ = writeln!(text, "| `{name}` | {status} | {advice} |"); // text takes everything
    }
    text.push_str(
        "
## Events

What happens to an account is kept in its audit trail. These are the kinds of events, and what their `details` say. None of
them ever changes; a later version may know more.

| kind | meaning |
|---|---|
",
    );
    for kind in EventKind::ALL {
        let _ = writeln!(text, "| `{kind}` | {} |", kind.meaning());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `poem-openapi` writes a path once for each struct that has operations on it, and of the same keys only the last counts.
    #[test]
    fn no_operation_is_lost_on_the_way_to_the_document() {
        let service = service(crate::http::API);
        let written = service.spec().matches("\"operationId\"").count();
        let document = document(&service);
        let operations = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
        assert_eq!(operations.count(), written);
    }
}
