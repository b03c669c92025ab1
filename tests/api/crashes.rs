//! A service that is killed after any step of registering, changing or deleting: what it left is healed by whoever comes
//! next, nobody gets what somebody else has, and the auditor agrees.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use fred::{clients::Client, interfaces::HashesInterface};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    proxy::Fault,
    redis_server::command,
    support::{
        PASSWORD, TestApp,
        victim::{self, Call},
    },
};

/// What is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Register,
    Change,
    Delete,
}

/// Who comes after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Somebody else who wants the same address and username.
    Contender,
    /// The person whose request was cut off, who sends it again.
    Repeat,
    /// The auditor, and then one of the others.
    Auditor,
}

/// One crash: whose request it was, and what that was.
struct Crash {
    operation: Operation,
    who: String,
    id: Option<String>,
    call: Call,
}

impl Operation {
    /// Its transactions: the idempotency key, each claim, the user, each release of a claim. How many they are, and which of
    /// them is the user.
    fn steps(self) -> (usize, usize) {
        match self {
            Self::Register => (4, 4),
            Self::Change => (5, 3),
            Self::Delete => (3, 1),
        }
    }

    /// Prepares the person and the request.
    async fn prepare(self, app: &TestApp, who: &str) -> Crash {
        let wanted = person(who);
        let mut call = Call {
            method: Method::POST,
            path: "/v1/users",
            token: None,
            key: Some(who.to_owned()),
            body: Some(wanted),
        };
        let mut id = None;
        if self != Self::Register {
            let first = if self == Self::Change { format!("old-{who}") } else { who.to_owned() };
            let user = app.post("/v1/users").json(&person(&first)).send().await.expect(201).body;
            id = Some(user["id"].as_str().unwrap().to_owned());
            (call.path, call.token, call.key) = ("/v1/users/me", Some(app.token(&first).await), None);
            let change = json!({"email": format!("{who}@example.com"), "username": who, "current_password": PASSWORD});
            (call.method, call.body) = match self {
                Self::Change => (Method::PATCH, Some(change)),
                _ => (Method::DELETE, None),
            };
        }
        Crash { operation: self, who: who.to_owned(), id, call }
    }
}

fn person(who: &str) -> serde_json::Value {
    json!({"email": format!("{who}@example.com"), "username": who, "password": PASSWORD})
}

impl TestApp {
    fn redis_url(&self) -> String {
        self.redis.as_ref().unwrap().url()
    }

    /// Every user who is there, whatever is claimed.
    async fn people(&self) -> Vec<HashMap<String, String>> {
        let client = self.redis.as_ref().unwrap().client().await;
        let keys: Vec<String> = command(&client, "KEYS latchkey:{b*}:user:*").await;
        let mut people = Vec::new();
        for key in keys {
            let user: HashMap<String, String> = client.hgetall(&key).await.unwrap();
            if user["state"] == "active" {
                people.push(user);
            }
        }
        people
    }

    async fn expect_nobody_has_what_another_has(&self) {
        let people = self.people().await;
        for field in ["email", "username"] {
            let all = people.iter().filter_map(|user| user.get(field)).collect::<Vec<_>>();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "two people have one {field}: {all:?}");
        }
    }

    /// Makes every claim as old as if its maker had gone long ago.
    async fn age_claims(&self) {
        let client: Client = self.redis.as_ref().unwrap().client().await;
        for kind in ["email", "username"] {
            let keys: Vec<String> = command(&client, &format!("KEYS latchkey:{{{kind}:*")).await;
            for key in keys {
                let _: i64 = client.hset(key, [("at", "2020-01-01T00:00:00.000Z")]).await.unwrap();
            }
        }
    }
}

impl Crash {
    /// Whether what was cut off had really been done.
    async fn is_applied(&self, app: &TestApp) -> bool {
        let email = format!("{}@example.com", self.who);
        match self.operation {
            Operation::Register => app.people().await.iter().any(|user| user["email"] == email),
            Operation::Change => app.stored_user(self.id.as_ref().unwrap()).await["email"] == email,
            Operation::Delete => app.stored_user(self.id.as_ref().unwrap()).await["state"] == "deleted",
        }
    }

    /// By a service that has just been started: whoever has an account signs in with all that is theirs, and nobody else.
    async fn expect_sign_in(&self, app: &TestApp, applied: bool) {
        let service = victim::start(&app.redis_url()).await;
        let (new, old) = (self.who.clone(), format!("old-{}", self.who));
        let (theirs, gone) = match (self.operation, applied) {
            (Operation::Register, true) | (Operation::Delete, false) => (Some(new), None),
            (Operation::Register, false) | (Operation::Delete, true) => (None, Some(new)),
            (Operation::Change, true) => (Some(new), Some(old)),
            (Operation::Change, false) => (Some(old), Some(new)),
        };
        for (name, status) in [(theirs, 201), (gone, 401)] {
            let Some(name) = name else { continue };
            for login in [format!("{name}@example.com"), name] {
                let body = Some(json!({"login": login, "password": PASSWORD}));
                let call = Call { method: Method::POST, path: "/v1/sessions", token: None, key: None, body };
                let (found, answer) = call.send(&service.url).await.unwrap();
                assert_eq!(found, status, "{login}: {answer}");
            }
        }
    }

    /// Others want what the person wanted, and what they had: they get what is free, and only that.
    async fn contend(&self, app: &TestApp, applied: bool) {
        let is_free = applied == (self.operation == Operation::Delete);
        let register = async |who: &str, is_free: bool| {
            let answer = app.post("/v1/users").json(&person(who)).send().await;
            if is_free {
                answer.expect(201)
            } else {
                answer.refused(409, "email_taken")
            };
            app.sign_in(who, PASSWORD).await.expect(201);
        };
        register(&self.who, is_free).await;
        if self.operation == Operation::Change {
            register(&format!("old-{}", self.who), applied).await;
        }
    }

    /// Others come first, and then the person sends the request again.
    async fn lose_to_others(&self, app: &TestApp, applied: bool) {
        self.contend(app, applied).await;
        self.repeat(app, applied, !applied).await;
    }

    /// The person sends the request again, and then others come.
    async fn finish(&self, app: &TestApp, applied: bool) {
        self.repeat(app, applied, false).await;
        self.contend(app, true).await;
    }

    /// The person sends the request again. What they wanted may be lost to somebody else.
    async fn repeat(&self, app: &TestApp, applied: bool, lost: bool) {
        let (status, answer) = self.call.send(&app.url).await.unwrap();
        let expected = match self.operation {
            Operation::Register | Operation::Change if lost => 409,
            Operation::Register => 201,
            Operation::Change => 200,
            Operation::Delete if applied => 401,
            Operation::Delete => 204,
        };
        assert_eq!(status, expected, "{answer}");
    }
}

/// Cuts off the operation at this step, and answers its status if it has no such step. A machine that is too busy for it
/// answers 503; then somebody else does the same.
async fn crash_at(
    operation: Operation,
    app: &TestApp,
    who: &str,
    step: usize,
    fault: Fault,
) -> (Crash, Option<StatusCode>) {
    let mut attempt = 1;
    loop {
        let crash = operation.prepare(app, &format!("{who}x{attempt}")).await;
        let status = victim::call_and_kill(&app.redis_url(), &crash.call, step, fault).await;
        if status != Some(StatusCode::SERVICE_UNAVAILABLE) || attempt == 3 {
            return (crash, status);
        }
        attempt += 1;
    }
}

/// Cuts off the operation at one step after the other, until it is not cut off any more.
async fn crash_at_every_step(operation: Operation, fault: Fault) {
    let app = TestApp::redis().await;
    let (steps, user) = operation.steps();
    let mut unhealed = Vec::new();
    for next in [Next::Contender, Next::Repeat, Next::Auditor] {
        for step in 1.. {
            let (crash, status) =
                crash_at(operation, &app, &format!("{next:?}{step}").to_lowercase(), step, fault).await;
            if let Some(status) = status {
                assert!(status.is_success(), "{status}");
                assert_eq!(step, steps + 1, "it has other steps than this test knows");
                break;
            }
            let applied = crash.is_applied(&app).await;
            assert_eq!(applied, step > user || (step == user && fault == Fault::LoseReply), "{next:?} at {step}");
            crash.expect_sign_in(&app, applied).await;
            app.clock.advance(Duration::from_secs(11));
            match next {
                Next::Contender => crash.lose_to_others(&app, applied).await,
                Next::Repeat => crash.finish(&app, applied).await,
                Next::Auditor => unhealed.push((step, crash, applied)),
            }
        }
    }
    app.expect_nobody_has_what_another_has().await;

    app.age_claims().await;
    let found = app.check(false).await;
    let codes = found.codes("repairable");
    assert!(!codes.is_empty() && codes.iter().all(|code| matches!(*code, "dead_claim" | "stale_claim")), "{found:?}");
    let repaired = app.check(true).await;
    assert_eq!((repaired.code, repaired.codes("repaired")), (0, codes));
    app.check(false).await.expect_clean();
    for (step, crash, applied) in unhealed {
        crash.expect_sign_in(&app, applied).await;
        if step % 2 == 0 { crash.lose_to_others(&app, applied).await } else { crash.finish(&app, applied).await }
    }
    app.expect_nobody_has_what_another_has().await;
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_crash_before_any_step_of_registering_is_healed() {
    crash_at_every_step(Operation::Register, Fault::LoseRequest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_crash_after_any_step_of_registering_is_healed() {
    crash_at_every_step(Operation::Register, Fault::LoseReply).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_crash_before_any_step_of_changing_is_healed() {
    crash_at_every_step(Operation::Change, Fault::LoseRequest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_crash_after_any_step_of_changing_is_healed() {
    crash_at_every_step(Operation::Change, Fault::LoseReply).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_crash_before_any_step_of_deleting_is_healed() {
    crash_at_every_step(Operation::Delete, Fault::LoseRequest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_crash_after_any_step_of_deleting_is_healed() {
    crash_at_every_step(Operation::Delete, Fault::LoseReply).await;
}
