//! The document for people and for programs: `/docs`, `/openapi.json`, `/openapi.yaml`.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use poem::{
    Endpoint, IntoResponse, Response, Route,
    endpoint::make_sync,
    get,
    http::{HeaderValue, header},
};
use poem_openapi::OpenApiService;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Api;

/// The document as pretty JSON, with a line feed at the end.
#[must_use]
pub(super) fn json(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// The document as YAML.
#[must_use]
pub(super) fn yaml(document: &Value) -> String {
    serde_yaml::to_string(document).unwrap_or_default()
}

/// Adds the three pages to `route`.
pub(super) fn add(route: Route, service: &OpenApiService<Api, ()>, document: &Value) -> Route {
    let page = swagger_ui(service, document);
    let policy = content_security_policy(&page);
    route
        .at("/openapi.json", get(fixed("application/json", json(document), None)))
        .at("/openapi.yaml", get(fixed("application/yaml", yaml(document), None)))
        .at("/docs", get(fixed("text/html; charset=utf-8", page, Some(policy))))
}

fn fixed(media_type: &'static str, text: String, policy: Option<String>) -> impl Endpoint {
    let text = Bytes::from(text);
    make_sync(move |_| answer(media_type, text.clone(), policy.as_deref()))
}

fn answer(media_type: &'static str, text: Bytes, policy: Option<&str>) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(policy) = policy.and_then(|policy| HeaderValue::from_str(policy).ok()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Swagger UI with everything it needs inside, showing our document instead of the one poem-openapi knows.
fn swagger_ui(service: &OpenApiService<Api, ()>, document: &Value) -> String {
    // Inside a script element, only this could end it early.
    let document = document.to_string().replace("</", "<\\/");
    let html = service.swagger_ui_html().replace(&service.spec(), &document);
    format!("<!doctype html>{html}")
}

/// A policy that lets the page run the scripts it came with, call this origin, and nothing else.
fn content_security_policy(page: &str) -> String {
    let mut hashes = String::new();
    let mut rest = page;
    // A script ends at the first closing tag, whatever it says before.
    while let Some((script, after)) = rest.split_once("<script").and_then(|(_, tag)| {
        let (_, script) = tag.split_once('>')?;
        script.split_once("</script>")
    }) {
        hashes += " 'sha256-";
        hashes += &STANDARD.encode(Sha256::digest(script));
        hashes += "'";
        rest = after;
    }
    format!(
        "default-src 'none'; script-src{hashes}; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
