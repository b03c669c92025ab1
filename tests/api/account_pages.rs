//! The pages that links in letters lead to, over HTTP.

use crate::support::{NEW_PASSWORD, PASSWORD, TestApp, page::form};

const WELL_FORMED: &str = "lkm_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_a_link_confirms_nothing_and_the_button_does() {
    let app = TestApp::with(&["--product-name", "Salt & <Pepper>"]).await;
    let ada = app.person("ada").await;
    let token = app.letter_of(&ada.email, app.request_verification(&ada.email)).await.token();
    let link = format!("/account/verify?token={token}");
    for _ in 0..3 {
        let page = app.page(&link).await.expect(200);
        page.saying(&["Confirm your email address - Salt &amp; &lt;Pepper&gt;</title>", "method=\"post\"", &token]);
        app.page_by("HEAD", &link, "", &[]).await.expect(200);
    }
    assert_eq!(app.me(&ada.token).await.body["email_verified"], false);

    let sent = app.send_form("/account/verify", &[("token", &token)]).await.expect(303);
    assert_eq!(sent.header("location"), "verify?done=1");
    for _ in 0..2 {
        app.page("/account/verify?done=1").await.expect(200).saying(&["is confirmed</h1>"]).not_saying(&["<form"]);
    }
    assert_eq!(app.me(&ada.token).await.body["email_verified"], true);

    let again = app.send_form("/account/verify", &[("token", &token)]).await.expect(403);
    again.saying(&["This link does not work"]).not_saying(&["<form", &token]);
    app.page(&link).await.expect(200).saying(&[&token]); // it does not ask the store
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_link_the_page_takes_the_code() {
    let app = TestApp::embedded().await;
    let ada = app.person("ada").await;
    let code = app.letter_of(&ada.email, app.request_verification(&ada.email)).await.code();
    let page = app.page("/account/verify").await.expect(200);
    page.saying(&["type=\"email\" autocomplete=\"email\"", "autocomplete=\"one-time-code\"", "inputmode=\"numeric\""]);

    let send =
        async |email: &str, code: &str| app.send_form("/account/verify", &[("email", email), ("code", code)]).await;
    let empty = send("", "").await.expect(422);
    empty.saying(&["id=\"email-error\"", "autofocus"]);
    send("ada", &code).await.expect(422).saying(&["The email address must be", "value=\"ada\"", &code]);
    send(&ada.email, "").await.expect(422).saying(&["id=\"code-error\" role=\"alert\">Please fill this in."]);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    send(&ada.email, wrong).await.expect(403).saying(&["The code or the email address is not right", &ada.email]);
    send("nobody@example.com", &code).await.expect(403);
    assert_eq!(app.me(&ada.token).await.body["email_verified"], false);
    send(&ada.email, &format!("{} {}", &code[..3], &code[3..])).await.expect(303);
    assert_eq!(app.me(&ada.token).await.body["email_verified"], true);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_refused_leaves_the_link_good() {
    let app = TestApp::with(&["--password-min-length", "10"]).await;
    let ada = app.person("ada").await;
    let token = app.letter_of(&ada.email, app.request_reset(&ada.email)).await.token();
    let page = app.page(&format!("/account/reset?token={token}")).await.expect(200);
    page.saying(&["type=\"password\" autocomplete=\"new-password\"", "At least 10 characters"]);

    for (password, reason) in [
        ("zq7\"<'", "The new password must have at least 10 characters."),
        ("ada@example.com", "The new password is too easy to guess. "),
        ("", "The new password must have at least 10 characters."),
    ] {
        let page = app.send_form("/account/reset", &[("token", &token), ("password", password)]).await.expect(422);
        let page = page.saying(&[reason, "aria-describedby=\"password-hint password-error\"", &token]);
        page.not_saying(&["zq7", "ada@example.com"]);
    }
    let sent = app.send_form("/account/reset", &[("token", &token), ("password", NEW_PASSWORD)]).await.expect(303);
    assert_eq!(sent.header("location"), "reset?done=1");
    app.page("/account/reset?done=1").await.expect(200).saying(&["Your new password is set</h1>"]);
    app.me(&ada.token).await.refused(401, "token_invalid");
    app.sign_in(&ada.email, NEW_PASSWORD).await.expect(201);

    // By the code, too: it stays in the form.
    app.letter_after(&ada.email, 1).await; // that it was set
    let code = app.letter_of(&ada.email, app.request_reset(&ada.email)).await.code();
    let fields =
        |password| [("token", ""), ("email", "ada@example.com"), ("code", code.as_str()), ("password", password)];
    let page = app.send_form("/account/reset", &fields("password12")).await.expect(422);
    page.saying(&[&format!("value=\"{code}\""), "value=\"ada@example.com\""]).not_saying(&["password12"]);
    app.send_form("/account/reset", &fields(PASSWORD)).await.expect(303);
    app.sign_in(&ada.email, PASSWORD).await.expect(201);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_address_is_undone_by_the_link_in_the_letter_to_the_former_one() {
    let app = TestApp::embedded().await;
    let ada = app.verified("ada").await;
    let token = app.letter_of("thief@example.com", app.want_email(&ada, "thief@example.com")).await.token();
    app.send_form("/account/verify", &[("token", &token)]).await.expect(303);
    assert_eq!(app.me(&ada.token).await.body["email"], "thief@example.com");

    let undo = app.letter_after(&ada.email, 1).await.token();
    app.page(&format!("/account/undo?token={undo}")).await.expect(200).saying(&["Undo the change</button>"]);
    let verify = app.send_form("/account/verify", &[("token", &undo)]).await.expect(403);
    verify.not_saying(&["<form"]); // it is for something else
    assert_eq!(app.send_form("/account/undo", &[("token", &undo)]).await.expect(303).header("location"), "undo?done=1");
    app.page("/account/undo?done=1").await.expect(200);
    app.me(&ada.token).await.refused(401, "token_invalid");
    let reset = app.letter_after(&ada.email, 2).await.token();
    app.send_form("/account/reset", &[("token", &reset), ("password", NEW_PASSWORD)]).await.expect(303);
    app.sign_in(&ada.email, NEW_PASSWORD).await.expect(201);

    for fields in [&[("token", undo.as_str())][..], &[("token", "")], &[("email", "ada@example.com")], &[]] {
        app.send_form("/account/undo", fields).await.expect(403).not_saying(&["<form"]);
    }
    app.page("/account/undo").await.expect(200).saying(&["Open the link in the letter"]).not_saying(&["<form"]);
    app.page("/account/undo?token=lkm_half").await.expect(403).not_saying(&["<form"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_somebody_else_has_by_then_is_not_confirmed() {
    let app = TestApp::embedded().await;
    let ada = app.verified("ada").await;
    let token = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await.token();
    app.register("new").await.expect(201);
    let page = app.send_form("/account/verify", &[("token", &token)]).await.expect(409);
    page.saying(&["Another account has this email address"]).not_saying(&["<form"]);
    assert_eq!(app.me(&ada.token).await.body["email"], ada.email.as_str());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_codes_are_throttled_by_address_and_the_page_says_for_how_long() {
    let proxied = ["--trusted-proxies", "127.0.0.0/8", "--password-attempts-per-address", "3/2h"];
    let app = TestApp::with(&proxied).await;
    let send = async |from: &str, fields: &[(&str, &str)]| {
        app.page_by("POST", "/account/reset", &form(fields), &[("x-forwarded-for", from)]).await
    };
    let guess = [("email", "ada@example.com"), ("code", "123456"), ("password", NEW_PASSWORD)];
    for _ in 0..3 {
        send("198.51.100.7", &guess).await.expect(403);
    }
    let page = send("198.51.100.7", &guess).await.expect(429);
    assert_eq!(page.header("ratelimit-policy"), "\"address\";q=3;w=7200");
    page.saying(&["Please try again in ", "value=\"123456\""]).not_saying(&[NEW_PASSWORD]);
    let link = send("198.51.100.7", &[("token", WELL_FORMED), ("password", NEW_PASSWORD)]).await.expect(429);
    link.saying(&[WELL_FORMED, "<form"]); // it can be sent again, later
    send("198.51.100.8", &guess).await.expect(403);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_without_its_store_a_page_is_shown_and_asks_to_come_back() {
    let mut app = TestApp::redis().await;
    app.redis.as_mut().unwrap().kill();
    app.page(&format!("/account/verify?token={WELL_FORMED}")).await.expect(200);
    let page = app.send_form("/account/verify", &[("token", WELL_FORMED)]).await.expect(503);
    page.saying(&["cannot be done at the moment. Please try again in 2 seconds.", WELL_FORMED, "<form"]);
    app.stop().await;
}
