//! `latchkey check` on figures and logs: what is counted wrong, what is of nobody, and what cannot be read.

use serde_json::json;

use crate::{
    check::{bucket, service},
    claims::NOBODY,
    redis_server::command,
    support::{PASSWORD, Person, TestApp},
};

impl TestApp {
    /// Confirms the address of a person.
    async fn set_verified(&self, person: &Person) {
        let path = format!("/v1/admin/users/{}", person.id);
        self.admin("PATCH", &path).await.json(&json!({"email_verified": true})).send().await.expect(200);
    }

    async fn count_verified(&self) -> u64 {
        let figures = self.admin("GET", "/v1/admin/statistics?days=1").await.send().await.expect(200).body;
        figures["verified"].as_u64().unwrap()
    }

    /// The logs of a person.
    async fn logs_of(&self, id: &str) -> Vec<String> {
        let client = self.redis.as_ref().unwrap().client().await;
        let mut found = Vec::new();
        for log in ["events", "sign-ins", "changes", "failures"] {
            let keys: Vec<String> = command(&client, &format!("KEYS {}:{log}:{id}:*", bucket(id))).await;
            found.extend(keys);
        }
        found
    }
}

/// All at once, since each check waits before it looks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_figures_and_logs_that_are_wrong_are_found_and_put_right() {
    tokio::join!(
        a_total_that_is_not_what_is_counted_is_set_right(),
        a_total_is_not_judged_while_a_user_is_missed(),
        a_total_is_judged_while_a_user_is_missed_elsewhere(),
        a_figure_that_cannot_be_counted_on_is_set_to_nothing(),
        a_log_of_nobody_is_deleted(),
        what_cannot_be_read_in_figures_and_logs_is_reported(),
    );
}

async fn a_total_that_is_not_what_is_counted_is_set_right() {
    let (app, ada) = service().await;
    app.set_verified(&ada).await;
    for damage in [
        "HINCRBY BUCKET:totals verified 3",
        "HINCRBY BUCKET:totals verified -3",
        "HSET BUCKET:totals verified many",
        "HSET BUCKET:totals verified +1",
        "HDEL BUCKET:totals verified",
        "DEL BUCKET:totals",
        "HSET {elsewhere}:totals verified 2 rev AAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let elsewhere = if bucket(&ada.id) == "latchkey:{b0}" { "latchkey:{b1}" } else { "latchkey:{b0}" };
        app.damage(&ada.id, &damage.replace("{elsewhere}", elsewhere)).await;
        app.expect_repair_of(&["wrong_total"]).await;
        assert_eq!(app.count_verified().await, 1, "{damage}");
    }
    // It is counted on from there.
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    assert_eq!(app.count_verified().await, 0);
    app.check(false).await.expect_clean();
    app.stop().await;
}

async fn a_total_is_not_judged_while_a_user_is_missed() {
    let (app, ada) = service().await;
    app.set_verified(&ada).await;
    app.damage(&ada.id, "ZREM BUCKET:index:created ID").await;
    app.expect_repair_of(&["unlisted_user"]).await;
    assert_eq!(app.count_verified().await, 1);
    let version = app.stored_user(&ada.id).await["version"].clone();
    app.damage(&ada.id, "HSET BUCKET:user:ID version many").await;
    let left = app.check(true).await;
    assert_eq!((left.code, left.codes("left")), (1, vec!["unreadable"]), "{}", left.text);
    assert_eq!(left.summary["uncounted_totals"], 1);
    // Nor is one set too low who is nowhere to be found but under their own key.
    app.damage(&ada.id, "ZREM BUCKET:index:created ID").await;
    let left = app.check(true).await;
    assert_eq!((left.code, left.codes("left")), (1, vec!["unreadable"]), "{}", left.text);
    assert_eq!((&left.summary["uncounted_totals"], app.count_verified().await), (&json!(1), 1));
    app.damage(&ada.id, &format!("HSET BUCKET:user:ID version {version}")).await;
    app.expect_repair_of(&["unlisted_user"]).await;
    let clean = app.check(false).await;
    assert_eq!(clean.summary["uncounted_totals"], 0);
    clean.expect_clean();
    app.stop().await;
}

/// Nor because of an index by which they are not counted.
async fn a_total_is_judged_while_a_user_is_missed_elsewhere() {
    let (app, ada) = service().await;
    app.set_verified(&ada).await;
    let elsewhere = if bucket(&ada.id) == "latchkey:{b0}" { "latchkey:{b1}" } else { "latchkey:{b0}" };
    app.damage(&ada.id, "HINCRBY BUCKET:totals verified 3").await;
    app.damage(&ada.id, "DEL BUCKET:index:username").await;
    app.damage(&ada.id, &format!("ZADD {elsewhere}:index:created 7 ID")).await;
    assert_eq!(app.check(false).await.summary["uncounted_totals"], 0);
    app.expect_repair_of(&["dangling_entry", "unlisted_user", "wrong_total"]).await;
    assert_eq!(app.count_verified().await, 1);
    app.stop().await;
}

async fn a_figure_that_cannot_be_counted_on_is_set_to_nothing() {
    let (app, ada) = service().await;
    let client = app.redis.as_ref().unwrap().client().await;
    let today: Vec<String> = command(&client, &format!("KEYS {}:day:*", bucket(&ada.id))).await;
    let sign_ins = format!("{} sign_ins", today[0]);
    for damaged in ["007", "9007199254740992", "9007199254740993", "many"] {
        app.damage(&ada.id, &format!("HSET {sign_ins} {damaged}")).await;
        // It keeps nobody out, and is left as it is.
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
        assert_eq!(command::<String>(&client, &format!("HGET {sign_ins}")).await, damaged);
        app.expect_repair_of(&["wrong_figure"]).await;
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
        assert_eq!(command::<String>(&client, &format!("HGET {sign_ins}")).await, "1");
        assert!(command::<i64>(&client, &format!("PTTL {}", today[0])).await > 0);
    }
    app.check(false).await.expect_clean();
    app.stop().await;
}

async fn a_log_of_nobody_is_deleted() {
    let (app, ada) = service().await;
    let logs = app.logs_of(&ada.id).await;
    assert_eq!(logs.len(), 2, "{logs:?}");
    for log in &logs {
        app.damage(
            &ada.id,
            &format!("COPY {log} {}", log.replace(&bucket(&ada.id), &bucket(NOBODY)).replace(&ada.id, NOBODY)),
        )
        .await;
    }
    app.expect_repair_of(&["orphan_events", "orphan_events"]).await;
    assert_eq!((app.logs_of(NOBODY).await.len(), app.logs_of(&ada.id).await), (0, logs.clone()));

    // Nor has somebody who was deleted any.
    for log in &logs {
        app.damage(&ada.id, &format!("COPY {log} latchkey:{{kept}}:{log}")).await;
    }
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    app.damage(&ada.id, &format!("COPY latchkey:{{kept}}:{} {}", logs[0], logs[0])).await;
    for log in &logs {
        app.damage(&ada.id, &format!("DEL latchkey:{{kept}}:{log}")).await;
    }
    app.expect_repair_of(&["orphan_events"]).await;
    app.stop().await;
}

async fn what_cannot_be_read_in_figures_and_logs_is_reported() {
    let (app, ada) = service().await;
    app.sign_in("nobody@example.com", PASSWORD).await.expect(401);
    let log = app.logs_of(&ada.id).await.remove(0);
    // One of a later version is a line too.
    let line =
        r#"{"id":"019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10","at":"2026-01-01T00:00:00.000Z","kind":"flown","by":"moon"}"#;
    app.damage(&ada.id, &format!("RPUSH {log} {line}")).await;
    app.check(false).await.expect_clean();

    app.damage(&ada.id, &format!("RPUSH {log} text {{}}")).await;
    app.damage(&ada.id, "RPUSH BUCKET:failures:nobody text").await;
    app.damage(&ada.id, "ZADD BUCKET:failures:ID:2026-01 1 text").await;
    app.damage(&ada.id, "RPUSH latchkey:{roles}:events:2026-01 text").await;
    app.damage(&ada.id, "HSET BUCKET:day:2026-01-01 sign_ins many rev AAAAAAAAAAAAAAAAAAAAAA").await;
    app.damage(&ada.id, "RPUSH BUCKET:totals text").await;
    let found = app.check(true).await;
    let left = [("unreadable", "left"); 5].into_iter().chain([("wrong_figure", "repaired")]);
    let left = left.map(|(code, outcome)| (code.to_owned(), outcome.to_owned())).collect::<Vec<_>>();
    assert_eq!((found.code, &found.findings), (1, &left), "{}", found.text);
    for part in [
        "2 of its 4 entries are no events",
        "failures:nobody cannot be read",
        ":2026-01 cannot be read: ",
        "{roles}:events",
        ":day:2026-01-01 has a figure",
        ":totals cannot be read",
    ] {
        assert!(found.text.contains(part), "{part}: {}", found.text);
    }
    app.stop().await;
}
