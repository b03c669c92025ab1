//! `latchkey check` on damage made by hand: it is found, named, repaired and gone.

use std::time::Duration;

use fred::interfaces::{HashesInterface, KeysInterface};
use latchkey::accounts::{Clock, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    claims::{NOBODY, email_claim},
    redis_server::command,
    support::{PASSWORD, Person, TestApp},
};

/// Long before any test.
pub fn long_ago() -> Timestamp {
    Timestamp::from_millis(1_600_000_000_000)
}

/// The beginning of the keys of a person.
pub fn bucket(id: &str) -> String {
    let [first, ..] = *Sha256::digest(id.parse::<Uuid>().unwrap().as_bytes()).as_slice() else { panic!() };
    format!("latchkey:{{b{}}}", first % 64)
}

/// A service with two people, of whom Ada has a username and a session.
pub async fn service() -> (TestApp, Person) {
    let app = TestApp::redis().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "username": "ada"});
    let ada = app.post("/v1/users").json(&body).send().await.expect(201).body;
    app.register("bob").await.expect(201);
    let ada = app.signed_in(&ada).await;
    (app, ada)
}

impl TestApp {
    /// Sends a command to Redis, in which `BUCKET` and `ID` stand for a person's.
    pub async fn damage(&self, id: &str, line: &str) -> i64 {
        let client = self.redis.as_ref().unwrap().client().await;
        command(&client, &line.replace("BUCKET", &bucket(id)).replace("ID", id)).await
    }

    pub async fn session_of(&self, person: &Person) -> String {
        let sessions = self.get("/v1/sessions").bearer(&person.token).send().await.expect(200).body;
        sessions["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// How many writes Redis has seen.
    pub async fn writes(&self) -> String {
        let client = self.redis.as_ref().unwrap().client().await;
        let info: String = command(&client, "INFO persistence").await;
        info.lines().find(|line| line.starts_with("rdb_changes_since_last_save:")).unwrap().to_owned()
    }

    /// Finds these, writes nothing; repairs these; and then there is nothing.
    pub async fn expect_repair_of(&self, codes: &[&str]) {
        let before = self.writes().await;
        let found = self.check(false).await;
        assert_eq!((found.code, found.codes("repairable")), (1, codes.to_vec()), "{}", found.text);
        assert_eq!(self.writes().await, before, "a check alone writes nothing");
        let repaired = self.check(true).await;
        assert_eq!((repaired.code, repaired.codes("repaired")), (0, codes.to_vec()), "{}", repaired.text);
        self.check(false).await.expect_clean();
    }
}

/// All at once, since each check waits before it looks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_each_kind_of_damage_is_found_named_repaired_and_gone() {
    tokio::join!(
        a_dead_claim_is_dropped(),
        a_pending_claim_is_left_alone_while_it_is_young_and_fenced_when_it_is_old(),
        a_missing_claim_is_made_again_and_is_as_good_as_the_first(),
        a_claim_in_the_name_of_nobody_is_given_back(),
        a_former_address_is_claimed_like_the_present_one(),
        a_duplicate_is_reported_and_left_alone(),
        a_session_without_its_user_is_deleted(),
        a_session_of_an_older_epoch_is_deleted(),
        a_session_missing_from_its_index_is_listed_again(),
        a_user_missing_from_an_index_or_in_a_wrong_place_there_is_listed_again(),
        an_index_entry_that_leads_nowhere_is_removed(),
        the_many_entries_of_one_person_are_all_looked_at(),
        what_cannot_be_read_is_reported_and_hides_nothing_else(),
    );
}

async fn a_dead_claim_is_dropped() {
    let (app, ada) = service().await;
    app.leave_claim("eve@example.com", &ada.id, 0).await;
    app.expect_repair_of(&["dead_claim"]).await;
    assert_eq!(app.damage(&ada.id, &format!("EXISTS {}", email_claim("eve@example.com"))).await, 0);
    app.stop().await;
}

async fn a_pending_claim_is_left_alone_while_it_is_young_and_fenced_when_it_is_old() {
    let (app, ada) = service().await;
    app.leave_claim("eve@example.com", NOBODY, 0).await;
    app.leave_claim("fay@example.com", &ada.id, 1).await;
    app.check(true).await.expect_clean();
    app.leave_claim_at("eve@example.com", NOBODY, 0, long_ago()).await;
    app.leave_claim_at("fay@example.com", &ada.id, 1, long_ago()).await;
    app.expect_repair_of(&["stale_claim", "stale_claim"]).await;
    assert_eq!(app.stored_user(NOBODY).await["state"], "fenced");
    assert_eq!(app.stored_user(&ada.id).await["fence"], "2");
    app.me(&ada.token).await.expect(200);
    app.stop().await;
}

async fn a_missing_claim_is_made_again_and_is_as_good_as_the_first() {
    let (app, ada) = service().await;
    app.damage(&ada.id, &format!("DEL {}", email_claim(&ada.email))).await;
    app.sign_in(&ada.email, PASSWORD).await.refused(401, "invalid_credentials");
    app.expect_repair_of(&["missing_claim"]).await;
    app.sign_in(&ada.email, PASSWORD).await.expect(201);
    app.register("ada").await.refused(409, "email_taken");
    let patch = json!({"email": "new@example.com", "current_password": PASSWORD});
    app.patch("/v1/users/me").bearer(&ada.token).json(&patch).send().await.expect(200);
    app.register("ada").await.expect(201);
    app.check(false).await.expect_clean();
    app.stop().await;
}

async fn a_claim_in_the_name_of_nobody_is_given_back() {
    let (app, ada) = service().await;
    app.leave_claim_at(&ada.email, NOBODY, 0, long_ago()).await;
    app.expect_repair_of(&["missing_claim", "stale_claim"]).await;
    app.sign_in(&ada.email, PASSWORD).await.expect(201);
    app.stop().await;
}

async fn a_former_address_is_claimed_like_the_present_one() {
    let (app, ada) = service().await;
    let former = "former@example.com";
    for until in [app.clock.now().plus(Duration::from_secs(60)), long_ago()] {
        app.give_former_address(&ada.id, former, until).await;
        app.check(false).await.expect_clean();
        app.damage(&ada.id, &format!("DEL {} {}", email_claim(former), email_claim(&ada.email))).await;
        app.expect_repair_of(&["missing_claim", "missing_claim"]).await;
        app.sign_in(&ada.email, PASSWORD).await.expect(201);
        app.sign_in(former, PASSWORD).await.refused(401, "invalid_credentials");
    }
    // What is mended can be taken over as what was never damaged: after its time, and not before it.
    app.give_former_address(&ada.id, former, app.clock.now().plus(Duration::from_secs(60))).await;
    app.register("former").await.refused(409, "email_taken");
    app.clock.advance(Duration::from_secs(60));
    app.register("former").await.expect(201);
    app.check(false).await.expect_clean();

    app.give_former_address(&ada.id, "bob@example.com", long_ago()).await;
    app.damage(&ada.id, &format!("DEL {}", email_claim("bob@example.com"))).await;
    let left = app.check(true).await;
    assert_eq!((left.code, left.codes("left")), (1, vec!["duplicate"]), "{}", left.text);
    app.stop().await;
}

async fn a_duplicate_is_reported_and_left_alone() {
    let (app, ada) = service().await;
    let bob = app.token("bob@example.com").await;
    let bob = app.me(&bob).await.body["id"].as_str().unwrap().to_owned();
    let bobs = app.stored_user(&bob).await;
    app.damage(&bob, "HSET BUCKET:user:ID email Ada@Example.com").await;
    // What follows from it is repaired.
    let repaired = app.check(true).await;
    let codes = ["dangling_entry", "dead_claim", "duplicate", "unlisted_user"];
    assert_eq!(repaired.findings.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), codes);
    for _ in 0..2 {
        let left = app.check(true).await;
        assert_eq!((left.code, left.codes("left")), (1, vec!["duplicate"]));
        assert!(left.text.contains(&ada.id) && left.text.contains(&bob), "{}", left.text);
    }
    app.sign_in(&ada.email, PASSWORD).await.expect(201);

    // Nor is it decided by who comes first when nobody claims the address.
    app.damage(&ada.id, &format!("DEL {}", email_claim(&ada.email))).await;
    let left = app.check(true).await;
    assert_eq!((left.code, left.codes("left")), (1, vec!["duplicate"]));
    assert_eq!(app.damage(&ada.id, &format!("EXISTS {}", email_claim(&ada.email))).await, 0);
    assert_eq!(app.stored_user(&bob).await["rev"], bobs["rev"], "the users are as they were");
    app.stop().await;
}

async fn a_session_without_its_user_is_deleted() {
    let (app, ada) = service().await;
    let session = app.session_of(&ada).await;
    let orphan = format!("{}:session:{NOBODY}:{session}", bucket(NOBODY));
    app.damage(&ada.id, &format!("COPY BUCKET:session:ID:{session} {orphan}")).await;
    let expired = format!("{}:session:{NOBODY}:{NOBODY}", bucket(NOBODY));
    app.damage(&ada.id, &format!("COPY BUCKET:session:ID:{session} {expired}")).await;
    app.damage(&ada.id, &format!("HSET {expired} expires_at {}", long_ago())).await;
    app.expect_repair_of(&["orphan_session", "orphan_session"]).await;
    assert_eq!(app.damage(&ada.id, &format!("EXISTS {orphan} {expired}")).await, 0);
    app.me(&ada.token).await.expect(200);
    app.stop().await;
}

async fn a_session_of_an_older_epoch_is_deleted() {
    let (app, ada) = service().await;
    app.damage(&ada.id, "HINCRBY BUCKET:user:ID session_epoch 1").await;
    app.expect_repair_of(&["ended_session"]).await;
    assert_eq!(app.damage(&ada.id, "EXISTS BUCKET:sessions:ID").await, 0);
    app.token("ada").await;
    app.check(false).await.expect_clean();
    app.stop().await;
}

async fn a_session_missing_from_its_index_is_listed_again() {
    let (app, ada) = service().await;
    let session = app.session_of(&ada).await;
    let before = app.stored_user(&ada.id).await;
    app.damage(&ada.id, &format!("ZREM BUCKET:sessions:ID {session}")).await;
    app.expect_repair_of(&["unlisted_session"]).await;
    assert_eq!(app.session_of(&ada).await, session);
    // So a deletion that read the sessions before the repair does not miss this one.
    let after = app.stored_user(&ada.id).await;
    assert_ne!(after["rev"], before["rev"], "the user was written");
    assert_eq!(after["version"], before["version"], "a client does not see it");
    app.stop().await;
}

async fn a_user_missing_from_an_index_or_in_a_wrong_place_there_is_listed_again() {
    let (app, ada) = service().await;
    app.damage(&ada.id, "ZADD BUCKET:index:created 7 ID").await;
    app.expect_repair_of(&["unlisted_user"]).await;
    app.damage(&ada.id, "DEL BUCKET:index:created").await;
    app.expect_repair_of(&["unlisted_user"]).await;
    assert_eq!(app.damage(&ada.id, "ZREM BUCKET:index:created ID").await, 1);
    app.stop().await;
}

async fn an_index_entry_that_leads_nowhere_is_removed() {
    let (app, ada) = service().await;
    let gone = app.person("gone").await;
    app.delete("/v1/users/me").bearer(&gone.token).send().await.expect(204);
    let elsewhere = if bucket(&ada.id) == "latchkey:{b0}" { "latchkey:{b1}" } else { "latchkey:{b0}" };
    for line in [
        "ZADD BUCKET:index:created 0 somebody".to_owned(),
        format!("ZADD {elsewhere}:index:created 7 ID"),
        format!("ZADD {}:index:created 7 {}", bucket(&gone.id), gone.id),
        format!("ZADD BUCKET:sessions:ID 4000000000000 {NOBODY}"),
        "ZADD BUCKET:sessions:ID 4000000000000 somewhere".to_owned(),
        "ZADD BUCKET:sessions:ID 7 long-ago".to_owned(),
        format!("ZADD {}:sessions:{NOBODY} 7 {NOBODY}", bucket(NOBODY)),
        format!("ZADD {}:sessions:{} 7 {NOBODY}", bucket(&gone.id), gone.id),
    ] {
        assert_eq!(app.damage(&ada.id, &line).await, 1, "{line}");
    }
    let entries = ["dangling_entry"; 3].into_iter().chain(["dangling_session"; 5]);
    app.expect_repair_of(&entries.collect::<Vec<_>>()).await;
    // The entry of a session that has expired is cleared away by the next sign-in, so it is no damage.
    app.damage(&ada.id, &format!("ZADD BUCKET:sessions:ID 7 {NOBODY}")).await;
    app.check(false).await.expect_clean();
    app.me(&ada.token).await.expect(200);
    app.stop().await;
}

/// More of them than one page of a walk, or one look, holds.
async fn the_many_entries_of_one_person_are_all_looked_at() {
    let (app, ada) = service().await;
    let pairs = (0..1000).map(|entry| format!(" 4000000000000 019815f2-4c1e-7cc3-9a52-{entry:012}"));
    assert_eq!(app.damage(&ada.id, &format!("ZADD BUCKET:sessions:ID{}", pairs.collect::<String>())).await, 1000);
    app.expect_repair_of(&["dangling_session"; 1000]).await;
    app.me(&ada.token).await.expect(200);
    app.stop().await;
}

async fn what_cannot_be_read_is_reported_and_hides_nothing_else() {
    let (app, ada) = service().await;
    let session = app.session_of(&ada).await;
    app.leave_claim("eve@example.com", &ada.id, 0).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let _: i64 = client.hset(email_claim("bob@example.com"), [("fence", "many")]).await.unwrap();
    let _: i64 = client.hdel(format!("{}:session:{}:{session}", bucket(&ada.id), ada.id), "rev").await.unwrap();
    let _: () = client.set(format!("{}:index:created", bucket(NOBODY)), "text", None, None, false).await.unwrap();
    let _: i64 = client.hset("latchkey:{devices}", [("hmac_sha256", "short")]).await.unwrap();
    let _: () = client.set("latchkey:{other}:program", "text", None, None, false).await.unwrap();
    for outcome in ["repairable", "repaired"] {
        let found = app.check(outcome == "repaired").await;
        let expected = [("dead_claim", outcome)].into_iter().chain([("unreadable", "left"); 4]);
        let expected = expected.map(|(code, outcome)| (code.to_owned(), outcome.to_owned()));
        assert_eq!(found.findings, expected.collect::<Vec<_>>());
        assert_eq!((found.code, &found.summary["checked"]["unknown_keys"]), (1, &json!(1)), "{}", found.text);
    }
    app.damage(&ada.id, "HSET BUCKET:user:ID fence many").await;
    let left = app.check(true).await;
    assert_eq!((left.code, left.codes("left")), (1, vec!["unreadable"; 5]), "{}", left.text);
    app.stop().await;
}
