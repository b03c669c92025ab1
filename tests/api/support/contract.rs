//! The OpenAPI document as a judge: an answer must have a status and a body that its operation lists.

use latchkey::http;
use serde_json::{Map, Value};

use super::Answer;

/// The document.
pub struct Contract(Value);

impl Default for Contract {
    fn default() -> Self {
        Self(serde_json::from_str(&http::openapi_json()).unwrap())
    }
}

impl Contract {
    /// Holds an answer against the document. Paths and methods that it does not have may only be refused.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let place = format!("{method} {path} answered {}: {}", answer.status, answer.body);
        if answer.status >= 400 {
            check_problem(method, answer, &place);
        }
        let Some(operation) = self.operation(method, path) else {
            let page = matches!(path, "/docs" | "/openapi.json" | "/openapi.yaml" | "/metrics")
                || path.starts_with("/docs/")
                || path.starts_with("/account/");
            let preflight = method == "OPTIONS" && answer.status == 204;
            assert!(page || preflight || matches!(answer.status, 404 | 405 | 413), "{place}");
            return;
        };
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "the status is not in the document: {place}");
        let headers = response["headers"].as_object().into_iter().flatten();
        for (header, _) in headers.filter(|(_, header)| header["required"] == true) {
            assert!(answer.headers.contains_key(header), "no header {header}: {place}");
        }
        let Some(content) = response["content"].as_object() else {
            assert_eq!(answer.body, Value::Null, "a body that is not in the document: {place}");
            return;
        };
        let (media_type, content) = content.iter().next().unwrap();
        assert_eq!(answer.header("content-type"), media_type, "{place}");
        if answer.status >= 400 {
            let code = answer.body["code"].as_str().unwrap();
            assert!(content["examples"].get(code).is_some(), "the code is not in the document: {place}");
        }
        if method != "HEAD" {
            self.check_schema(&content["schema"], &answer.body, &place);
        }
    }

    /// The name of an operation.
    pub fn operation_id(&self, method: &str, path: &str) -> Option<&str> {
        self.operation(method, path)?["operationId"].as_str()
    }

    /// Every operation of the document: method, path, name.
    pub fn operations(&self) -> Vec<(String, &str, &str)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let all = paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |entry| (path, entry)));
        all.map(|(path, (method, operation))| {
            (method.to_uppercase(), path.as_str(), operation["operationId"].as_str().unwrap())
        })
        .collect()
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
        let path = path.split('?').next().unwrap();
        let paths = self.0["paths"].as_object().unwrap();
        let exact = paths.get(path);
        let item = exact.or_else(|| paths.iter().find(|(template, _)| fits(template, path)).map(|(_, item)| item));
        item?.get(method)
    }

    fn check_schema(&self, schema: &Value, value: &Value, place: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap();
            return self.check_schema(schema, value, place);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check_schema(part, value, place);
        }
        if value.is_null() {
            assert_eq!(schema["nullable"], true, "null in {place}");
            return;
        }
        if let Some(values) = schema["enum"].as_array() {
            assert!(values.contains(value), "{value} is none of {values:?} in {place}");
        }
        match schema["type"].as_str() {
            Some("object") => self.check_object(schema, value.as_object().expect(place), place),
            Some("array") => {
                value.as_array().expect(place).iter().for_each(|item| self.check_schema(&schema["items"], item, place));
            }
            Some("string") => assert!(value.is_string(), "{value} in {place}"),
            Some("integer") => assert!(value.is_i64() || value.is_u64(), "{value} in {place}"),
            Some("boolean") => assert!(value.is_boolean(), "{value} in {place}"),
            other => assert_eq!(other, None, "a type that this check does not know"),
        }
    }

    fn check_object(&self, schema: &Value, object: &Map<String, Value>, place: &str) {
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(object.contains_key(name.as_str().unwrap()), "no {name} in {place}");
        }
        let open = schema.get("additionalProperties").is_some();
        for (name, value) in object {
            match schema["properties"].get(name) {
                Some(schema) => self.check_schema(schema, value, place),
                None => assert!(open, "{name} is not in the document: {place}"),
            }
        }
    }
}

/// What is true of every problem, wherever it comes from.
fn check_problem(method: &str, answer: &Answer, place: &str) {
    if method == "HEAD" {
        return;
    }
    let (headers, body) = (&answer.headers, &answer.body);
    assert_eq!(headers["content-type"], "application/problem+json", "{place}");
    assert_eq!(body["status"], answer.status, "{place}");
    assert_eq!(body["type"], format!("urn:latchkey:problem:{}", body["code"].as_str().unwrap()), "{place}");
    assert_eq!(body["instance"], format!("urn:uuid:{}", answer.header("x-request-id")), "{place}");
    let missing_scope = body["code"] == "insufficient_scope";
    assert_eq!(headers.contains_key("www-authenticate"), answer.status == 401 || missing_scope, "{place}");
    assert_eq!(headers.contains_key("allow"), answer.status == 405, "{place}");
    assert_eq!(headers.contains_key("retry-after"), matches!(answer.status, 429 | 503), "{place}");
    assert_eq!(headers.contains_key("ratelimit"), answer.status == 429, "{place}");
    assert_eq!(body.get("errors").is_some(), body["code"] == "validation_failed", "{place}");
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(part, found)| part == found || part.starts_with('{'))
}
