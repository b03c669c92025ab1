//! Administrators: that there is always one, whoever removes whom at once.

use std::sync::Arc;

use futures_util::future::join_all;
use latchkey::accounts::{Authority, Error, Grants, UserId, VersionMatch};

use crate::{
    redis_server::command,
    support::{Person, TestApp, line},
};

impl TestApp {
    /// Whether somebody may do what administrators may.
    async fn is_admin(&self, person: &Person) -> bool {
        let token = self.token(&person.email).await;
        self.get("/v1/admin/roles").bearer(&token).send().await.status == 200
    }

    async fn admins(&self, people: &[&Person]) -> usize {
        let each = join_all(people.iter().map(|person| self.is_admin(person))).await;
        each.into_iter().filter(|is_admin| *is_admin).count()
    }
}

fn admin() -> Grants {
    Grants::new(["admin".parse().unwrap()].into(), [].into()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_last_administrator_stays_one() {
    let app = TestApp::redis().await;
    let ada = app.granted("ada", "--role admin --permission x").await;
    assert!(app.is_admin(&ada).await);
    for command in ["users revoke ada@example.com --role admin", "users suspend ada@example.com"] {
        assert!(line(&app.operator(command).await, 1).contains("nobody else is an administrator"));
    }
    app.delete("/v1/users/me").bearer(&ada.token).send().await.refused(409, "last_admin");
    assert!(app.operator("users revoke ada@example.com --permission x").await.status.success());

    let bob = app.granted("bob", "--role admin").await;
    assert!(app.operator("users suspend ada@example.com").await.status.success());
    assert_eq!(app.stored_user(&ada.id).await.get("roles"), None, "a suspension takes the role away");
    assert!(app.operator("users unsuspend ada@example.com").await.status.success());
    assert!(!app.is_admin(&ada).await && app.is_admin(&bob).await);
    app.delete("/v1/users/me").bearer(&bob.token).send().await.refused(409, "last_admin");
    assert!(app.operator("users grant ada@example.com --role admin").await.status.success());
    app.delete("/v1/users/me").bearer(&bob.token).send().await.expect(204);
    assert!(app.is_admin(&ada).await);
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_name_of_the_role_alone_makes_nobody_an_administrator() {
    let app = TestApp::redis().await;
    let (ada, bob) = (app.granted("ada", "--role admin").await, app.person("bob").await);
    let client = app.redis.as_ref().unwrap().client().await;
    let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{b*}}:user:{}", bob.id)).await;
    for (field, value) in [("roles", "admin"), ("admin_op", "AAAAAAAAAAAAAAAAAAAAAA")] {
        let set = format!("HSET {} {field} {value}", keys[0]);
        assert_eq!(command::<i64>(&client, &set).await, 1);
        assert!(!app.is_admin(&bob).await, "{field}");
    }
    assert!(line(&app.operator("users revoke ada@example.com --role admin").await, 1).contains("nobody else"));
    assert!(app.is_admin(&ada).await);
    app.stop().await;
}

/// Two administrators remove each other at once, in every way that there is: exactly one of them is left each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_two_administrators_who_remove_each_other_leave_exactly_one() {
    let app = TestApp::redis().await;
    let (ada, bob) = (app.granted("ada", "--role admin").await, app.granted("bob", "--role admin").await);
    let (first, second) = (Arc::new(app.accounts().await), Arc::new(app.accounts().await));
    let [ada_id, bob_id] = [&ada, &bob].map(|person| person.id.parse::<UserId>().unwrap());
    let (by, any, grants) = (Authority::operator(), VersionMatch::Any, admin());
    let mut refusals = [0, 0];
    for round in 0..120 {
        let (one, other) = match round % 4 {
            0 => tokio::join!(first.revoke(&by, ada_id, &grants), second.revoke(&by, bob_id, &grants)),
            1 => tokio::join!(
                first.suspend_user(&by, ada_id, None, None, &any),
                second.suspend_user(&by, bob_id, None, None, &any)
            ),
            2 => tokio::join!(first.revoke(&by, ada_id, &grants), second.suspend_user(&by, bob_id, None, None, &any)),
            _ => tokio::join!(first.suspend_user(&by, ada_id, None, None, &any), second.revoke(&by, bob_id, &grants)),
        };
        let outcomes = [&one, &other].map(|outcome| match outcome {
            Ok(_) => true,
            Err(Error::LastAdmin) => false,
            Err(e) => panic!("{e}"),
        });
        assert!(outcomes.contains(&true) && outcomes.contains(&false), "round {round}: {one:?} {other:?}");
        refusals[usize::from(outcomes[0])] += 1;
        for id in [ada_id, bob_id] {
            first.unsuspend_user(&by, id, &any).await.unwrap();
        }
        assert_eq!(app.admins(&[&ada, &bob]).await, 1, "round {round}");
        for id in [ada_id, bob_id] {
            second.grant(&by, id, &grants).await.unwrap();
        }
    }
    assert!(refusals[0] > 0 && refusals[1] > 0, "each of them is left at times: {refusals:?}");
    app.check(false).await.expect_clean();
    app.stop().await;
}

/// The same by deleting oneself, over HTTP, on two services.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_administrators_who_all_delete_themselves_leave_exactly_one() {
    let app = TestApp::redis().await;
    let twin = app.twin().await;
    let mut last = app.granted("first", "--role admin").await;
    for round in 0..6 {
        let people = [last, app.granted(&format!("a{round}"), "--role admin").await];
        let one = app.delete("/v1/users/me").bearer(&people[0].token).send();
        let other = twin.delete("/v1/users/me").bearer(&people[1].token).send();
        let (one, other) = tokio::join!(one, other);
        let [first, second] = people;
        last = match (one.status, other.status) {
            (204, 409) => second,
            (409, 204) => first,
            statuses => panic!("round {round}: {statuses:?}"),
        };
        assert!(app.is_admin(&last).await, "round {round}");
    }
    twin.stop().await;
    app.stop().await;
}
