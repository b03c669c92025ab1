//! Refreshing, signing in and using a session, at the very moment that something ends it: whatever comes first, what was
//! ended stays ended, on every instance.

use std::{array, time::Duration};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

/// Rounds of each kind, with each of the people.
const ROUNDS: usize = 150;
/// People, each with a Redis and two instances.
const PEOPLE: usize = 2;

const ADA: &str = "ada@example.com";

/// What ends a session.
#[derive(Clone, Copy, Debug)]
enum End {
    SignOut,
    OneOfThem,
    Everywhere,
    Others,
    NewPassword,
    Deletion,
}

const ENDS: [End; 6] = [End::SignOut, End::OneOfThem, End::Everywhere, End::Others, End::NewPassword, End::Deletion];

/// One person, and what they are up to.
struct Round<'a> {
    instances: [&'a TestApp; 2],
    password: String,
    chance: u64,
    /// How many came before the end and were answered, and how many after it and were refused.
    answered: [u32; 2],
}

fn token(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}

impl<'a> Round<'a> {
    /// A number below `below`, another one each time (xorshift).
    fn chance(&mut self, below: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % below
    }

    fn one(&mut self) -> &'a TestApp {
        let n = usize::from(self.chance(2) == 0);
        self.instances[n]
    }

    async fn sign_in(&mut self) -> Value {
        self.one().sign_in(ADA, &self.password).await.expect(201).body
    }

    /// Ends the session `ended`, by way of another one, and answers once it is acknowledged.
    async fn end(&self, app: &TestApp, end: End, ended: &Value, other: &Value) {
        let (own, other) = (token(ended, "access_token"), token(other, "access_token"));
        let id = ended["session"]["id"].as_str().unwrap();
        let request = match end {
            End::SignOut => app.delete("/v1/sessions/current").bearer(&own),
            End::OneOfThem => app.delete(&format!("/v1/sessions/{id}")).bearer(&other),
            End::Everywhere => app.delete("/v1/sessions?scope=all").bearer(&other),
            End::Others => app.delete("/v1/sessions?scope=others").bearer(&other),
            End::NewPassword => app.patch("/v1/users/me").bearer(&other).json(&self.new_password()),
            End::Deletion => app.delete("/v1/users/me").bearer(&other),
        };
        request.send().await.expect(if matches!(end, End::NewPassword) { 200 } else { 204 });
    }

    fn new_password(&self) -> Value {
        json!({"current_password": self.password, "password": format!("{PASSWORD} {}", self.chance)})
    }

    /// No token answers any more, whichever instance is asked.
    async fn expect_over(&self, sessions: &[Value], end: End) {
        for tokens in sessions {
            for app in self.instances {
                let answer = app.me(&token(tokens, "access_token")).await;
                assert_eq!(answer.body["code"], "token_invalid", "{end:?}: {}", answer.body);
                let answer = app.refresh(&token(tokens, "refresh_token")).await;
                assert_eq!(answer.body["code"], "refresh_token_invalid", "{end:?}: {}", answer.body);
            }
        }
    }

    /// Refreshes and uses a session by way of both instances, while it is ended.
    async fn of_a_session(&mut self, end: End) {
        let (ended, other) = (self.sign_in().await, self.sign_in().await);
        let (refresh_token, access_token) = (token(&ended, "refresh_token"), token(&ended, "access_token"));
        // So long ago that each use of the session is noted.
        self.instances[0].clock.advance(Duration::from_secs(61));
        let (pauses, apps) = self.places::<7>();
        let refreshing = join_all((0..3).map(async |n| {
            pause(pauses[n]).await;
            apps[n].refresh(&refresh_token).await
        }));
        let using = join_all((3..6).map(async |n| {
            pause(pauses[n]).await;
            apps[n].me(&access_token).await
        }));
        let ending = async {
            pause(pauses[6]).await;
            self.end(apps[6], end, &ended, &other).await;
            // While others are still under way.
            self.expect_over(std::slice::from_ref(&ended), end).await;
        };
        let ((refreshed, used), ()) = join(join(refreshing, using), ending).await;
        for answer in refreshed.iter().chain(&used) {
            // A busy machine may take too long for one of them.
            assert!(matches!(answer.status, 200 | 401 | 503), "{end:?}: {answer:?}");
            self.answered[usize::from(answer.status != 200)] += 1;
        }
        let gained = refreshed.into_iter().filter(|answer| answer.status == 200).map(|answer| answer.body);
        self.expect_over(&gained.collect::<Vec<_>>(), end).await;
    }

    /// Signs in with a password that is changed at the same time.
    async fn of_signing_in(&mut self) {
        let spared = self.sign_in().await;
        let (pauses, apps) = self.places::<5>();
        let sign_ins = join_all((0..4).map(async |n| {
            pause(pauses[n]).await;
            apps[n].sign_in(ADA, &self.password).await
        }));
        let change = async {
            pause(pauses[4]).await;
            self.end(apps[4], End::NewPassword, &spared, &spared).await;
            apps[4].sign_in(ADA, &self.password).await.refused(401, "invalid_credentials");
        };
        let (signed_in, ()) = join(sign_ins, change).await;
        assert!(signed_in.iter().all(|answer| matches!(answer.status, 201 | 401 | 503)), "{signed_in:?}");
        let gained = signed_in.into_iter().filter(|answer| answer.status == 201).map(|answer| answer.body);
        self.expect_over(&gained.collect::<Vec<_>>(), End::NewPassword).await;
        apps[0].me(&token(&spared, "access_token")).await.expect(200);
    }

    /// Where each of `N` requests goes, and how many it lets go first.
    fn places<const N: usize>(&mut self) -> ([u64; N], [&'a TestApp; N]) {
        (array::from_fn(|_| self.chance(40)), array::from_fn(|_| self.one()))
    }
}

/// Lets others go first, so many times.
async fn pause(turns: u64) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

async fn races(n: usize) {
    let app = TestApp::redis_with(&["--password-attempts", "none"]).await;
    let twin = TestApp::beside(&app, &["--password-attempts", "none"]).await;
    app.register("ada").await.expect(201);
    let chance = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(n as u64 + 1);
    let mut round = Round { instances: [&app, &twin], password: PASSWORD.to_owned(), chance, answered: [0; 2] };
    for _ in 0..ROUNDS {
        for end in ENDS {
            round.of_a_session(end).await;
            match end {
                End::NewPassword => round.password = token(&round.new_password(), "password"),
                End::Deletion => {
                    PASSWORD.clone_into(&mut round.password);
                    app.register("ada").await.expect(201);
                }
                _ => {}
            }
        }
        round.of_signing_in().await;
        round.password = token(&round.new_password(), "password");
    }
    let [before, after] = round.answered;
    assert!(before > 0 && after > 0, "no race: {before} before the end, {after} after it");
    eprintln!("{before} requests came before the end, {after} after it");
    twin.stop().await;
    app.check(false).await.expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_no_session_that_was_ended_ever_answers_again() {
    join_all((0..PEOPLE).map(races)).await;
}
