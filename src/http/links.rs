//! Which operation goes on with what another one answered: the links of the document. Generators and testers read in
//! them what belongs together.

use serde_json::{Map, Value, json};

/// The links of an operation's good answers, by their names.
///
/// A body is told in words: openapi-generator refuses a document whose links have one that is an object.
pub(super) fn of(operation_id: &str) -> Map<String, Value> {
    let links = match operation_id {
        "register" => {
            let body = "Send the `email` of the request as `login`, and its `password`.";
            vec![link("sign_in", json!({ "description": body }))]
        }
        "sign_in" | "refresh_session" => {
            let (access, refresh) = ("Send the `access_token` as `token`.", "Send the `refresh_token` as `token`.");
            vec![
                link("refresh_session", json!({ "description": "Send the `refresh_token`." })),
                link("introspect_token", json!({ "description": access })),
                link("revoke_token", json!({ "description": refresh })),
            ]
        }
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
