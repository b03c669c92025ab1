//! What people do, with canaries in all they type, and what they do wrong.

use std::path::PathBuf;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    canary::{Canary, Kind},
    client::{Client, OWN, PAGE},
    raw,
};
use crate::support::{Contract, Process};

pub const EMAIL: &str = "Zqmail7391canary@Example.com";
pub const NEXT_EMAIL: &str = "zqnext7391canary@example.com";
pub const PASSWORD: &str = "zqpass7391canary \"häβ\\/% 1";
pub const NEXT_PASSWORD: &str = "zqrenewed7391canary 'kelp' 2";
const WRONG_PASSWORD: &str = "zqwrong7391canary ferry 3";
const KEY: &str = "zqidem7391canary/key";
pub const TYPED: &str = "zqtyped7391canary";

/// Somebody, and what they have.
struct Person {
    login: String,
    password: &'static str,
    access: String,
    refresh: String,
}

/// The whole of it.
pub struct Journey {
    pub client: Client,
    pub canaries: Vec<Canary>,
    /// Where letters are.
    pub letters: PathBuf,
    /// The token of a letter that was not used.
    pub unused: String,
    /// The ids of those whose accounts stay.
    pub people: Vec<String>,
    signed_in: Vec<Person>,
    pub api_key: Option<String>,
}

impl Journey {
    pub fn new(process: &Process, api_key: Option<String>) -> Self {
        let personal =
            ["zqmail7391canary", "zqnext7391canary", "zquser7391canary", "zqname7391canary", "zqmeta7391canary"];
        let secret = ["zqpass7391canary", "zqrenewed7391canary", "zqwrong7391canary", "zqidem7391canary"];
        let of_service = ["zqmastersecret7391canary01234567", "zqpepper7391canary0123456789abcd"];
        let canaries = [
            personal.map(|letters| Canary::text(Kind::Personal, letters)).to_vec(),
            secret.map(|letters| Canary::text(Kind::Secret, letters)).to_vec(),
            of_service.map(|letters| Canary::text(Kind::Secret, letters)).to_vec(),
            vec![Canary::text(Kind::Agent, "zqagent7391canary"), Canary::text(Kind::Typed, TYPED)],
        ];
        let (client, canaries) = (Client::new(&process.url), canaries.concat());
        let letters = process.folder.path().join("latchkey-data/outbox");
        let (people, signed_in, unused) = (Vec::new(), Vec::new(), String::new());
        let mut journey = Self { client, canaries, letters, unused, people, signed_in, api_key };
        if let Some(key) = journey.api_key.clone() {
            journey.watch("an API key", &key);
        }
        journey
    }

    /// Everything that is asked for while nothing is broken.
    pub async fn go(&mut self) {
        self.register().await;
        let tokens = self.sign_in(EMAIL, PASSWORD).await;
        self.change(&tokens).await;
        self.write_letters().await;
        self.sign_in_by_cookie().await;
        let tokens = self.rotate().await;
        self.ask_about(&tokens).await;
        self.leave().await;
        if self.api_key.is_some() {
            self.run_the_service().await;
        }
        raw::read_what_is_public(&mut self.client).await;
        for (login, password) in [(NEXT_EMAIL, NEXT_PASSWORD), ("zquser7391canary2", PASSWORD)] {
            let (access, refresh) = self.sign_in(login, password).await;
            self.signed_in.push(Person { login: login.to_owned(), password, access, refresh });
        }
        self.type_wrong_things().await;
    }

    async fn register(&mut self) {
        let metadata = json!({"zqmeta7391canary-key": ["zqmeta7391canary", {"deep": "zqmeta7391canary"}]});
        let first = json!({"email": EMAIL, "password": PASSWORD, "username": "zquser7391canary",
            "name": "Zqname7391canary \u{e4}\"x", "metadata": metadata});
        let second =
            json!({"email": "zqmail7391canary2@example.com", "password": PASSWORD, "username": "zquser7391canary2"});
        let third =
            json!({"email": "zqmail7391canary3@example.com", "password": PASSWORD, "username": "zquser7391canary3"});
        let forgotten = json!({"email": EMAIL, "password": WRONG_PASSWORD, "username": "zquser7391canary",
            "name": "Zqname7391canary \u{e4}\"x", "metadata": first["metadata"]});
        let headers = [("content-type", "application/json"), ("idempotency-key", KEY), ("user-agent", super::AGENT)];
        for body in [&first, &first, &second, &forgotten] {
            let user = self.client.send("POST", "/v1/users", &headers, body.to_string().as_bytes()).await;
            self.people.extend(user["id"].as_str().map(str::to_owned));
        }
        self.people.dedup();
        for body in [&second, &third] {
            let user = self.client.json("POST", "/v1/users", "", body).await;
            self.people.push(user["id"].as_str().unwrap().to_owned());
        }
        self.client.json("POST", "/v1/users", "", &second).await;
        let same_name = json!({"email": NEXT_EMAIL, "password": PASSWORD, "username": "zqUser7391canary"});
        self.client.json("POST", "/v1/users", "", &same_name).await;
    }

    /// Signs somebody in, and watches for the tokens from here on.
    pub async fn sign_in(&mut self, login: &str, password: &str) -> (String, String) {
        let body = json!({"login": login, "password": password});
        let tokens = self.client.json("POST", "/v1/sessions", "", &body).await;
        self.watched(&tokens)
    }

    fn watched(&mut self, tokens: &Value) -> (String, String) {
        let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        self.watch("an access token", &access);
        self.watch("a refresh token", &refresh);
        if let Some(device) = tokens["device_token"].as_str() {
            self.watch("a device token", device);
        }
        (access, refresh)
    }

    pub fn watch(&mut self, name: &str, token: &str) {
        // The signature of a JWT, or what comes after the prefix of another token.
        let encoded = token.rsplit_once('.').map_or_else(|| &token[4..], |(_, signature)| signature);
        let bytes = URL_SAFE_NO_PAD.decode(encoded).unwrap();
        self.canaries.push(Canary::token(name, encoded, &bytes[bytes.len() - 32..]));
        if token.starts_with("lkr_") {
            self.canaries.push(Canary::token("a family secret", encoded, &bytes[32..48]));
        }
    }

    async fn change(&mut self, (access, _): &(String, String)) {
        let me = "/v1/users/me";
        self.client.json("GET", me, access, &Value::Null).await;
        let bearer = format!("Bearer {access}");
        self.client.send("GET", me, &[("authorization", &bearer), ("if-none-match", "*")], b"").await;
        for body in [
            json!({"name": "zqname7391canary 2", "metadata": {"zqmeta7391canary": "zqmeta7391canary"}}),
            json!({"email": NEXT_EMAIL, "current_password": WRONG_PASSWORD}),
            json!({"email": NEXT_EMAIL, "current_password": PASSWORD}),
            json!({"password": NEXT_PASSWORD, "current_password": PASSWORD}),
            json!({"username": "zquser7391canary2"}),
        ] {
            self.client.json("PATCH", me, access, &body).await;
        }
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("if-match", "\"zqtyped7391canary\""),
        ];
        self.client.send("PATCH", me, &headers, b"{\"name\": \"zqname7391canary\"}").await;
        for password in [WRONG_PASSWORD, NEXT_PASSWORD] {
            let body = json!({"current_password": password});
            let answer = self.client.json("POST", "/v1/sessions/current/reauthenticate", access, &body).await;
            if let Some(token) = answer["access_token"].as_str() {
                self.watch("an access token", token);
            }
        }
        self.client.json("GET", "/v1/sessions", access, &Value::Null).await;
        for (login, password) in
            [(NEXT_EMAIL, WRONG_PASSWORD), ("zqtyped7391canary@example.com", PASSWORD), (TYPED, TYPED)]
        {
            self.client.json("POST", "/v1/sessions", "", &json!({"login": login, "password": password})).await;
        }
    }

    /// Uses refresh tokens until the first one is so old that it counts as stolen.
    async fn rotate(&mut self) -> (String, String) {
        let (_, first) = self.sign_in(NEXT_EMAIL, NEXT_PASSWORD).await;
        let mut current = first.clone();
        for _ in 0..6 {
            let tokens = self.client.json("POST", "/v1/sessions/refresh", "", &json!({"refresh_token": current})).await;
            (_, current) = self.watched(&tokens);
        }
        for token in [first, current, TYPED.to_owned()] {
            self.client.json("POST", "/v1/sessions/refresh", "", &json!({"refresh_token": token})).await;
        }
        self.sign_in(NEXT_EMAIL, NEXT_PASSWORD).await
    }

    async fn ask_about(&mut self, (access, refresh): &(String, String)) {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let key = self.api_key.clone().unwrap_or_else(|| "lkk_zqtyped7391canary".to_owned());
        let basic = format!("Basic {}", STANDARD.encode(format!("zqtyped7391canary:{key}")));
        for authorization in [format!("Bearer {key}"), basic, "Bearer lkk_zqtyped7391canary".to_owned()] {
            for token in [access.as_str(), refresh, TYPED] {
                let headers = [form, ("authorization", authorization.as_str())];
                let body = format!("token={token}&token_type_hint={TYPED}&other={TYPED}");
                self.client.send("POST", "/v1/tokens/introspect", &headers, body.as_bytes()).await;
            }
        }
        for body in [format!("token={TYPED}"), format!("token={TYPED}&token={TYPED}"), format!("token={refresh}")] {
            self.client.send("POST", "/v1/tokens/introspect", &[form], body.as_bytes()).await;
            self.client.send("POST", "/v1/tokens/revoke", &[form], body.as_bytes()).await;
        }
    }

    async fn leave(&mut self) {
        let (kept, _) = self.sign_in(NEXT_EMAIL, NEXT_PASSWORD).await;
        let (access, _) = self.sign_in(NEXT_EMAIL, NEXT_PASSWORD).await;
        let list = self.client.json("GET", "/v1/sessions", &kept, &Value::Null).await;
        let id = list["items"].as_array().unwrap().iter().find(|item| item["current"] == false).unwrap()["id"].clone();
        self.client.read_own(&kept).await;
        self.client.json("DELETE", &format!("/v1/sessions/{}", id.as_str().unwrap()), &kept, &Value::Null).await;
        self.client.json("DELETE", "/v1/sessions?scope=others", &kept, &Value::Null).await;
        self.client.json("GET", "/v1/users/me", &access, &Value::Null).await;
        let (goer, _) = self.sign_in("zquser7391canary3", PASSWORD).await;
        self.client.json("DELETE", "/v1/users/me", &goer, &Value::Null).await;
        self.client.json("GET", "/v1/users/me", &goer, &Value::Null).await;
    }

    /// What those who are signed in ask for, all at once, whatever has become of the store.
    pub async fn meet_failures(&mut self) {
        const JSON: &str = "application/json";
        let mut asked = Vec::new();
        let mut ask = |method, path, token: &str, body: Value| {
            asked.push((method, path, JSON, format!("Bearer {token}"), body.to_string()));
        };
        for Person { login, password, access, refresh } in &self.signed_in {
            let changes = json!({"name": "zqname7391canary", "email": "zqnext7391canary4@example.com", "current_password": password});
            for path in OWN {
                ask("GET", path, access, Value::Null);
            }
            ask("PATCH", "/v1/users/me", access, changes);
            ask("POST", "/v1/sessions", "", json!({"login": login, "password": password}));
            ask("POST", "/v1/sessions/refresh", "", json!({"refresh_token": refresh}));
            ask("POST", "/v1/sessions/current/reauthenticate", access, json!({"current_password": password}));
        }
        let newcomer =
            json!({"email": "zqmail7391canary5@example.com", "password": PASSWORD, "name": "zqname7391canary"});
        ask("POST", "/v1/users", "", newcomer);
        for (path, body) in super::mail::requests(&self.unused) {
            ask("POST", path, "", body);
        }
        ask("GET", "/health/ready", "", Value::Null);
        let (key, token) = (self.api_key.as_deref().unwrap_or_default(), &self.signed_in[0].access);
        let form = "application/x-www-form-urlencoded";
        asked.push(("POST", "/v1/tokens/introspect", form, format!("Bearer {key}"), format!("token={token}")));

        let client = &self.client;
        let answers = asked.iter().map(|(method, path, content_type, authorization, body)| async move {
            let mut headers = vec![("content-type", *content_type), ("idempotency-key", KEY)];
            headers.extend((authorization != "Bearer ").then_some(("authorization", authorization.as_str())));
            client.ask(method, path, &headers, body.as_bytes()).await
        });
        let answers = join_all(answers).await;
        assert!(answers.iter().any(|kept| kept.answer.status >= 500), "nothing is broken");
        self.client.kept.extend(answers);
    }

    async fn type_wrong_things(&mut self) {
        // So often that it is not looked at any more.
        for _ in 0..7 {
            self.client.json("POST", "/v1/sessions", "", &json!({"login": TYPED, "password": TYPED})).await;
        }
        raw::send_what_is_wrong(&mut self.client, &self.signed_in[1].access).await;
    }

    /// Each operation has answered and has refused, as far as it ever refuses.
    pub fn expect_everything_was_asked(&self) {
        let operations = Contract::default().operations().into_iter().map(|(_, _, name)| name.to_owned()).collect();
        let [answered, refused] = [true, false].map(|good| {
            let mut reached = self.client.reached(good);
            assert!(reached.remove(PAGE), "no page was reached");
            reached.remove("none");
            reached
        });
        assert_eq!(answered, operations, "an operation of the document was not reached");
        assert_eq!(refused, operations, "an operation of the document refused nothing");
    }
}
