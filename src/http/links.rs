//! Which operation goes on with what another one answered: the links of the document. Generators and testers read in
//! them what belongs together.

use serde_json::{Map, Value, json};

/// The links of an operation's good answers, by their names.
pub(super) fn of(operation_id: &str) -> Map<String, Value> {
    let access = "$response.body#/access_token";
    let refresh = "$response.body#/refresh_token";
    let links = match operation_id {
        "register" => vec![link(
            "sign_in",
            json!({
                "requestBody": { "login": "$request.body#/email", "password": "$request.body#/password" },
            }),
        )],
        "sign_in" | "refresh_session" => vec![
            link("refresh_session", json!({ "requestBody": { "refresh_token": refresh } })),
            link("introspect_token", json!({ "requestBody": { "token": access } })),
            link("revoke_token", json!({ "requestBody": { "token": refresh } })),
        ],
        "list_sessions" => vec![link("end_session", json!({ "parameters": { "id": "$response.body#/items/0/id" } }))],
        "get_me" | "patch_me" => vec![
            link("get_me", json!({ "parameters": { "If-None-Match": "$response.header.ETag" } })),
            link("patch_me", json!({ "parameters": { "If-Match": "$response.header.ETag" } })),
            link("delete_me", json!({ "parameters": { "If-Match": "$response.header.ETag" } })),
        ],
        _ => Vec::new(),
    };
    links.into_iter().collect()
}

/// A link to an operation, under its name.
fn link(operation_id: &str, mut link: Value) -> (String, Value) {
    if let Some(link) = link.as_object_mut() {
        link.insert("operationId".to_owned(), operation_id.into());
    }
    (operation_id.to_owned(), link)
}
