//! What holds when many things happen at once.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{PASSWORD, TestApp, on_every_store};

/// How often each status and code was answered.
fn tally(answers: &[crate::support::Answer]) -> BTreeMap<(u16, &str), usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        *tally.entry((answer.status, answer.body["code"].as_str().unwrap_or(""))).or_default() += 1;
    }
    tally
}

on_every_store! {
    async fn of_200_registrations_of_one_address_one_wins(app: TestApp) {
        let answers = join_all((0..200).map(|_| app.register("ada"))).await;
        assert_eq!(tally(&answers), BTreeMap::from([((201, ""), 1), ((409, "email_taken"), 199)]));
        let id = &answers.iter().find(|answer| answer.status == 201).unwrap().body["id"];
        assert_eq!(app.sign_in("ada@example.com", PASSWORD).await.expect(201).body["user"]["id"], *id);
    }

    async fn of_many_registrations_of_one_username_one_wins(app: TestApp) {
        let answers = join_all((0..50).map(|n| async move {
            let body = json!({"email": format!("p{n}@example.com"), "password": PASSWORD, "username": "ada"});
            app.post("/v1/users").json(&body).send().await
        }));
        let tally = answers.await.iter().fold(BTreeMap::new(), |mut tally, answer| {
            *tally.entry(answer.status).or_insert(0) += 1;
            tally
        });
        assert_eq!(tally, BTreeMap::from([(201, 1), (409, 49)]));
    }

    async fn of_parallel_changes_with_if_match_one_wins(app: TestApp) {
        let ada = app.person("ada").await;
        let answers = join_all((0..20).map(|n| {
            let request = app.patch("/v1/users/me").bearer(&ada.token).header("If-Match", "\"1\"");
            request.json(&json!({"name": format!("name {n}")})).send()
        }));
        let answers = answers.await;
        assert_eq!(tally(&answers), BTreeMap::from([((200, ""), 1), ((412, "version_mismatch"), 19)]));
        let won = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(app.me(&ada.token).await.body, won.body);
    }

    async fn parallel_changes_of_different_fields_lose_none(app: TestApp) {
        let ada = app.person("ada").await;
        let answers = join_all((0..20).map(|n| {
            let patch = json!({"metadata": Map::from_iter([(format!("field{n}"), json!(n))])});
            let request = app.patch("/v1/users/me").bearer(&ada.token).json(&patch);
            request.send()
        }));
        for answer in answers.await {
            answer.expect(200);
        }
        let me = app.me(&ada.token).await;
        assert_eq!(me.body["metadata"].as_object().unwrap().len(), 20);
        assert_eq!(me.header("etag"), "\"21\"");
    }

    async fn people_racing_for_one_address_leave_one_owner(app: TestApp) {
        let people = join_all((0..6).map(|n| async move { app.person(&format!("p{n}")).await })).await;
        let patch = json!({"email": "wanted@example.com", "current_password": PASSWORD});
        let changes = join_all(people.iter().map(|p| app.patch("/v1/users/me").bearer(&p.token).json(&patch).send()));
        let (changes, registration) = tokio::join!(changes, app.register("wanted"));
        let won = changes.iter().filter(|answer| answer.status == 200).count() + usize::from(registration.status == 201);
        assert_eq!(won, 1, "{changes:?} {registration:?}");
        let owner = app.sign_in("wanted@example.com", PASSWORD).await.expect(201);
        assert_eq!(owner.body["user"]["email"], "wanted@example.com");
        for person in people {
            let me = app.me(&person.token).await.expect(200).body;
            let own = me["email"] == person.email.as_str();
            assert!(own || me["id"] == owner.body["user"]["id"], "{me}");
            app.sign_in(me["email"].as_str().unwrap(), PASSWORD).await.expect(201);
        }
    }

    async fn deleting_races_with_changes_and_sign_ins_and_leaves_nothing(app: TestApp) {
        for round in 0..10 {
            let ada = app.person(&format!("ada{round}")).await;
            let changes = join_all((0..5).map(|n| {
                app.patch("/v1/users/me").bearer(&ada.token).json(&json!({"name": format!("{n}")})).send()
            }));
            let sign_ins = join_all((0..5).map(|_| app.sign_in(&ada.email, PASSWORD)));
            let delete = app.delete("/v1/users/me").bearer(&ada.token).send();
            let (changes, sign_ins, deleted) = tokio::join!(changes, sign_ins, delete);
            deleted.expect(204);
            assert!(changes.iter().all(|answer| matches!(answer.status, 200 | 401)), "{changes:?}");
            assert!(sign_ins.iter().all(|answer| matches!(answer.status, 201 | 401)), "{sign_ins:?}");
            for answer in sign_ins.iter().filter(|answer| answer.status == 201) {
                app.me(answer.body["access_token"].as_str().unwrap()).await.refused(401, "token_invalid");
            }
            app.me(&ada.token).await.refused(401, "token_invalid");
            app.register(&format!("ada{round}")).await.expect(201);
        }
    }

    async fn a_sign_in_that_races_with_a_new_password_does_not_outlive_it(app: TestApp) {
        for round in 0..10 {
            let ada = app.person(&format!("ada{round}")).await;
            let patch = json!({"password": "a new password", "current_password": PASSWORD});
            let change = app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send();
            let sign_ins = join_all((0..5).map(|_| app.sign_in(&ada.email, PASSWORD)));
            let (change, sign_ins) = tokio::join!(change, sign_ins);
            change.expect(200);
            for answer in sign_ins {
                if answer.status == 201 {
                    let token = answer.body["access_token"].as_str().unwrap();
                    app.me(token).await.refused(401, "token_invalid");
                } else {
                    answer.refused(401, "invalid_credentials");
                }
            }
        }
    }

    async fn signing_out_everywhere_races_with_itself(app: TestApp) {
        let ada = app.person("ada").await;
        let tokens = join_all((0..5).map(|_| app.token(&ada.email))).await;
        let ends = tokens.iter().map(|token| app.delete("/v1/sessions?scope=others").bearer(token).send());
        let answers = join_all(ends).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 204 | 401)), "{answers:?}");
        let mut alive = 0;
        for token in tokens {
            alive += u32::from(app.me(&token).await.status == 200);
        }
        assert_eq!(alive, 1, "{answers:?}");
    }

    async fn a_request_cut_off_in_the_middle_leaves_all_or_nothing(app: TestApp) {
        for attempt in 0..30u64 {
            let who = format!("ada{attempt}");
            let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD, "username": who}).to_string();
            let sent = if attempt % 3 == 0 { &body[..body.len() / 2] } else { &body };
            cut_off(app, &body, sent, Duration::from_micros(attempt * 150)).await;
            // Whatever was begun runs to its end by itself; then the account is there, whole, or nothing of it is.
            let signed_in = settle(app, &format!("{who}@example.com")).await;
            let registered = app.post("/v1/users").header("content-type", "application/json").body(body).send().await;
            match signed_in {
                Some(user) => {
                    assert_eq!((&user["username"], registered.status), (&json!(who), 409), "{registered:?}");
                    assert_eq!(app.sign_in(&who, PASSWORD).await.expect(201).body["user"], user);
                }
                // Or it has come to be there in this moment.
                None if registered.status == 409 => drop(settle(app, &who).await.expect("the account comes to be there")),
                None => drop(registered.expect(201)),
            }
        }
    }
}

/// Sends a registration, or a part of it, and hangs up.
async fn cut_off(app: &TestApp, whole: &str, sent: &str, after: Duration) {
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        whole.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    tokio::time::sleep(after).await; // the moment of the cut is what this is about
}

/// The user, if they are there or come to be there soon: as many attempts are made as a login has.
async fn settle(app: &TestApp, login: &str) -> Option<Value> {
    for pause in [0, 40, 80, 160, 320] {
        tokio::time::sleep(Duration::from_millis(pause)).await; // the pace of the asking
        let answer = app.sign_in(login, PASSWORD).await;
        if answer.status == 201 {
            return Some(answer.body["user"].clone());
        }
    }
    None
}
