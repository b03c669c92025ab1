//! What those who run the service do with an API key, and what they do wrong.

use serde_json::{Value, json};

use super::journey::{Journey, TYPED};

/// Somebody who is made, changed and deleted here.
const MADE: &str = "zqmail7391canary6@example.com";

impl Journey {
    /// Asks as a service with this key.
    async fn administer(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let key = self.api_key.clone().unwrap();
        self.client.json(method, &format!("/v1/admin/{path}"), &key, body).await
    }

    /// Every operation of those who run the service, done and refused.
    pub async fn run_the_service(&mut self) {
        let none = Value::Null;
        let account = json!({"email": MADE, "username": "zquser7391canary6", "name": "zqname7391canary",
            "password": super::journey::PASSWORD});
        let made = self.administer("POST", "users", &account).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.administer("POST", "users", &account).await;
        let (_, _) = self.sign_in(MADE, super::journey::PASSWORD).await;
        let sessions = self.administer("GET", &format!("users/{id}/sessions"), &none).await;
        let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
        let line = json!({"email": "zqmail7391canary7@example.com", "name": "zqname7391canary"}).to_string();
        for lines in [line.as_str(), "{\"email\": \"zqtyped7391canary\"}\nzqtyped7391canary"] {
            let authorization = format!("Bearer {}", self.api_key.as_deref().unwrap());
            let headers = [("content-type", "application/x-ndjson"), ("authorization", authorization.as_str())];
            self.client.send("POST", "/v1/admin/imports", &headers, lines.as_bytes()).await;
        }
        self.client.json("POST", "/v1/admin/imports", "", &none).await;
        for (method, path, body) in [
            ("GET", "users?email_prefix=zqmail7391canary".to_owned(), none.clone()),
            ("GET", format!("users?{TYPED}={TYPED}"), none.clone()),
            ("GET", format!("users/{id}"), none.clone()),
            ("PATCH", format!("users/{id}"), json!({"name": "zqname7391canary 6"})),
            ("PATCH", format!("users/{id}"), json!({"email": "zqnext7391canary@example.com"})),
            ("PATCH", format!("users/{id}"), json!({"email": TYPED})),
            ("PATCH", format!("users/{id}/grants"), json!({"roles": ["editor"]})),
            ("PATCH", format!("users/{id}/grants"), json!({"roles": ["Zqtyped7391canary"]})),
            ("DELETE", format!("users/{id}/sessions/{session}"), none.clone()),
            ("PUT", format!("users/{id}/suspension"), json!({"reason": "spam"})),
            ("PUT", format!("users/{id}/suspension"), json!({"until": TYPED})),
            ("DELETE", format!("users/{id}/suspension"), none.clone()),
            ("POST", format!("users/{id}/password-reset"), none.clone()),
            ("GET", format!("users/{id}/events"), none.clone()),
            ("GET", format!("users/{id}/events?cursor={TYPED}"), none.clone()),
            ("DELETE", format!("users/{id}/sessions/{TYPED}"), none.clone()),
            ("DELETE", format!("users/{id}/sessions"), none.clone()),
            ("GET", "events".to_owned(), none.clone()),
            ("GET", format!("events?cursor={TYPED}"), none.clone()),
            ("GET", "deletions".to_owned(), none.clone()),
            ("GET", format!("deletions?cursor={TYPED}"), none.clone()),
            ("GET", "statistics".to_owned(), none.clone()),
            ("GET", format!("statistics?days={TYPED}"), none.clone()),
            ("PUT", "roles/editor".to_owned(), json!({"permissions": ["articles:write"], "description": "zqtyped"})),
            ("PUT", "roles/editor".to_owned(), json!({"permissions": TYPED})),
            ("GET", "roles".to_owned(), none.clone()),
            ("GET", "roles/editor".to_owned(), none.clone()),
            ("GET", format!("roles/{TYPED}"), none.clone()),
            ("DELETE", "roles/editor".to_owned(), none.clone()),
            ("DELETE", "roles/admin".to_owned(), none.clone()),
            ("DELETE", format!("users/{id}"), none.clone()),
        ] {
            self.administer(method, &path, &body).await;
        }
        for (method, path) in [
            ("GET", format!("users/{id}")),
            ("GET", format!("users/{id}/sessions")),
            ("DELETE", format!("users/{id}/sessions")),
            ("DELETE", format!("users/{id}/suspension")),
            ("POST", format!("users/{TYPED}/password-reset")),
            ("DELETE", format!("users/{TYPED}")),
        ] {
            self.administer(method, &path, &Value::Null).await;
        }
        // Without a right to it.
        self.client.json("GET", "/v1/admin/roles", "", &Value::Null).await;
    }
}
