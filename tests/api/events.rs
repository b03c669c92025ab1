//! `/v1/users/me/events`: each act leaves its event, with who, when, from where and in which session.

use std::time::Duration;

use latchkey::accounts::Clock;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    redis_server::command,
    support::{NEW_PASSWORD, PASSWORD, TestApp, on_every_store},
};

impl TestApp {
    /// The latest events of somebody, the latest first.
    pub async fn events(&self, token: &str) -> Vec<Value> {
        let list = self.get("/v1/users/me/events?limit=100").bearer(token).send().await.expect(200).body;
        list["items"].as_array().unwrap().clone()
    }

    /// The kinds of those, the first first.
    pub async fn kinds(&self, token: &str) -> Vec<String> {
        let events = self.events(token).await;
        events.iter().rev().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Those events, as soon as there are so many of a kind.
    pub async fn events_when(&self, token: &str, kind: &str, count: usize) -> Vec<Value> {
        let wait = async {
            loop {
                let events = self.events(token).await;
                if events.iter().filter(|event| event["kind"] == kind).count() == count {
                    return events;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.expect("the events")
    }
}

/// The only event of this kind.
#[track_caller]
fn only<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let mut found = events.iter().filter(|event| event["kind"] == kind);
    let event = found.next().unwrap_or_else(|| panic!("no {kind} in {events:?}"));
    assert!(found.next().is_none(), "{kind} more than once in {events:?}");
    event
}

fn session_of(answer: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&answer["session"]["id"]), text(&answer["access_token"]))
}

on_every_store! {
    async fn each_act_leaves_an_event_with_who_when_where_and_in_which_session(app: TestApp) {
        let begin = app.clock.now();
        let ada = app.person("ada").await;
        let own = app.get("/v1/sessions").bearer(&ada.token).send().await.body["items"][0]["id"].clone();
        let me = |body: Value| app.patch("/v1/users/me").bearer(&ada.token).json(&body).send();
        me(json!({"name": "Ada", "locale": "de", "username": "ada"})).await.expect(200);
        me(json!({"name": "Ada"})).await.expect(200);
        let again = app.post("/v1/sessions/current/reauthenticate").bearer(&ada.token);
        again.json(&json!({"current_password": PASSWORD})).send().await.expect(200);
        let (other, _) = session_of(&app.sign_in("ada", PASSWORD).await.expect(201).body);
        app.delete(&format!("/v1/sessions/{other}")).bearer(&ada.token).send().await.expect(204);
        let (left, token) = session_of(&app.sign_in("ada", PASSWORD).await.expect(201).body);
        app.delete("/v1/sessions/current").bearer(&token).send().await.expect(204);
        let (revoked, token) = session_of(&app.sign_in("ada", PASSWORD).await.expect(201).body);
        app.post("/v1/tokens/revoke").form(&format!("token={token}")).send().await.expect(200);
        app.delete("/v1/sessions?scope=others").bearer(&ada.token).send().await.expect(204);
        me(json!({"password": NEW_PASSWORD, "current_password": PASSWORD})).await.expect(200);
        me(json!({"email": "new@example.com", "current_password": NEW_PASSWORD})).await.expect(200);

        let events = app.events(&ada.token).await;
        let sign_in = "signed_in";
        let kinds = events.iter().rev().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(kinds, [
            "registered", sign_in, "user_updated", "reauthenticated", sign_in, "session_ended", sign_in, "signed_out",
            sign_in, "signed_out", "sessions_ended", "password_changed", "email_changed",
        ]);
        let end = app.clock.now();
        let user = json!({"type": "user", "id": ada.id});
        for event in &events {
            let at = event["at"].as_str().unwrap().parse().unwrap();
            assert!(begin <= at && at <= end, "{event}");
            assert_eq!(event["ip_address"], "127.0.0.1", "{event}");
            let is_first = event["kind"] == "registered";
            assert_eq!(event["actor"], if is_first { json!({"type": "anonymous", "id": null}) } else { user.clone() });
        }
        let session = |number: usize| events[events.len() - 1 - number]["session_id"].clone();
        assert_eq!(session(0), json!(null));
        for number in [1, 2, 3, 5, 10, 11, 12] {
            assert_eq!(session(number), own, "{number}");
        }
        assert_eq!([4, 6, 7, 8, 9].map(session), [other.clone(), left.clone(), left, revoked.clone(), revoked]);
        let details = |kind| only(&events, kind)["details"].clone();
        assert_eq!(details("user_updated"), json!({"fields": ["username", "name", "locale"]}));
        assert_eq!(details("session_ended"), json!({"session_id": other}));
        assert_eq!(details("sessions_ended"), json!({"scope": "others"}));
        assert_eq!(details("password_changed"), json!({}));
    }

    async fn a_refresh_token_that_comes_again_leaves_an_event(app: TestApp) {
        let ada = app.person("ada").await;
        let stolen = app.refresh(&ada.refresh_token).await.expect(200).body["session"]["id"].clone();
        app.clock.advance(Duration::from_secs(11));
        app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_reused");
        let events = app.events(&app.token(&ada.email).await).await;
        let event = only(&events, "refresh_token_reused");
        assert_eq!(event["details"], json!({"session_id": stolen}));
        assert_eq!(event["actor"], json!({"type": "anonymous", "id": null}), "nobody knows whose it was");
        assert_eq!((&event["ip_address"], &event["session_id"]), (&json!("127.0.0.1"), &json!(null)));
    }

    async fn what_is_confirmed_by_letters_leaves_its_event(app: TestApp) {
        let ada = app.verified("ada").await;
        let letter = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await;
        app.want_email(&ada, &ada.email).await.expect(200);
        let again = app.letter_of("new@example.com", app.want_email(&ada, "new@example.com")).await;
        app.confirm(json!({"token": letter.token()})).await.refused(403, "confirmation_invalid");
        let told = app.letter_of(&ada.email, app.confirm(json!({"token": again.token()}))).await;
        let reset = app.letter_of(&ada.email, app.undo(&told.token())).await;
        app.reset(json!({"token": reset.token()}), NEW_PASSWORD).await.expect(204);
        let token = app.person_with(&ada.email, NEW_PASSWORD).await.token;
        assert_eq!(app.kinds(&token).await, [
            "registered", "email_verified", "signed_in", "email_change_requested", "user_updated",
            "email_change_requested", "email_changed", "email_change_undone", "password_reset", "signed_in",
        ]);
        let events = app.events(&token).await;
        assert_eq!(only(&events, "user_updated")["details"], json!({"fields": ["pending_email"]}));
        assert_eq!(only(&events, "password_reset")["actor"]["type"], "anonymous");
        assert!(!json!(events).to_string().contains("example.com"), "{events:?}");
    }

    async fn a_wrong_password_leaves_an_event_where_there_is_somebody(app: TestApp) {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        app.sign_in(&ada.email, "a wrong one").await.refused(401, "invalid_credentials");
        app.sign_in("nobody@example.com", "a wrong one").await.refused(401, "invalid_credentials");
        let again = app.post("/v1/sessions/current/reauthenticate").bearer(&ada.token);
        again.json(&json!({"current_password": "a wrong one"})).send().await.refused(403, "current_password_incorrect");
        let events = app.events_when(&ada.token, "sign_in_failed", 1).await;
        let event = only(&events, "sign_in_failed");
        assert_eq!((&event["actor"]["type"], &event["ip_address"]), (&json!("anonymous"), &json!("127.0.0.1")));
        let events = app.events_when(&ada.token, "reauthentication_failed", 1).await;
        assert_eq!(only(&events, "reauthentication_failed")["actor"], json!({"type": "user", "id": ada.id}));
        assert_eq!(app.kinds(&bob.token).await, ["registered", "signed_in"]);
    }

    async fn a_change_that_is_refused_leaves_no_event(app: TestApp) {
        let ada = app.person("ada").await;
        app.register("bob").await.expect(201);
        let patch = |body: Value| app.patch("/v1/users/me").bearer(&ada.token).json(&body);
        patch(json!({"name": "A"})).header("if-match", "\"7\"").send().await.refused(412, "version_mismatch");
        let taken = json!({"email": "bob@example.com", "current_password": PASSWORD});
        patch(taken).send().await.refused(409, "email_taken");
        app.delete("/v1/sessions/019815f2-4c1e-7cc3-9a52-3f6b0c7d9e10").bearer(&ada.token).send().await.expect(404);
        // Two that are in each other's way leave one event each, however often they are tried.
        let names = (0..8).map(|number| patch(json!({"name": format!("Ada {number}")})).send());
        let answers = futures_util::future::join_all(names).await;
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        let kinds = app.kinds(&ada.token).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "user_updated").count(), done);
        assert_eq!(kinds.len(), done + 2, "{kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_what_an_operator_does_is_in_the_trail_of_whom_it_is_done_to() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    for arguments in [
        "grant ada@example.com --role editor --permission posts:write",
        "revoke ada@example.com --role editor",
        "suspend ada@example.com",
        "suspend ada@example.com",
        "unsuspend ada@example.com",
    ] {
        assert!(app.operator(&format!("users {arguments}")).await.status.success(), "{arguments}");
    }
    let events = app.events(&app.token(&ada.email).await).await;
    let by_operator = events.iter().rev().filter(|event| event["actor"] == json!({"type": "operator", "id": null}));
    let mut found = by_operator.map(|event| (event["kind"].as_str().unwrap(), &event["details"])).collect::<Vec<_>>();
    found[..2].sort_by_key(|(kind, _)| *kind); // both are of one change, and so of one time
    let expected = [
        ("permissions_changed", &json!({"added": ["posts:write"], "removed": []})),
        ("roles_changed", &json!({"added": ["editor"], "removed": []})),
        ("roles_changed", &json!({"added": [], "removed": ["editor"]})),
        ("suspended", &json!({"until": null})),
        ("unsuspended", &json!({})),
    ];
    assert_eq!(found, expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_failed_sign_ins_of_known_and_unknown_people_are_counted_alike() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    for login in [&ada.email, "nobody@example.com", "nobody", "?"] {
        app.sign_in(login, "a wrong one").await.refused(401, "invalid_credentials");
    }
    let client = app.redis.as_ref().unwrap().client().await;
    let count = async || {
        let mut count = 0;
        for key in command::<Vec<String>>(&client, "KEYS latchkey:{b*}:day:*").await {
            count += command::<Option<i64>>(&client, &format!("HGET {key} sign_in_failures")).await.unwrap_or(0);
        }
        count
    };
    let wait = async {
        while count().await < 4 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("the count");
    assert_eq!(count().await, 4);
    let logs: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:failures:{}:*", ada.id)).await;
    assert_eq!(logs.len(), 1, "{logs:?}");
    // The same work is done for a login that nobody has, and what it leaves is gone soon.
    let mut lines = 0;
    for log in command::<Vec<String>>(&client, "KEYS latchkey:{b*}:failures:nobody").await {
        lines += command::<i64>(&client, &format!("LLEN {log}")).await;
        assert!((1..2 * 60 * 60).contains(&command::<i64>(&client, &format!("TTL {log}")).await));
    }
    assert_eq!(lines, 3);
    let checked = app.check(false).await;
    checked.expect_clean();
    assert_eq!(checked.summary["checked"]["unknown_keys"], 0, "{}", checked.text);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_full_store_takes_no_act_and_no_event_and_signs_out_without_one() {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let other = app.token(&ada.email).await;
    let before = app.kinds(&ada.token).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let _: () = command(&client, "CONFIG SET maxmemory 1").await;
    app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": "A"})).send().await.refused(503, "store_full");
    app.delete("/v1/sessions/current").bearer(&other).send().await.expect(204);
    app.me(&other).await.refused(401, "token_invalid");
    let _: () = command(&client, "CONFIG SET maxmemory 0").await;
    assert_eq!(app.kinds(&ada.token).await, before);
    app.stop().await;
}
