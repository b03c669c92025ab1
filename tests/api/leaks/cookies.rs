//! Somebody whose tokens are in cookies.

use serde_json::json;

use super::journey::{Journey, NEXT_EMAIL, NEXT_PASSWORD};

impl Journey {
    pub async fn sign_in_by_cookie(&mut self) {
        let body = json!({"login": NEXT_EMAIL, "password": NEXT_PASSWORD, "token_delivery": "cookie"}).to_string();
        let origin = self.client.url.clone();
        for origin in ["https://zqtyped7391canary.example.com", &origin] {
            let headers = [("content-type", "application/json"), ("origin", origin), ("user-agent", super::AGENT)];
            self.client.send("POST", "/v1/sessions", &headers, body.as_bytes()).await;
        }
        let answer = &self.client.kept.last().unwrap().answer;
        let lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
        let cookies = lines.map(|line| line.split(';').next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(cookies.len(), 3, "{cookies:?}");
        for cookie in &cookies {
            self.watch("a cookie", cookie.split_once('=').unwrap().1);
        }
        let cookies = cookies.join("; ");
        let headers = [("content-type", "application/json"), ("origin", origin.as_str()), ("cookie", cookies.as_str())];
        self.client.send("GET", "/v1/users/me", &headers, b"").await;
        self.client.send("POST", "/v1/sessions/refresh", &headers, b"{}").await;
        self.client.send("DELETE", "/v1/sessions/current", &headers, b"").await;
    }
}
