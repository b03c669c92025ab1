//! The pages that links in letters lead to, in a real browser that runs no scripts.

use serde_json::{Value, json};

use crate::support::{NEW_PASSWORD, PASSWORD, TestApp, chromium::Chromium};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_an_address_is_confirmed_by_a_button() {
    let app = TestApp::embedded().await;
    let ada = app.person("ada").await;
    let letter = app.letter_of(&ada.email, app.request_verification(&ada.email)).await;
    let mut browser = Chromium::start().await;
    browser.open(letter.link()).await;
    assert!(browser.text().await.contains("Press the button to confirm"), "{}", browser.text().await);
    browser.press_button().await;
    for _ in 0..2 {
        assert!(browser.text().await.contains("Your email address is confirmed"), "{}", browser.text().await);
        assert_eq!(browser.ask("location.href").await, format!("{}/account/verify?done=1", app.url));
        browser.reload().await;
    }
    assert_eq!(app.me(&ada.token).await.body["email_verified"], true);
    browser.expect_no_complaint();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_a_password_is_set_after_one_that_is_too_weak() {
    let app = TestApp::embedded().await;
    let ada = app.person("ada").await;
    let letter = app.letter_of(&ada.email, app.request_reset(&ada.email)).await;
    let mut browser = Chromium::start().await;
    browser.open(letter.link()).await;
    browser.fill("password", "password1").await;
    browser.press_button().await;

    // The reason belongs to the field, which has the focus and is empty again. So a screen reader says it.
    assert_eq!(browser.focus().await, "password");
    assert_eq!(browser.ask("document.activeElement.value").await, "");
    let tree = browser.call("Accessibility.getFullAXTree", json!({})).await;
    let field = tree["nodes"].as_array().unwrap().iter().find(|node| node["name"]["value"] == "New password");
    let field = field.unwrap_or_else(|| panic!("{tree}"));
    assert!(field["description"]["value"].as_str().unwrap().contains("is too easy to guess"), "{field}");
    let is_invalid = |property: &Value| property["name"] == "invalid" && property["value"]["value"] == "true";
    assert!(field["properties"].as_array().unwrap().iter().any(is_invalid), "{field}");

    browser.fill("password", NEW_PASSWORD).await;
    browser.press_button().await;
    assert!(browser.text().await.contains("Your new password is set"), "{}", browser.text().await);
    app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
    app.sign_in(&ada.email, NEW_PASSWORD).await.expect(201);
    browser.expect_no_complaint();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_a_code_confirms_an_address_that_browsers_do_not_know_as_one() {
    let app = TestApp::embedded().await;
    let ada = app.person("\u{e4}d\u{e4}").await;
    let letter = app.letter_of(&ada.email, app.request_verification(&ada.email)).await;
    let mut browser = Chromium::start().await;
    browser.open(&format!("{}/account/verify", app.url)).await;
    browser.press_button().await;
    assert_eq!(browser.focus().await, "email");
    browser.fill("email", &ada.email).await;
    browser.fill("code", &letter.code()).await;
    browser.press_button().await;
    assert!(browser.text().await.contains("Your email address is confirmed"), "{}", browser.text().await);
    assert_eq!(app.me(&ada.token).await.body["email_verified"], true);
    browser.expect_no_complaint();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_a_change_of_address_is_undone() {
    let app = TestApp::embedded().await;
    let ada = app.verified("ada").await;
    let token = app.letter_of("thief@example.com", app.want_email(&ada, "thief@example.com")).await.token();
    app.send_form("/account/verify", &[("token", &token)]).await.expect(303);
    let mut browser = Chromium::start().await;
    let link = app.letter_after(&ada.email, 1).await.link().to_owned();
    browser.open(&link).await;
    browser.press_button().await;
    assert!(browser.text().await.contains("You have your former email address back"), "{}", browser.text().await);
    app.me(&ada.token).await.refused(401, "token_invalid");
    browser.open(&link).await;
    browser.press_button().await;
    assert!(browser.text().await.contains("This link does not work"), "{}", browser.text().await);
    browser.expect_no_complaint();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_chromium_the_pages_fit_a_small_screen_and_are_dark_for_those_who_want_it() {
    let app = TestApp::with(&["--product-name", &"Wide".repeat(16)]).await;
    let mut browser = Chromium::start().await;
    let small = json!({"width": 320, "height": 568, "deviceScaleFactor": 1, "mobile": true});
    browser.call("Emulation.setDeviceMetricsOverride", small).await;
    for (scheme, text) in [("light", "rgb(0, 0, 0)"), ("dark", "rgb(255, 255, 255)")] {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.call("Emulation.setEmulatedMedia", features).await;
        for path in ["verify", "reset", "undo?token=lkm_half", "reset?done=1"] {
            browser.open(&format!("{}/account/{path}", app.url)).await;
            assert_eq!(browser.ask("document.documentElement.scrollWidth").await, 320, "{path}");
            assert_eq!(browser.ask("getComputedStyle(document.body).color").await, text, "{path}");
        }
        browser.open(&format!("{}/account/reset", app.url)).await;
        let button = "getComputedStyle(document.querySelector('button'))";
        assert_eq!(browser.ask(&format!("{button}.backgroundColor")).await, text, "the style is used");
        assert_ne!(browser.ask(&format!("{button}.color")).await, text);
        browser.ask("document.querySelector('button').focus()").await;
        assert_eq!(browser.ask("getComputedStyle(document.activeElement).outlineStyle").await, "solid");
    }
    browser.expect_no_complaint();
    app.stop().await;
}
