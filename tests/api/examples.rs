//! The bodies that Swagger UI offers, put together of the examples in the document.

use latchkey::http;
use serde_json::{Map, Value, json};

use crate::support::{TestApp, admin::SCOPES};

/// What somebody sends who has changed nothing, with a value for every field.
fn offered(schemas: &Value, schema: &Value) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str()) {
        return offered(schemas, &schemas[name.rsplit('/').next().unwrap()]);
    }
    match schema["type"].as_str() {
        Some("object") => {
            let fields = schema["properties"].as_object().unwrap().iter();
            fields.map(|(name, schema)| (name.clone(), offered(schemas, schema))).collect::<Map<_, _>>().into()
        }
        Some("boolean") => true.into(),
        Some("string") if schema["enum"].is_array() => schema["enum"][0].clone(),
        _ => panic!("an example is missing: {schema}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_examples_make_bodies_that_are_taken() {
    let app = TestApp::redis().await;
    let key = app.api_key_for(&format!("{SCOPES} tokens:introspect")).await;
    let bob = app.person("bob").await;
    let role = json!({"permissions": ["articles:write"]});
    app.admin("PUT", "/v1/admin/roles/editor").await.json(&role).send().await.expect(200);
    let (ada, password) = ("ada@example.com", "correct horse battery");
    let (document, mut answers) = (serde_json::from_str::<Value>(&http::openapi_json()).unwrap(), Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let content = &operation["requestBody"]["content"];
            let (json, form) = (&content["application/json"], &content["application/x-www-form-urlencoded"]);
            let Some(schema) = json.get("schema").or_else(|| form.get("schema")) else { continue };
            let id = operation["operationId"].as_str().unwrap();
            let mut body = offered(&document["components"]["schemas"], schema);
            if path.starts_with("/v1/admin/users") && body["email"].is_string() {
                // Ada has hers by now.
                body["email"] = format!("{id}@example.com").into();
                body["username"] = id.into();
            }
            let to = path.replace("{id}", &bob.id).replace("{name}", "editor");
            let request = app.request(&method.to_uppercase(), &to);
            let request = if form.is_null() { request.json(&body) } else { request.form(&encoded(&body)) };
            let schemes = operation["security"].to_string();
            let request = if schemes.contains("api_key") {
                request.bearer(&key)
            } else if schemes.contains("access_token") {
                let tokens = app.sign_in(ada, password).await.expect(201).body;
                request.bearer(tokens["access_token"].as_str().unwrap())
            } else {
                request
            };
            let answer = request.send().await;
            let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
            answers.push((id, answer.status, code));
        }
    }
    // What is refused is so since nobody was sent such a token.
    let expected = [
        ("register", 201, ""),
        ("patch_me", 200, ""),
        ("sign_in", 201, ""),
        ("refresh_session", 401, "refresh_token_invalid"),
        ("reauthenticate", 200, ""),
        ("request_email_verification", 202, ""),
        ("confirm_email_verification", 403, "confirmation_invalid"),
        ("request_password_reset", 202, ""),
        ("confirm_password_reset", 403, "confirmation_invalid"),
        ("undo_email_change", 403, "confirmation_invalid"),
        ("introspect_token", 200, ""),
        ("revoke_token", 200, ""),
        ("create_user", 201, ""),
        ("patch_user", 200, ""),
        ("patch_user_grants", 200, ""),
        ("suspend_user", 200, ""),
        ("put_role", 200, ""),
    ];
    let expected = expected.map(|(id, status, code)| (id, status, code.to_owned()));
    assert_eq!(answers, expected);
    app.stop().await;
}

fn encoded(fields: &Value) -> String {
    let fields = fields.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
    fields.collect::<Vec<_>>().join("&")
}
