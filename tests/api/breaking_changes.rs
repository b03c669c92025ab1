//! What is in the document of the last release, `openapi/released.json`, stays: openapi-diff finds what was broken in
//! operations and bodies, and `broken_parameters` what was in parameters, at which that does not look.

use std::{fs, path::Path, process::Command};

use latchkey::http;
use serde_json::{Value, json};

/// What a client of `old` trips over in `new`.
fn broken(old: &Value, new: &Value) -> Vec<String> {
    let tools = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/proof"));
    assert!(tools.exists(), "`make proof` installs what this test needs");
    let folder = tempfile::tempdir().unwrap();
    for (file, document) in [("old.json", old), ("new.json", new)] {
        // It looks at bodies of this media type only.
        let text = document.to_string().replace("application/json; charset=utf-8", "application/json");
        fs::write(folder.path().join(file), text).unwrap();
    }
    let mut command = Command::new(tools.join("node_modules/.bin/openapi-diff"));
    let output = command.args(["old.json", "new.json"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let found = match output.status.code() {
        Some(0) => Vec::new(),
        Some(1) if said.starts_with("Breaking changes found") => vec![said],
        _ => panic!("{said}{}", String::from_utf8_lossy(&output.stderr)),
    };
    [found, broken_parameters(old, new)].concat()
}

fn broken_parameters(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in old["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let (before, now) = (&operation["parameters"], &new["paths"][path][method]["parameters"]);
            let [before, now] = [before, now].map(|list| list.as_array().map(Vec::as_slice).unwrap_or_default());
            let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
            let gone = before.iter().filter(|old| !now.iter().any(|new| same(old, new)));
            let needed = now.iter().filter(|new| {
                let is_new = !before.iter().any(|old| same(old, new) && old["required"] == true);
                new["required"] == true && is_new
            });
            found.extend(gone.chain(needed).map(|parameter| format!("{method} {path}: {}", parameter["name"])));
        }
    }
    found
}

fn document() -> Value {
    serde_json::from_str(&http::openapi_json()).unwrap()
}

#[test]
#[ignore = "make proof runs it"]
fn nothing_is_broken_since_the_last_release() {
    let released = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/released.json")).unwrap();
    let found = broken(&serde_json::from_slice(&released).unwrap(), &document());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
#[ignore = "make proof runs it"]
fn what_breaks_a_client_is_told_from_what_does_not() {
    type Change = fn(&mut Value);
    let breaking: [(&str, Change); 5] = [
        ("a field of an answer is gone", |document| {
            let user = &mut document["components"]["schemas"]["User"];
            user["properties"].as_object_mut().unwrap().remove("locale").unwrap();
            user["required"].as_array_mut().unwrap().retain(|name| name != "locale");
        }),
        ("a field of a request is needed", |document| {
            document["components"]["schemas"]["Registration"]["required"].as_array_mut().unwrap().push("name".into());
        }),
        ("an operation is gone", |document| {
            document["paths"]["/v1/sessions"].as_object_mut().unwrap().remove("delete").unwrap();
        }),
        ("a parameter is gone", |document| {
            document["paths"]["/v1/users/me/events"]["get"]["parameters"].as_array_mut().unwrap().clear();
        }),
        ("a parameter is needed", |document| {
            document["paths"]["/v1/users/me"]["patch"]["parameters"][0]["required"] = true.into();
        }),
    ];
    for (change, make) in breaking {
        let mut changed = document();
        make(&mut changed);
        assert!(!broken(&document(), &changed).is_empty(), "{change}");
    }

    let mut grown = document();
    grown["components"]["schemas"]["User"]["properties"]["nickname"] = json!({ "type": "string" });
    grown["paths"]["/v1/news"] = json!({ "get": { "responses": { "204": { "description": "None." } } } });
    assert_eq!(broken(&document(), &grown), Vec::<String>::new());
}
