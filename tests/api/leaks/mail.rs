//! What people do with letters, whose tokens and codes are in no place but the letters.

use serde_json::{Value, json};

use super::{
    canary::Canary,
    journey::{Journey, NEXT_EMAIL, NEXT_PASSWORD, TYPED},
};
use crate::support::letters::{Letter, letter_in, letters_in};

const OTHER_EMAIL: &str = "zqnext7391canary6@example.com";

/// Every request about letters, with a token that may be good.
pub fn requests(token: &str) -> [(&'static str, Value); 6] {
    let code = json!({"email": NEXT_EMAIL, "code": "zqtyped7391canary", "password": NEXT_PASSWORD});
    [
        ("/v1/email-verifications", json!({"email": NEXT_EMAIL})),
        ("/v1/email-verifications/confirm", json!({"token": token})),
        ("/v1/password-resets", json!({"email": NEXT_EMAIL})),
        ("/v1/password-resets/confirm", json!({"token": token, "password": NEXT_PASSWORD})),
        ("/v1/password-resets/confirm", code),
        ("/v1/email-changes/undo", json!({"token": token})),
    ]
}

impl Journey {
    /// Confirms an address, changes it and undoes that, and sets a new password twice. In the end all is as before.
    pub async fn write_letters(&mut self) {
        for (path, body) in requests(TYPED) {
            self.client.json("POST", path, "", &body).await;
        }
        for number in 0..2 {
            let letter = letter_in(self.letters.clone(), NEXT_EMAIL, number).await;
            self.watch_letter(&letter);
        }
        let letter = self.letter(NEXT_EMAIL, "/v1/email-verifications", "", json!({"email": NEXT_EMAIL})).await;
        self.done("/v1/email-verifications/confirm", json!({"token": letter.token()})).await;

        let (access, _) = self.sign_in(NEXT_EMAIL, NEXT_PASSWORD).await;
        let patch = json!({"email": OTHER_EMAIL, "current_password": NEXT_PASSWORD});
        let letter = self.letter(OTHER_EMAIL, "/v1/users/me", &access, patch).await;
        let before = letters_in(&self.letters, NEXT_EMAIL).len();
        for code in ["zqtyped7391canary", &letter.code()] {
            let proof = json!({"email": NEXT_EMAIL, "code": code});
            self.client.json("POST", "/v1/email-verifications/confirm", "", &proof).await;
        }
        let told = letter_in(self.letters.clone(), NEXT_EMAIL, before).await;
        self.watch("a token to undo", &told.token());
        self.done("/v1/email-changes/undo", json!({"token": told.token()})).await;
        let letter = letter_in(self.letters.clone(), NEXT_EMAIL, before + 1).await;
        self.watch_letter(&letter);
        let proof = json!({"email": NEXT_EMAIL, "code": letter.code(), "password": NEXT_PASSWORD});
        self.done("/v1/password-resets/confirm", proof).await;
        letter_in(self.letters.clone(), NEXT_EMAIL, before + 2).await; // that tells of it
        let letter = self.letter(NEXT_EMAIL, "/v1/password-resets", "", json!({"email": NEXT_EMAIL})).await;
        self.unused = letter.token();
        self.visit_pages(&letter).await;
    }

    /// What is in a link or a form may be in a page again, and in no log. Nothing here uses the letter up.
    async fn visit_pages(&mut self, letter: &Letter) {
        let form = [("content-type", "application/x-www-form-urlencoded"), ("user-agent", super::AGENT)];
        let (token, password) = (letter.token(), "zqwrong7391canary".repeat(20));
        for page in ["/account/verify", "/account/reset", "/account/undo"] {
            for query in [format!("token={token}"), format!("token={TYPED}&{TYPED}={TYPED}")] {
                self.client.send("GET", &format!("{page}?{query}"), &[], b"").await;
            }
            for proof in
                [format!("token={token}"), format!("token={TYPED}"), format!("email={NEXT_EMAIL}&code={TYPED}")]
            {
                let body = format!("{proof}&password={password}");
                // A code that was typed is shown again to whoever typed it.
                let kept = self.client.ask("POST", page, &form, body.as_bytes()).await;
                self.client.kept.extend((!proof.contains("code=")).then_some(kept));
            }
        }
    }

    /// The letter that a request sends, and watches for what is in it from here on.
    async fn letter(&mut self, to: &str, path: &str, token: &str, body: Value) -> Letter {
        let before = letters_in(&self.letters, to).len();
        self.client.json(if token.is_empty() { "POST" } else { "PATCH" }, path, token, &body).await;
        let letter = letter_in(self.letters.clone(), to, before).await;
        self.watch_letter(&letter);
        letter
    }

    fn watch_letter(&mut self, letter: &Letter) {
        let (token, code) = (letter.token(), Canary::code("a code", &letter.code()));
        assert!(code.is_in(letter.text.as_bytes()), "what is in a letter is found");
        self.watch("a token of a letter", &token);
        assert!(self.canaries.last().unwrap().is_in(letter.text.as_bytes()), "what is in a letter is found");
        self.canaries.push(code);
    }

    async fn done(&mut self, path: &str, body: Value) {
        self.client.json("POST", path, "", &body).await;
        let answer = &self.client.kept.last().unwrap().answer;
        assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    }
}
