//! What is damaged in the store keeps no session and no API key alive.

use std::time::Duration;

use latchkey::accounts::Clock;
use serde_json::json;

use crate::{
    check::{bucket, service},
    redis_server::command,
    support::{PASSWORD, Person, TestApp},
};

impl TestApp {
    /// Puts a text in the place of every key that this pattern finds, and answers how many they are.
    async fn overwrite(&self, pattern: &str) -> usize {
        let client = self.redis.as_ref().unwrap().client().await;
        let keys: Vec<String> = command(&client, &format!("KEYS {pattern}")).await;
        for key in &keys {
            let _: () = command(&client, &format!("SET {key} text")).await;
        }
        keys.len()
    }

    /// Overwrites the logs of a person.
    async fn overwrite_logs(&self, person: &Person) {
        let bucket = bucket(&person.id);
        for log in ["events", "sign-ins", "changes"] {
            self.damage(&person.id, &format!("RPUSH {bucket}:{log}:ID:MONTH text").replace("MONTH", &self.month()))
                .await;
            assert!(self.overwrite(&format!("{bucket}:{log}:{}:*", person.id)).await > 0);
        }
    }

    fn month(&self) -> String {
        self.clock.now().to_string()[..7].to_owned()
    }

    /// One more session of somebody.
    async fn person_again(&self, person: &Person) -> Person {
        self.signed_in(&json!({"id": person.id, "email": person.email})).await
    }

    async fn is_out(&self, token: &str) {
        self.me(token).await.refused(401, "token_invalid");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_damaged_log_keeps_no_session_alive() {
    let (app, ada) = service().await;
    app.overwrite_logs(&ada).await;
    app.delete("/v1/sessions/current").bearer(&ada.token).send().await.expect(204);
    app.is_out(&ada.token).await;

    let ada = app.person_again(&ada).await;
    let next = app.refresh(&ada.refresh_token).await.expect(200).body["access_token"].as_str().unwrap().to_owned();
    app.clock.advance(Duration::from_secs(10));
    app.refresh(&ada.refresh_token).await.refused(401, "refresh_token_reused");
    app.is_out(&next).await;

    let (ada, other) = (app.person_again(&ada).await, app.token("ada").await);
    let patch = json!({"password": "another password", "current_password": PASSWORD});
    app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
    app.is_out(&other).await;
    app.me(&ada.token).await.expect(200);

    let said = app.operator("users suspend ada").await;
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    app.is_out(&ada.token).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_damaged_log_keeps_no_api_key_alive() {
    let (app, ada) = service().await;
    let (id, key) = app.api_key("").await;
    app.introspect(&key, &ada.token).await.expect(200);
    assert_eq!(app.overwrite("latchkey:{api-keys}:events:*").await, 1);
    let said = app.operator(&format!("api-keys revoke {id}")).await;
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    app.introspect(&key, &ada.token).await.refused(401, "api_key_invalid");
    app.stop().await;
}

/// In the index of all API keys, as in a person's of their sessions, nothing can be written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_damaged_index_keeps_no_session_and_no_api_key_alive() {
    let (app, ada) = service().await;
    let index = format!("{}:sessions:{}", bucket(&ada.id), ada.id);
    let mut people = vec![ada];
    for _ in 0..3 {
        people.push(app.person_again(&people[0]).await);
    }
    let (id, key) = app.api_key("").await;
    let tokens = people.iter().map(|person| person.token.clone()).collect::<Vec<_>>();
    let next = app.refresh(&people[1].refresh_token).await.expect(200);
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(app.overwrite(&index).await, 1);

    app.delete("/v1/sessions/current").bearer(&tokens[0]).send().await.expect(204);
    app.is_out(&tokens[0]).await;
    app.refresh(&people[1].refresh_token).await.refused(401, "refresh_token_reused");
    app.is_out(next.body["access_token"].as_str().unwrap()).await;
    app.delete("/v1/sessions?scope=all").bearer(&tokens[2]).send().await.expect(204);
    app.is_out(&tokens[2]).await;
    app.is_out(&tokens[3]).await;
    let said = app.operator("users suspend ada").await;
    assert_eq!(said.status.code(), Some(0), "{said:?}");

    assert_eq!(app.overwrite("latchkey:{api-keys}:index:created").await, 1);
    let said = app.operator(&format!("api-keys revoke {id}")).await;
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    app.introspect(&key, &tokens[0]).await.refused(401, "api_key_invalid");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_entry_that_is_no_session_holds_nobody_up_and_goes_with_the_next_sign_in() {
    let (app, ada) = service().await;
    let other = app.token("ada").await;
    let strange = (0..25).map(|number| format!(" 7 long-ago-{number} 4000000000000 somewhere-{number}"));
    assert_eq!(app.damage(&ada.id, &format!("ZADD BUCKET:sessions:ID{}", strange.collect::<String>())).await, 50);
    // Nobody writes ids like that, and what seems to have expired is no session that lives.
    let sessions = app.get("/v1/sessions").bearer(&ada.token).send().await.expect(200).body;
    let current = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    let in_capitals = current["id"].as_str().unwrap().to_uppercase();
    assert_eq!(app.damage(&ada.id, &format!("ZADD BUCKET:sessions:ID 1 {in_capitals}")).await, 1);
    for path in ["/v1/sessions", "/v1/users/me/export"] {
        app.get(path).bearer(&ada.token).send().await.expect(200);
    }
    app.delete("/v1/sessions?scope=others").bearer(&ada.token).send().await.expect(204);
    app.is_out(&other).await;
    // Some of those that seem to have expired go at once, and the rest with the next one.
    let (_, token) = (app.token("ada").await, app.token("ada").await);
    assert_eq!(app.damage(&ada.id, "ZCARD BUCKET:sessions:ID").await, 3);
    let sessions = app.get("/v1/sessions").bearer(&token).send().await.expect(200).body;
    assert_eq!(sessions["items"].as_array().unwrap().len(), 3);
    app.check(false).await.expect_clean();
    app.stop().await;
}

/// Nobody knows which sessions somebody has: they end since their epoch is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_sessions_that_their_index_has_lost_end_with_the_others() {
    let (app, ada) = service().await;
    let lost = async || {
        let other = app.token("ada").await;
        let ada = app.person_again(&ada).await;
        assert_eq!(app.damage(&ada.id, "DEL BUCKET:sessions:ID").await, 1);
        (ada.token, other)
    };
    let (token, other) = lost().await;
    app.delete("/v1/sessions?scope=others").bearer(&token).send().await.expect(204);
    app.is_out(&other).await;
    app.me(&token).await.expect(200);

    let (token, other) = lost().await;
    app.delete("/v1/sessions?scope=all").bearer(&token).send().await.expect(204);
    app.is_out(&other).await;
    app.is_out(&token).await;

    let (token, other) = lost().await;
    let patch = json!({"password": "another password", "current_password": PASSWORD});
    app.patch("/v1/users/me").bearer(&token).json(&patch).send().await.expect(200);
    app.is_out(&other).await;
    app.me(&token).await.expect(200);

    let letter = app.letter_of(&ada.email, app.request_reset(&ada.email)).await;
    assert_eq!(app.damage(&ada.id, "DEL BUCKET:sessions:ID").await, 1);
    app.reset(json!({"token": letter.token()}), PASSWORD).await.expect(204);
    app.is_out(&token).await;

    let (token, other) = lost().await;
    app.admin("DELETE", &format!("/v1/admin/users/{}/sessions", ada.id)).await.send().await.expect(204);
    app.is_out(&other).await;
    app.is_out(&token).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_sessions_that_their_index_has_lost_end_when_a_change_of_address_is_undone() {
    let app = TestApp::redis().await;
    let (ada, undo) = app.somebody_moved("ada", "new").await;
    assert_eq!(app.damage(&ada.id, "DEL BUCKET:sessions:ID").await, 1);
    app.undo(&undo).await.expect(204);
    app.is_out(&ada.token).await;
    app.stop().await;
}
