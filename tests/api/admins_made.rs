//! Who becomes an administrator, by what, and who counts as one.

use std::{sync::Arc, time::Duration};

use latchkey::accounts::{Authority, EmailAddress, Error, Grants, NewAccount, UserId, VersionMatch};
use serde_json::{Value, json};

use crate::{
    redis_server::command,
    support::{NEW_PASSWORD, TestApp, line},
};

fn admin() -> Grants {
    Grants::new(["admin".parse().unwrap()].into(), [].into()).unwrap()
}

impl TestApp {
    /// The roles that somebody's trail says were added, the latest first.
    async fn roles_added(&self, id: &str) -> Vec<Value> {
        let path = format!("/v1/admin/users/{id}/events");
        let events = self.admin("GET", &path).await.send().await.expect(200).body;
        let events = events["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "roles_changed");
        events.map(|event| event["details"]["added"].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_only_giving_the_role_makes_an_administrator_and_stands_in_the_trail() {
    let app = TestApp::redis().await;
    let ada = app.granted("ada", "--role admin").await;
    let bob = app.person("bob").await;
    let client = app.redis.as_ref().unwrap().client().await;
    let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:user:{}", bob.id)).await;
    assert_eq!(command::<i64>(&client, &format!("HSET {} roles admin", keys[0])).await, 1);
    let is_admin = async |token: &str| app.get("/v1/admin/roles").bearer(token).send().await.status == 200;
    for words in
        ["unsuspend bob@example.com", "grant bob@example.com --permission x", "revoke bob@example.com --role y"]
    {
        assert!(app.operator(&format!("users {words}")).await.status.success());
        assert!(!is_admin(&bob.token).await, "{words}");
    }
    assert!(line(&app.operator("users suspend ada@example.com").await, 1).contains("nobody else"));
    let path = format!("/v1/admin/users/{}/grants", bob.id);
    let change = async |grants: Value| app.patch(&path).bearer(&ada.token).json(&grants).send().await;
    change(json!({"permissions": []})).await.expect(200);
    assert!(!is_admin(&bob.token).await && app.roles_added(&bob.id).await.is_empty());
    change(json!({"roles": ["admin"]})).await.expect(200);
    assert!(is_admin(&bob.token).await);
    assert_eq!(app.roles_added(&bob.id).await, [json!(["admin"])]);
    let made = app.operator("users create c@example.com --role admin --json").await;
    let made = serde_json::from_slice::<Value>(&made.stdout).unwrap();
    assert_eq!(app.roles_added(made["id"].as_str().unwrap()).await, [json!(["admin"])]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_last_administrator_who_can_sign_in_stays_one() {
    let app = TestApp::redis().await;
    let ada = app.granted("ada", "--role admin").await;
    assert!(app.operator("users create eve@example.com --role admin --invite").await.status.success());
    let letter = app.letter("eve@example.com").await;
    app.delete("/v1/users/me").bearer(&ada.token).send().await.refused(409, "last_admin");
    app.reset(json!({"token": letter.token()}), NEW_PASSWORD).await.expect(204);
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    app.stop().await;

    let app = TestApp::redis_with(&["--require-verification"]).await;
    let ada = app.verified("ada").await;
    let bob = app.verified("bob").await;
    for id in [&ada.id, &bob.id] {
        assert!(app.operator(&format!("users grant {id} --role admin")).await.status.success());
    }
    let path = format!("/v1/admin/users/{}", bob.id);
    let change = async |is: bool| app.patch(&path).bearer(&ada.token).json(&json!({"email_verified": is})).send().await;
    change(false).await.expect(200);
    app.delete("/v1/users/me").bearer(&ada.token).send().await.refused(409, "last_admin");
    change(true).await.expect(200);
    app.delete("/v1/users/me").bearer(&ada.token).send().await.expect(204);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_nobody_becomes_an_administrator_while_suspended() {
    let app = TestApp::redis().await;
    let (ada, bob) = (app.granted("ada", "--role admin").await, app.person("bob").await);
    assert!(app.operator("users suspend bob@example.com").await.status.success());
    assert!(line(&app.operator("users grant bob@example.com --role admin").await, 1).contains("suspended"));
    let path = format!("/v1/admin/users/{}/grants", bob.id);
    let change = app.patch(&path).bearer(&ada.token).json(&json!({"roles": ["admin"]}));
    change.send().await.refused(409, "user_suspended");
    assert_eq!(app.stored_user(&bob.id).await.get("roles"), None);
    app.stop().await;
}

/// A client hangs up at any moment: whoever was struck off the list has lost the role too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_client_that_hangs_up_leaves_nobody_with_the_role_who_is_none() {
    let app = TestApp::redis().await;
    let (_ada, bob) = (app.granted("ada", "--role admin").await, app.granted("bob", "--role admin").await);
    let (accounts, id) = (Arc::new(app.accounts().await), bob.id.parse::<UserId>().unwrap());
    let by = Authority::operator();
    for round in 0..60 {
        let moment = Duration::from_micros(100 * round);
        let _ = tokio::time::timeout(moment, accounts.revoke(&by, id, &admin())).await;
        let is_settled = async || {
            let has_role = app.me(&bob.token).await.expect(200).body["roles"] == json!(["admin"]);
            has_role == (app.get("/v1/admin/roles").bearer(&bob.token).send().await.status == 200)
        };
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        while !is_settled().await {
            assert!(tokio::time::Instant::now() < deadline, "round {round}");
        }
        accounts.set_grants(&by, id, Some(admin().roles()), None, &VersionMatch::Any).await.unwrap();
    }
    app.stop().await;
}

/// Of two changes that go on from the same version one is refused, whatever it has done with the list by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_change_that_is_refused_leaves_the_list_as_it_was() {
    let app = TestApp::redis().await;
    let (_ada, bob) = (app.granted("ada", "--role admin").await, app.person("bob").await);
    let [first, second] = [app.accounts().await, app.accounts().await].map(Arc::new);
    let (by, id, client) = (Authority::operator(), bob.id.parse().unwrap(), app.redis.as_ref().unwrap().client().await);
    let (mut refused, mut is_given) = ([[0; 2]; 2], false);
    for round in 0.. {
        if round >= 20 && refused.concat().iter().all(|count| *count > 0) {
            break;
        }
        assert!(round < 500, "each of them is refused at times, with the role and without it: {refused:?}");
        let version = app.me(&bob.token).await.header("etag").trim_matches('"').parse().unwrap();
        let expected = VersionMatch::OneOf(vec![version]);
        let roles = if is_given { [].into() } else { admin().roles().clone() };
        let permissions = [format!("p{round}").parse().unwrap()].into();
        let (roles, permissions) = tokio::join!(first.set_grants(&by, id, Some(&roles), None, &expected), async {
            tokio::time::sleep(Duration::from_millis(round % 20)).await; // the moment of the other change
            second.set_grants(&by, id, None, Some(&permissions), &expected).await
        });
        let outcomes = [roles, permissions].map(|outcome| match outcome {
            Ok(_) => true,
            Err(Error::VersionMismatch) => false,
            Err(e) => panic!("{e}"),
        });
        assert_ne!(outcomes[0], outcomes[1], "round {round}");
        refused[usize::from(is_given)][usize::from(outcomes[0])] += 1;
        is_given ^= outcomes[0];
        let listed: Option<String> = command(&client, &format!("HGET latchkey:{{meta}}:admins {}", bob.id)).await;
        assert_eq!(listed.as_ref(), app.stored_user(&bob.id).await.get("admin_op"), "round {round}");
        let status = app.get("/v1/admin/roles").bearer(&bob.token).send().await.status;
        assert_eq!(status == 200, is_given, "round {round}");
    }
    app.check(false).await.expect_clean();
    app.stop().await;
}

/// What changes that were cut off have left on the list makes room for somebody who is promoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_entries_of_nobody_do_not_fill_the_list() {
    let app = TestApp::redis().await;
    let ada = app.granted("ada", "--role admin").await;
    let client = app.redis.as_ref().unwrap().client().await;
    for n in 0..100 {
        let entry = format!("HSET latchkey:{{meta}}:admins 0190a000-0000-7000-8000-{n:012} AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(command::<i64>(&client, &entry).await, 1);
    }
    let bob = app.granted("bob", "--role admin").await;
    for person in [&ada, &bob] {
        app.get("/v1/admin/roles").bearer(&person.token).send().await.expect(200);
    }
    assert_eq!(command::<i64>(&client, "HLEN latchkey:{meta}:admins").await, 3, "and the revision");
    app.stop().await;
}

/// What such changes have listed somebody with goes when one of them comes to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_whoever_is_promoted_is_listed_with_that_alone() {
    let app = TestApp::redis().await;
    let bob = app.person("bob").await;
    let client = app.redis.as_ref().unwrap().client().await;
    app.granted("ada", "--role admin").await;
    let entry = format!("latchkey:{{meta}}:admins {}", bob.id);
    let _: i64 = command(&client, &format!("HSET {entry} AAAAAAAAAAAAAAAAAAAAAA")).await;
    assert!(app.operator("users grant bob@example.com --role admin").await.status.success());
    let listed: String = command(&client, &format!("HGET {entry}")).await;
    assert_eq!(Some(&listed), app.stored_user(&bob.id).await.get("admin_op"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_there_are_100_administrators_at_the_most() {
    let app = TestApp::redis().await;
    let (accounts, by) = (Arc::new(app.accounts().await), Authority::operator());
    let make = async |name: String| {
        let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
        accounts.create_user(by.clone(), NewAccount::of(email)).await.unwrap().id
    };
    let ada = app.granted("ada", "--role admin").await;
    let mut last = None;
    for n in 1..100 {
        let id = make(format!("a{n}")).await;
        accounts.grant(&by, id, &admin()).await.unwrap();
        last = Some(id);
    }
    let one_more = make("more".to_owned()).await;
    assert!(matches!(accounts.grant(&by, one_more, &admin()).await, Err(Error::TooManyAdmins)));
    let path = format!("/v1/admin/users/{one_more}/grants");
    let refused = app.patch(&path).bearer(&ada.token).json(&json!({"roles": ["admin"]})).send().await;
    assert_eq!(refused.refused(422, "validation_failed").body["errors"][0]["field"], "roles");
    accounts.revoke(&by, last.unwrap(), &admin()).await.unwrap();
    accounts.grant(&by, one_more, &admin()).await.unwrap();
    app.check(false).await.expect_clean();
    app.stop().await;
}
