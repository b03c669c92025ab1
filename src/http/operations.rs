//! What the document says of each operation, for what is refused before any handler sees it: a method that a path does not
//! have, and a parameter that an operation does not have.

use std::sync::Arc;

use poem::{Endpoint, Middleware, PathPattern, Request, Result};
use serde_json::Value;

use super::{code::Code, problem::Problem, requests::as_routed};

/// Whether parameters that are not known are refused. Probes and caches put some of their own on what is not below `/v1/`,
/// and OAuth ignores what it does not know (RFC 6749, 3.2).
pub(super) fn is_strict(path: &str) -> bool {
    path.starts_with("/v1/") && !path.starts_with("/v1/tokens/")
}

/// Every path, and its operations.
#[derive(Debug, Default)]
pub(super) struct Operations(Vec<(String, Vec<Operation>)>);

/// A method in capitals, and what the query of a request may hold.
#[derive(Debug)]
struct Operation {
    method: String,
    parameters: Vec<Parameter>,
}

/// The name of a parameter, and which values it takes, where a few words say that.
#[derive(Debug)]
struct Parameter {
    name: String,
    values: Option<String>,
}

impl Operations {
    /// Those of the document, and others of which only the methods are known.
    pub(super) fn new<'p>(document: &Value, others: impl IntoIterator<Item = (&'p str, &'p [&'p str])>) -> Self {
        let mut all = Vec::new();
        for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
            let item = item.as_object().into_iter().flatten();
            let operation = |(method, o): (&String, &Value)| Operation {
                method: method.to_uppercase(),
                parameters: parameters(document, o),
            };
            all.push((path.clone(), item.map(operation).collect()));
        }
        for (path, methods) in others {
            let operation = |method: &&str| Operation { method: (*method).to_owned(), parameters: Vec::new() };
            all.push((path.to_owned(), methods.iter().map(operation).collect()));
        }
        Self(all)
    }

    /// Every path with its methods.
    pub(super) fn methods(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.0.iter().map(|(path, operations)| (path.as_str(), operations.iter().map(|o| o.method.as_str()).collect()))
    }

    /// The methods of the path, for `Allow` (RFC 9110, 10.2.1).
    pub(super) fn allowed(&self, path: &str) -> String {
        let operations = self.at(path).into_iter().flat_map(|(_, operations)| operations);
        let mut methods = operations.map(|operation| operation.method.as_str()).collect::<Vec<_>>();
        if methods.is_empty() || methods.contains(&"GET") {
            methods.extend(["GET", "HEAD"]); // a page that is not in the document
        }
        methods.sort_unstable();
        methods.dedup();
        methods.join(", ")
    }

    /// Which values a parameter takes that a path has.
    pub(super) fn values_of(&self, path: &str, name: &str) -> Option<&str> {
        let mut known = self.at(path)?.1.iter().flat_map(|operation| &operation.parameters);
        known.find(|parameter| parameter.name == name)?.values.as_deref()
    }

    /// The template of a path, and its operations.
    fn at(&self, path: &str) -> Option<&(String, Vec<Operation>)> {
        // As the router does: `/v1/sessions/refresh` is itself, and no session.
        let exact = self.0.iter().find(|(template, _)| template == path);
        exact.or_else(|| self.0.iter().find(|(template, _)| matches(template, path)))
    }

    /// Refuses what the query of a request holds beside the parameters of its operation, and what it holds twice: a filter or
    /// a dry run that is misspelt must not do more than is meant.
    fn expect_known_parameters(&self, request: &Request) -> Result<()> {
        let path = request.uri().path();
        let Some(query) = request.uri().query().filter(|_| is_strict(path)) else { return Ok(()) };
        let Some((template, operations)) = self.at(path) else { return Ok(()) };
        let method = request.method().as_str();
        let Some(Operation { parameters: known, .. }) = operations.iter().find(|known| known.method == method) else {
            return Ok(());
        };
        let names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name).collect::<Vec<_>>();
        let is_there_before = |(at, name)| names.iter().take(at).any(|other| other == name);
        let detail = if names.iter().all(|name| known.iter().any(|known| known.name == *name)) {
            if !names.iter().enumerate().any(is_there_before) {
                return Ok(());
            }
            "A parameter is there more than once.".to_owned()
        } else if known.is_empty() {
            "There is a parameter here, and none is known.".to_owned()
        } else {
            format!(
                "There is a parameter that is not known here. These are: {}.",
                known.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ")
            )
        };
        let mut error = poem::Error::from(Problem::new(Code::InvalidParameter).with_detail(detail));
        error.set_data(PathPattern(as_routed(template).into()));
        Err(error)
    }
}

/// The parameters in the query of an operation.
fn parameters(document: &Value, operation: &Value) -> Vec<Parameter> {
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let queried = parameters.filter(|parameter| parameter.get("in").is_some_and(|place| place == "query"));
    let known = queried.filter_map(|parameter| {
        let schema = parameter.get("schema")?;
        let named =
            schema.get("$ref").and_then(Value::as_str).and_then(|name| document.pointer(name.strip_prefix('#')?));
        Some(Parameter { name: parameter.get("name")?.as_str()?.to_owned(), values: values(named.unwrap_or(schema)) })
    });
    known.collect()
}

/// The values that a schema takes, in words.
fn values(schema: &Value) -> Option<String> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let words = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`"));
        return Some(format!("one of {}", words.collect::<Vec<_>>().join(", ")));
    }
    match schema.get("type")?.as_str()? {
        "boolean" => Some("`true` or `false`".to_owned()),
        "integer" => {
            let [least, most] = ["minimum", "maximum"].map(|bound| schema.get(bound)?.as_f64());
            Some(format!("a number from {} to {}", least?, most?))
        }
        _ => None,
    }
}

/// Whether a path is one of a template such as `/v1/sessions/{id}`.
fn matches(template: &str, path: &str) -> bool {
    let mut path = path.split('/');
    let same = template.split('/').all(|part| match path.next() {
        Some(found) => part.starts_with('{') || part == found,
        None => false,
    });
    same && path.next().is_none()
}

/// The middleware that refuses parameters.
pub(super) struct KnownParameters(pub(super) Arc<Operations>);

/// The endpoint behind [`KnownParameters`].
pub(super) struct WithKnownParameters<E> {
    inner: E,
    operations: Arc<Operations>,
}

impl<E: Endpoint> Middleware<E> for KnownParameters {
    type Output = WithKnownParameters<E>;

    fn transform(&self, inner: E) -> WithKnownParameters<E> {
        WithKnownParameters { inner, operations: Arc::clone(&self.0) }
    }
}

impl<E: Endpoint> Endpoint for WithKnownParameters<E> {
    type Output = E::Output;

    async fn call(&self, request: Request) -> Result<E::Output> {
        self.operations.expect_known_parameters(&request)?;
        self.inner.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_with_its_template() {
        assert!(matches("/v1/sessions/{id}", "/v1/sessions/7"));
        assert!(matches("/v1/users", "/v1/users"));
        for (template, path) in [
            ("/v1/users/me", "/v1/users"),
            ("/v1/users", "/v1/users/me"),
            ("/v1/users", "/v1/users/"),
            ("/a/{id}", "/b/1"),
        ] {
            assert!(!matches(template, path), "{template} {path}");
        }
    }
}
