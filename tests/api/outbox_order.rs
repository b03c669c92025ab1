//! Letters that are tried again, beside those that were asked for since.

use serde_json::json;

use crate::support::{
    NEW_PASSWORD, NEXT_TRY, TestApp, sent_by,
    smtp_server::{Mode, SmtpServer},
};

const ADA: &str = "ada@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_letter_that_comes_late_ends_no_newer_one() {
    let server = SmtpServer::start(Mode::Busy).await;
    let url = server.url();
    let app = TestApp::redis_with(&sent_by(&url)).await;
    app.register("ada").await.expect(201);
    app.forget_password(ADA).await;
    app.failed(1, 1).await;
    server.set(Mode::Well).await;
    app.forget_password(ADA).await;
    let newer = server.next_letter().await;
    app.clock.advance(NEXT_TRY);
    app.entries_when(<[_]>::is_empty).await;
    assert_eq!(server.letters().await.len(), 1, "the older one is not sent any more");
    app.reset(json!({"token": newer.token()}), NEW_PASSWORD).await.expect(204);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_smtp_a_letter_that_is_tried_again_gives_no_more_tries_of_its_code() {
    let server = SmtpServer::start(Mode::Greylist(1)).await;
    let url = server.url();
    let app = TestApp::redis_with(&sent_by(&url)).await;
    app.register("ada").await.expect(201);
    app.forget_password(ADA).await;
    app.failed(1, 1).await;
    for _ in 0..4 {
        app.reset(json!({"email": ADA, "code": "x"}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    }
    app.clock.advance(NEXT_TRY);
    let letter = server.next_letter().await;
    app.reset(json!({"email": ADA, "code": "x"}), NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    let right = json!({"email": ADA, "code": letter.code()});
    app.reset(right, NEW_PASSWORD).await.refused(403, "confirmation_invalid");
    app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
    app.stop().await;
}
