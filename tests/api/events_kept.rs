//! How many events are kept and for how long, whose they are, and what is left of a deleted account.

use std::{collections::HashSet, time::Duration};

use fred::{interfaces::ClientLike, types::CustomCommand};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    redis_server::command,
    support::{PASSWORD, Person, TestApp, on_every_store},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl TestApp {
    /// All events of somebody, page by page.
    async fn all_events(&self, who: &Person, limit: usize) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/users/me/events?limit={limit}{cursor}");
            let page = self.get(&path).bearer(&who.token).send().await.expect(200).body;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit, "{}", items.len());
            assert!(!items.is_empty() || all.is_empty(), "a page that comes next has something on it");
            all.extend(items.iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return all };
            assert_eq!(items.len(), limit, "a page that is not the last is full");
            cursor = format!("&cursor={next}");
        }
    }
}

/// No event is there twice, and none is before an earlier one.
#[track_caller]
fn expect_in_order(events: &[Value]) {
    let ids = events.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(ids.is_sorted_by(|later, earlier| later > earlier), "{ids:?}");
}

on_every_store! {
    async fn pages_hold_each_event_once_and_stay_so_while_more_happens(app: TestApp) {
        let ada = app.person("ada").await;
        for number in 0..5 {
            let body = json!({"name": format!("Ada {number}")});
            app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.expect(200);
        }
        let all = app.all_events(&ada, 100).await;
        assert_eq!(all.len(), 7);
        for limit in 1..8 {
            assert_eq!(app.all_events(&ada, limit).await, all, "{limit}");
        }
        let first = app.get("/v1/users/me/events?limit=3").bearer(&ada.token).send().await.body;
        app.token(&ada.email).await;
        let path = format!("/v1/users/me/events?cursor={}", first["next_cursor"].as_str().unwrap());
        let rest = app.get(&path).bearer(&ada.token).send().await.expect(200).body;
        assert_eq!(rest["items"].as_array().unwrap(), &all[3..]);
        assert_eq!(rest["next_cursor"], json!(null));
    }

    async fn a_page_that_cannot_be_meant_is_refused(app: TestApp) {
        let ada = app.person("ada").await;
        for query in ["limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor="] {
            let path = format!("/v1/users/me/events?{query}");
            app.get(&path).bearer(&ada.token).send().await.refused(400, "invalid_parameter");
        }
        for path in ["/v1/users/me/events", "/v1/users/me/export"] {
            app.get(path).send().await.refused(401, "authentication_required");
        }
    }

    async fn nobody_reads_what_happened_to_somebody_else(app: TestApp) {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        let hers = app.events(&ada.token).await;
        let cursor = hers[0]["id"].as_str().unwrap();
        let path = format!("/v1/users/me/events?cursor={cursor}");
        let read = app.get(&path).bearer(&bob.token).send().await.expect(200).body;
        let all = [app.events(&bob.token).await, read["items"].as_array().unwrap().clone()].concat();
        for event in &all {
            assert!(!hers.contains(event) && event["actor"]["id"] != ada.id, "{event}");
        }
    }
}

on_every_store! { with ["--events-retention", "40d", "--session-lifetime", "8760h", "--session-idle-timeout", "8760h"]
    async fn events_are_there_for_as_long_as_the_operator_says(app: TestApp) {
        let ada = app.person("ada").await;
        app.clock.advance(DAY * 39);
        app.token(&ada.email).await;
        let token = app.token(&ada.email).await;
        assert_eq!(app.kinds(&token).await, ["registered", "signed_in", "signed_in", "signed_in"]);
        app.clock.advance(DAY * 2);
        let token = app.token(&ada.email).await;
        let events = app.events(&token).await;
        assert_eq!(app.kinds(&token).await, ["signed_in"; 3]);
        expect_in_order(&events);
    }
}

on_every_store! { with ["--password-attempts", "none", "--password-attempts-per-address", "none"]
    async fn whoever_guesses_pushes_nothing_out(app: TestApp) {
        let ada = app.person("ada").await;
        for _ in 0..110 {
            app.sign_in(&ada.email, "a wrong one").await.refused(401, "invalid_credentials");
        }
        let expected = ["registered", "signed_in"].into_iter().chain(["sign_in_failed"; 100]).collect::<Vec<_>>();
        // They are noted behind the answers, so it takes a moment until the last of them are.
        let wait = async {
            loop {
                let all = app.all_events(&ada, 30).await;
                let kinds = all.iter().rev().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>();
                if kinds == expected {
                    return all;
                }
            }
        };
        expect_in_order(&timeout(Duration::from_secs(20), wait).await.expect("100 of them, and what was before"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_many_months_are_read_as_one_also_where_a_page_ends_between_them() {
    let app = TestApp::with(&["--events-retention", "8760h"]).await;
    let mut ada = app.person("ada").await;
    for _ in 0..10 {
        app.clock.advance(DAY * 31);
        ada.token = app.token(&ada.email).await;
    }
    let all = app.all_events(&ada, 100).await;
    expect_in_order(&all);
    assert_eq!(all.len(), 12, "registered, and signed in eleven times");
    for limit in 1..=12 {
        assert_eq!(app.all_events(&ada, limit).await, all, "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_of_1000_harmless_changes_in_a_month_the_latest_are_kept_and_they_push_nothing_else_out() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.delete("/v1/sessions?scope=others").bearer(&ada.token).send().await.expect(204);
    for number in 0..1005 {
        let body = json!({"name": format!("Ada {number}")});
        app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.expect(200);
    }
    let all = app.all_events(&ada, 100).await;
    expect_in_order(&all);
    assert_eq!(all.iter().map(|event| &event["id"]).collect::<HashSet<_>>().len(), 1002);
    let kinds = all.iter().rev().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(kinds[..2], ["registered", "signed_in"]);
    assert!(kinds[2..].iter().all(|kind| *kind == "user_updated"), "the oldest of the harmless ones have gone");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_of_a_deleted_account_its_id_and_who_deleted_it_are_kept_and_no_event() {
    let app = TestApp::redis_with(&["--session-lifetime", "8760h", "--session-idle-timeout", "8760h"]).await;
    let ada = app.person("ada").await;
    app.clock.advance(DAY * 300);
    app.sign_in(&ada.email, "a wrong one").await.refused(401, "invalid_credentials");
    let token = app.token(&ada.email).await;
    app.events_when(&token, "sign_in_failed", 1).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let logs = async || {
        let logs: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:*:{}:20??-??", ada.id)).await;
        logs.len()
    };
    let patch = json!({"name": "Ada"});
    app.patch("/v1/users/me").bearer(&token).json(&patch).send().await.expect(200);
    assert_eq!(
        logs().await,
        5,
        "of one month those of what happened and of sign-ins, of the other one all but the first"
    );
    app.check(false).await.expect_clean();
    app.delete("/v1/users/me").bearer(&token).send().await.expect(204);
    assert_eq!(logs().await, 0);
    let indexes: Vec<String> = command(&client, "KEYS latchkey:{b*}:index:deleted").await;
    let [index] = indexes.as_slice() else { panic!("{indexes:?}") };
    let kept: Vec<String> = command(&client, &format!("ZRANGE {index} 0 -1")).await;
    assert_eq!(kept, [format!("{} user:{}", ada.id, ada.id)]);
    assert_eq!(command::<i64>(&client, &format!("TTL {index}")).await, -1, "it is kept for good");
    let checked = app.check(false).await;
    checked.expect_clean();
    assert_eq!(checked.summary["checked"]["unknown_keys"], 0, "{}", checked.text);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_accounts_that_were_deleted_in_the_same_moment_are_listed_once_each() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    let client = app.redis.as_ref().unwrap().client().await;
    let indexes: Vec<String> = command(&client, "KEYS latchkey:{b*}:index:deleted").await;
    let mut ids = vec![ada.id.clone()];
    for number in 0..20 {
        let id = format!("019815f2-4c1e-7cc3-9a52-{number:012}");
        let words = vec![indexes[0].clone(), "1700000000000".to_owned(), format!("{id} user:{id}")];
        let zadd = client.custom::<i64, _>(CustomCommand::new("ZADD", None, false), words);
        assert_eq!(Box::pin(zadd).await.unwrap(), 1);
        ids.push(id);
    }
    ids[1..].sort_by(|a, b| b.cmp(a));
    for limit in [1, 2, 3, 7, 19, 20, 21, 22] {
        let (listed, pages) = app.all_pages(&format!("/v1/admin/deletions?limit={limit}")).await;
        let listed = listed.iter().map(|deletion| deletion["user_id"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(listed, ids, "{limit}");
        assert_eq!(pages, listed.chunks(limit).map(<[_]>::len).collect::<Vec<_>>(), "{limit}");
    }
    app.stop().await;
}

on_every_store! {
    async fn everything_that_is_kept_of_a_person_is_exported_and_no_secret(app: TestApp) {
        let ada = app.verified("ada").await;
        let letter = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await;
        app.letter_of(&ada.email, app.confirm(json!({"token": letter.token()}))).await;
        app.letter_of("next@example.com", app.want_email(&ada, "next@example.com")).await;
        let body = json!({"name": "Ada", "metadata": {"plan": "pro"}});
        app.patch("/v1/users/me").bearer(&ada.token).json(&body).send().await.expect(200);
        let phone = app.token("new@example.com").await;
        let bob = app.person("bob").await;

        let export = app.get("/v1/users/me/export").bearer(&ada.token).send().await.expect(200).body;
        assert_eq!(export["user"], app.me(&ada.token).await.body);
        assert_eq!(export["former_email"], "ada@example.com");
        assert_eq!(export["suspended_at"], json!(null));
        assert!(export["last_sign_in_at"].is_string());
        let sessions = export["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), 2);
        assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
        let mut confirmable = export["confirmations"].as_array().unwrap().clone();
        confirmable.sort_by_key(|found| found["purpose"].to_string());
        let found = confirmable.iter().map(|found| (&found["purpose"], &found["email"])).collect::<Vec<_>>();
        let expected = [("undo", "ada@example.com"), ("verification", "next@example.com")].map(|(a, b)| (json!(a), json!(b)));
        assert_eq!(found, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
        assert_eq!(export["events"]["items"].as_array().unwrap(), &app.events(&ada.token).await);
        assert_eq!(export["events"]["next_cursor"], json!(null));
        let text = export.to_string();
        for secret in [PASSWORD, "argon2", "digest", &letter.token(), &ada.token, &ada.refresh_token, &phone, &bob.id] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
