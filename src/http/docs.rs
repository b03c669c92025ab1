//! The document for programs: `/openapi.json`, `/openapi.yaml`.

use bytes::Bytes;
use poem::{
    Endpoint, IntoResponse, Route,
    endpoint::make_sync,
    get,
    http::{HeaderValue, header},
};
use serde_json::Value;

use super::yaml;

/// The document as pretty JSON, with a line feed at the end.
#[must_use]
pub(super) fn json(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// The document as YAML.
#[must_use]
pub(super) fn yaml(document: &Value) -> String {
    yaml::to_string(document)
}

/// Where both forms are.
pub(super) const PATHS: [&str; 2] = ["/openapi.json", "/openapi.yaml"];

/// Adds both forms to `route`.
pub(super) fn add(route: Route, document: &Value) -> Route {
    let [json_path, yaml_path] = PATHS;
    route
        .at(json_path, get(fixed("application/json", json(document))))
        .at(yaml_path, get(fixed("application/yaml", yaml(document))))
}

fn fixed(media_type: &'static str, text: String) -> impl Endpoint {
    let text = Bytes::from(text);
    make_sync(move |_| {
        let mut response = text.clone().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    })
}
