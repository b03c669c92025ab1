//! Examples for fields whose type says too little: what Swagger UI shows of an answer, and generators put into comments.

use serde_json::{Map, Value};

/// A field a line, or one of one schema, and its example in JSON.
const EXAMPLES: &str = r#"
access_token "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk4MTVmMiJ9.c2lnbmF0dXJl"
refresh_token "lkr_cmVmcmVzaCB0b2tlbg"
device_token "lkd_ZGV2aWNlIHRva2Vu"
token "lkm_dG9rZW4gb2YgYSBsZXR0ZXI"
SentToken.token "lkr_cmVmcmVzaCB0b2tlbg"
MailedProof.code "042137"
PasswordReset.code "042137"
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
            let property = schema.get_mut("properties").and_then(|properties| properties.get_mut(field));
            let is_meant = of.is_empty() || of == name;
            if let Some(property) = property.and_then(Value::as_object_mut).filter(|_| is_meant) {
                property.insert("example".to_owned(), example.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_is_of_a_field_and_has_its_type() {
        let document: Value = serde_json::from_str(&crate::http::openapi_json()).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (line, example) in EXAMPLES.trim().lines().map(|line| line.split_once(' ').expect(line)) {
            let example: Value = serde_json::from_str(example).expect(line);
            let (of, field) = line.split_once('.').unwrap_or(("", line));
            let of = schemas.iter().filter(|(name, _)| of.is_empty() || of == *name);
            let properties = of.map(|(_, schema)| &schema["properties"][field]).filter(|property| !property.is_null());
            let properties = properties.collect::<Vec<_>>();
            assert!(properties.iter().any(|property| property["example"] == example), "{line}");
            for property in properties {
                let expected = match &example {
                    Value::Null => property["nullable"] == true,
                    Value::String(_) => property["type"] == "string",
                    Value::Number(_) => property["type"] == "integer",
                    Value::Array(_) => property["type"] == "array",
                    _ => property["type"] == "object",
                };
                assert!(expected, "{line}: {property}");
            }
        }
    }
}
