//! What clients rely on in the document of the last release, `openapi/released.json`, stays: api-smart-diff finds what was
//! broken in operations, parameters, bodies and problems, and `tests/clients/breaking.cjs` also what would be called otherwise.

use std::{fs, path::Path, process::Command};

use latchkey::http;
use serde_json::{Value, json};

/// What a client of `old` trips over in `new`.
fn broken(old: &Value, new: &Value) -> Vec<String> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libraries = project.join("target/test-tools/proof/node_modules");
    assert!(libraries.join("api-smart-diff").exists(), "`make proof` installs what this test needs");
    let folder = tempfile::tempdir().unwrap();
    for (file, document) in [("old.json", old), ("new.json", new)] {
        fs::write(folder.path().join(file), document.to_string()).unwrap();
    }
    let mut command = Command::new("node");
    command.arg(project.join("tests/clients/breaking.cjs")).args(["old.json", "new.json"]);
    let output = command.current_dir(folder.path()).env("NODE_PATH", libraries).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn document() -> Value {
    serde_json::from_str(&http::openapi_json()).unwrap()
}

fn schema<'d>(document: &'d mut Value, name: &str) -> &'d mut Value {
    document["components"]["schemas"].get_mut(name).unwrap_or_else(|| panic!("{name}"))
}

fn remove(from: &mut Value, name: &str) {
    from.as_object_mut().unwrap().remove(name).unwrap_or_else(|| panic!("{name}"));
}

/// Takes a field away that is always there.
fn remove_field(document: &mut Value, name: &str, field: &str) {
    let schema = schema(document, name);
    remove(&mut schema["properties"], field);
    schema["required"].as_array_mut().unwrap().retain(|name| name != field);
}

fn require(document: &mut Value, name: &str, field: &str) {
    schema(document, name)["required"].as_array_mut().unwrap().push(field.into());
}

#[test]
#[ignore = "make proof runs it"]
fn nothing_is_broken_since_the_last_release() {
    let released = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/released.json")).unwrap();
    let found = broken(&serde_json::from_slice(&released).unwrap(), &document());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

type Change = fn(&mut Value);

/// Each with what must be among what is told.
const BREAKING: [(&str, &str, Change); 22] = [
    (
        "a field of an answer is gone",
        "remove paths /v1/users/me get responses 200 content application/json; charset=utf-8 schema properties locale",
        |d| remove_field(d, "User", "locale"),
    ),
    (
        "a field of an answer may be missing",
        "remove paths /v1/users/me get responses 200 content application/json; charset=utf-8 schema required 0",
        |d| schema(d, "User")["required"].as_array_mut().unwrap().clear(),
    ),
    (
        "a field of an answer may be null",
        "add paths /v1/users/me get responses 200 content application/json; charset=utf-8 schema properties email nullable",
        |d| schema(d, "User")["properties"]["email"]["nullable"] = true.into(),
    ),
    ("a field of an answer has another type", "replace components schemas Session properties current type", |d| {
        schema(d, "Session")["properties"]["current"] = json!({ "type": "string" });
    }),
    (
        "a field of problems is gone",
        "remove paths /v1/users post responses 400 content application/problem+json schema properties instance",
        |d| remove_field(d, "Problem", "instance"),
    ),
    (
        "a field of a request is needed",
        "add paths /v1/users post requestBody content application/json schema required 2",
        |d| require(d, "Registration", "name"),
    ),
    (
        "a field of a request takes null no more",
        "remove paths /v1/users/me patch requestBody content application/json schema properties name nullable",
        |d| {
            remove(&mut schema(d, "UserChanges")["properties"]["name"], "nullable");
        },
    ),
    (
        "a field of a request is shorter",
        "replace paths /v1/users post requestBody content application/json schema properties password maxLength",
        |d| {
            schema(d, "Registration")["properties"]["password"]["maxLength"] = 8.into();
        },
    ),
    (
        "a field of a request has another form",
        "replace paths /v1/users post requestBody content application/json schema properties username pattern",
        |d| {
            schema(d, "Registration")["properties"]["username"]["pattern"] = "^a$".into();
        },
    ),
    (
        "a field of a form is needed",
        "add paths /v1/tokens/revoke post requestBody content application/x-www-form-urlencoded schema required 1",
        |d| require(d, "SentToken", "token_type_hint"),
    ),
    ("an operation is gone", "remove paths /v1/sessions delete", |d| remove(&mut d["paths"]["/v1/sessions"], "delete")),
    ("an operation has another name", "replace paths /v1/users post operationId", |d| {
        d["paths"]["/v1/users"]["post"]["operationId"] = "sign_up".into();
    }),
    ("an operation stands elsewhere", "replace paths /v1/users post tags 0", |d| {
        d["paths"]["/v1/users"]["post"]["tags"] = json!(["People"]);
    }),
    ("an operation stands nowhere", "remove paths /v1/users post tags 0", |d| {
        remove(&mut d["paths"]["/v1/users"]["post"], "tags");
    }),
    ("a model has another name", "remove components schemas Session", |d| {
        let text = d.to_string().replace("schemas/Session\"", "schemas/Sitting\"");
        *d = serde_json::from_str(&text.replace("\"Session\":", "\"Sitting\":")).unwrap();
    }),
    ("an answer is gone", "remove paths /v1/users post responses 201", |d| {
        remove(&mut d["paths"]["/v1/users"]["post"]["responses"], "201");
    }),
    ("a header of an answer is gone", "remove paths /v1/users post responses 201 headers ETag", |d| {
        remove(&mut d["paths"]["/v1/users"]["post"]["responses"]["201"]["headers"], "ETag");
    }),
    ("another token is needed", "remove paths /v1/users/me get security 0 access_token", |d| {
        d["paths"]["/v1/users/me"]["get"]["security"] = json!([{ "api_key": [] }]);
    }),
    ("a parameter is gone", "remove paths /v1/users/me/events get parameters 0", |d| {
        d["paths"]["/v1/users/me/events"]["get"]["parameters"].as_array_mut().unwrap().clear();
    }),
    ("a parameter is needed", "add paths /v1/users/me patch parameters 0 required", |d| {
        d["paths"]["/v1/users/me"]["patch"]["parameters"][0]["required"] = true.into();
    }),
    ("a parameter takes less", "replace paths /v1/users/me/events get parameters 0 schema maximum", |d| {
        d["paths"]["/v1/users/me/events"]["get"]["parameters"][0]["schema"]["maximum"] = 1.into();
    }),
    ("a parameter takes a value no more", "remove paths /v1/sessions delete parameters 0 schema enum 1", |d| {
        remove_value(schema(d, "SessionScope"));
    }),
];

fn remove_value(schema: &mut Value) {
    schema["enum"].as_array_mut().unwrap().pop().unwrap();
}

#[test]
#[ignore = "make proof runs it"]
fn what_breaks_a_client_is_told_from_what_does_not() {
    for (change, told, make) in BREAKING {
        let mut changed = document();
        make(&mut changed);
        let found = broken(&document(), &changed);
        assert!(found.iter().any(|line| line == told), "{change}: {found:?}");
    }

    let mut grown = document();
    schema(&mut grown, "User")["properties"]["nickname"] = json!({ "type": "string" });
    schema(&mut grown, "ProblemCode")["enum"].as_array_mut().unwrap().insert(3, "new_code".into());
    schema(&mut grown, "Registration")["properties"]["nickname"] = json!({ "type": "string" });
    schema(&mut grown, "Registration")["properties"]["password"]["nullable"] = true.into();
    grown["info"]["description"] = "Another one.".into();
    grown["paths"]["/v1/news"] = json!({ "get": { "responses": { "204": { "description": "None." } } } });
    let parameters = grown["paths"]["/v1/users/me/events"]["get"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({ "name": "kind", "in": "query", "schema": { "type": "string" } }));
    assert_eq!(broken(&document(), &grown), Vec::<String>::new());
}
