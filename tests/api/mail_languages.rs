//! In which language somebody gets a letter: the one of their account, and else the one that their browser asks for.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp};

/// A folder with the letters to confirm an address, in German.
fn templates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("de")).unwrap();
    let text = "Subject: Hallo\n\n{{link}}\n\n{{code}}\n";
    for kind in ["verification", "email_change"] {
        fs::write(folder.path().join(format!("de/{kind}.txt")), text).unwrap();
        fs::write(folder.path().join(format!("de/{kind}.html")), "<p>{{link}} {{code}}</p>").unwrap();
    }
    folder
}

async fn send(app: &TestApp, path: &str, languages: &str, body: Value) -> Answer {
    app.post(path).header("accept-language", languages).json(&body).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_in_the_language_of_the_account_before_that_of_the_browser() {
    let templates = templates();
    let arguments = ["--require-verification", "--mail-templates", templates.path().to_str().unwrap()];
    let app = TestApp::with(&arguments).await;
    for (number, (locale, languages, expected)) in [
        (json!("de-CH"), "en", "de"),
        (json!("en"), "de", "en"),
        (json!("fr"), "de-AT, en;q=0.5", "de"),
        (json!(null), "fr, de;q=0.2, en;q=0.1", "de"),
        (json!(null), "en-GB, de", "en"),
        (json!(null), "*", "en"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("ada{number}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "locale": locale});
        let registered = send(&app, "/v1/users", languages, body).await.expect(202);
        assert_eq!(registered.body, json!({}));
        assert_eq!(app.letter(&email).await.language, expected, "{locale} {languages}");
        let asked = send(&app, "/v1/email-verifications", languages, json!({"email": email}));
        assert_eq!(app.letter_of(&email, asked).await.language, expected, "{locale} {languages}");
        let reset = send(&app, "/v1/password-resets", languages, json!({"email": email}));
        assert_eq!(app.letter_of(&email, reset).await.language, "en", "there is none in German");
    }

    let ada = app.verified("ada").await;
    for (locale, languages, next, expected) in [("de", "en", "one", "de"), ("en", "de", "two", "en")] {
        let email = format!("{next}@example.com");
        let body = json!({"email": email, "current_password": PASSWORD, "locale": locale});
        let request = app.patch("/v1/users/me").bearer(&ada.token).header("accept-language", languages);
        let letter = app.letter_of(&email, request.json(&body).send()).await;
        assert_eq!(letter.language, expected, "what is wanted with the address counts for it");
    }
    app.stop().await;
}
