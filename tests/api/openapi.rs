//! The OpenAPI document.

use std::collections::BTreeSet;

use latchkey::http::{self, Code};
use poem_openapi::types::ToJSON;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&http::openapi_json()).unwrap()
}

#[test]
fn the_files_in_the_repository_are_what_the_code_makes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi");
    for (file, made) in [("openapi.json", http::openapi_json()), ("openapi.yaml", http::openapi_yaml())] {
        let kept = std::fs::read_to_string(format!("{folder}/{file}")).unwrap_or_default();
        assert!(kept == made, "openapi/{file} is not what the code makes; run `make openapi` and commit the result");
    }
}

#[test]
fn both_forms_say_the_same() {
    // By way of YAML's own values: those of JSON could read back what only they understand.
    let yaml: serde_yaml::Value = serde_yaml::from_str(&http::openapi_yaml()).unwrap();
    assert_eq!(serde_json::to_value(&yaml).unwrap(), document());
    assert!(yaml["components"]["schemas"]["Registration"]["properties"]["email"]["maxLength"].is_u64());
}

#[test]
fn every_operation_lists_its_problems_and_has_a_name_and_a_tag() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().expect(&place)), "{place} shares its id");
            assert_eq!(operation["tags"].as_array().expect(&place).len(), 1, "{place}");
            assert!(operation["summary"].is_string(), "{place}");
            let failure = &operation["responses"]["500"]["content"]["application/problem+json"];
            assert!(failure["examples"]["internal_error"].is_object(), "{place} is missing from refusals.rs");
        }
    }
    let expected = [
        "confirm_email_verification",
        "confirm_password_reset",
        "create_user",
        "delete_me",
        "delete_role",
        "delete_user",
        "end_session",
        "end_sessions",
        "end_user_session",
        "end_user_sessions",
        "export_me",
        "get_keys",
        "get_me",
        "get_openid_configuration",
        "get_role",
        "get_server_metadata",
        "get_statistics",
        "get_user",
        "health_live",
        "health_ready",
        "import_users",
        "introspect_token",
        "list_deletions",
        "list_events",
        "list_roles",
        "list_service_events",
        "list_sessions",
        "list_user_events",
        "list_user_sessions",
        "list_users",
        "patch_me",
        "patch_user",
        "patch_user_grants",
        "put_role",
        "reauthenticate",
        "refresh_session",
        "register",
        "request_email_verification",
        "request_password_reset",
        "request_user_password_reset",
        "revoke_token",
        "sign_in",
        "sign_out",
        "suspend_user",
        "undo_email_change",
        "unsuspend_user",
    ];
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), expected);
}

/// Generators for Go make a function `NewThing` for each `Thing`, and everything of a package shares its names.
#[test]
fn no_schema_has_the_name_of_a_constructor_of_another() {
    let document = document();
    let names = document["components"]["schemas"].as_object().unwrap();
    for name in names.keys() {
        assert!(!names.contains_key(&format!("New{name}")), "New{name}");
    }
}

/// swagger-parser, with which openapi-generator reads, takes them for mistakes.
#[test]
fn no_link_has_a_body_that_is_an_object() {
    let document = document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let responses = operations.flat_map(|operation| operation["responses"].as_object().unwrap().values());
    let mut links = responses.filter_map(|response| response["links"].as_object()).flatten().peekable();
    assert!(links.peek().is_some());
    for (name, link) in links {
        assert!(!link["requestBody"].is_object(), "{name}: {link}");
    }
}

#[test]
fn the_catalogue_is_in_the_document_and_every_code_of_an_operation_is_in_the_catalogue() {
    let document = document();
    let description = document["info"]["description"].as_str().unwrap();
    let listed = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    assert_eq!(listed.len(), Code::ALL.len());
    for code in Code::ALL {
        let text = code.to_json().unwrap();
        assert!(listed.contains(&text));
        let row = format!("| `{}` | {} |", text.as_str().unwrap(), code.status().as_u16());
        assert!(description.contains(&row), "{row}");
    }
}
