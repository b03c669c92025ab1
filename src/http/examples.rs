//! Examples where a type says too little: what Swagger UI shows of a body, and generators put into comments.

use serde_json::{Map, Value};

/// A line for a field, for a field of one schema, or for a schema whose fields exclude one another, with an example in JSON.
const EXAMPLES: &str = r#"
access_token "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk4MTVmMiJ9.c2lnbmF0dXJl"
refresh_token "lkr_cmVmcmVzaCB0b2tlbg"
device_token "lkd_ZGV2aWNlIHRva2Vu"
token "lkm_dG9rZW4gb2YgYSBsZXR0ZXI"
SentToken.token "lkr_cmVmcmVzaCB0b2tlbg"
MailedProof {"token":"lkm_dG9rZW4gb2YgYSBsZXR0ZXI"}
MailedProof.code "042137"
PasswordReset {"token":"lkm_dG9rZW4gb2YgYSBsZXR0ZXI","password":"correct horse battery"}
PasswordReset.code "042137"
UserCreation.invite false
Suspension.until "2099-01-31T09:30:00Z"
token_type "Bearer"
expires_in 600
username "ada"
name "Ada Lovelace"
locale "de-CH"
roles ["editor"]
permissions ["articles:write"]
own_permissions []
pending_email null
suspended_at null
suspended_until null
suspension_reason null
Role.name "editor"
Role.description "Writes articles"
device "Firefox 145 on Linux"
user_agent "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
ip_address "192.0.2.7"
Event.kind "user_updated"
Event.details {"fields":["name"]}
next_cursor null
iss "https://accounts.example.com"
date "2026-01-31"
FieldProblem.field "password"
FieldProblem.message "must have at least 8 characters"
ImportProblem.code "email_taken"
Health.status "ok"
"#;

/// Puts the examples into these schemas.
pub(super) fn add(schemas: &mut Map<String, Value>) {
    for (line, example) in EXAMPLES.lines().filter_map(|line| line.split_once(' ')) {
        let (of, field) = line.split_once('.').unwrap_or(("", line));
        let Ok(example) = serde_json::from_str::<Value>(example) else { continue };
        for (name, schema) in schemas.iter_mut() {
            let meant = if name == line {
                Some(schema)
            } else if of.is_empty() || of == name {
                schema.get_mut("properties").and_then(|properties| properties.get_mut(field))
            } else {
                None
            };
            if let Some(meant) = meant.and_then(Value::as_object_mut) {
                meant.insert("example".to_owned(), example.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_is_of_something_and_has_its_type() {
        let document: Value = serde_json::from_str(&crate::http::openapi_json()).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (line, example) in EXAMPLES.trim().lines().map(|line| line.split_once(' ').expect(line)) {
            let example: Value = serde_json::from_str(example).expect(line);
            let (of, field) = line.split_once('.').unwrap_or(("", line));
            let of = schemas.iter().filter(|(name, _)| of.is_empty() || of == *name);
            let fields = of.map(|(_, schema)| &schema["properties"][field]);
            let meant = fields.chain(schemas.get(line)).filter(|schema| !schema.is_null()).collect::<Vec<_>>();
            assert!(meant.iter().any(|schema| schema["example"] == example), "{line}");
            for schema in meant {
                let expected = match &example {
                    Value::Null => schema["nullable"] == true,
                    Value::Bool(_) => schema["type"] == "boolean",
                    Value::String(_) => schema["type"] == "string",
                    Value::Number(_) => schema["type"] == "integer",
                    Value::Array(_) => schema["type"] == "array",
                    Value::Object(_) => schema["type"] == "object",
                };
                assert!(expected, "{line}: {schema}");
            }
        }
    }
}
