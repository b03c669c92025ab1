//! `GET /v1/admin/users`: exact, stable while others come and go, and filtered.

use std::collections::BTreeSet;

use latchkey::accounts::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    check::bucket,
    support::{Answer, TestApp, on_every_store},
};

impl TestApp {
    async fn list(&self, query: &str) -> Answer {
        self.admin("GET", &format!("/v1/admin/users?{query}")).await.send().await
    }

    /// All pages of a list, and how many each of them has.
    async fn list_all(&self, query: &str) -> (Vec<Value>, Vec<usize>) {
        self.all_pages(&format!("/v1/admin/users?{query}")).await
    }

    /// Registers somebody with a name and answers their id.
    async fn add(&self, email: &str, username: Option<&str>, name: Option<&str>) -> String {
        let body = json!({"email": email, "password": super::support::PASSWORD, "username": username, "name": name});
        self.post("/v1/users").json(&body).send().await.expect(201).body["id"].as_str().unwrap().to_owned()
    }
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn emails(items: &[Value]) -> BTreeSet<&str> {
    items.iter().map(|item| item["email"].as_str().unwrap()).collect()
}

on_every_store! { administered
    async fn all_pages_together_are_everybody_once_in_order(app: TestApp) {
        assert_eq!(app.list("limit=1").await.expect(200).body, json!({"items": [], "next_cursor": null}));
        let mut made = Vec::new();
        for number in 0..23 {
            made.push(app.add(&format!("user{number}@example.com"), None, None).await);
            // Some are made at the same time.
            app.clock.advance(std::time::Duration::from_millis(number % 2));
        }
        let (all, pages) = app.list_all("limit=200").await;
        assert_eq!(pages, [23]);
        assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>(), made.iter().map(String::as_str).collect());
        let created = all.iter().map(|user| user["created_at"].as_str().unwrap()).collect::<Vec<_>>();
        assert!(created.is_sorted(), "{created:?}");
        for limit in [1, 2, 5, 22, 23] {
            let (parts, _) = app.list_all(&format!("limit={limit}")).await;
            assert_eq!(ids(&parts), ids(&all), "limit {limit}");
            let (reversed, _) = app.list_all(&format!("sort=-created_at&limit={limit}")).await;
            assert_eq!(ids(&reversed), ids(&all).into_iter().rev().collect::<Vec<_>>(), "limit {limit}");
        }
    }

    async fn who_stays_is_met_once_while_others_come_and_go(app: TestApp) {
        let mut gone = Vec::new();
        for number in 0..12 {
            app.add(&format!("stays{number}@example.com"), None, None).await;
            gone.push(app.person(&format!("goes{number}")).await);
            app.clock.advance(std::time::Duration::from_millis(1));
        }
        for sort in ["created_at", "-created_at"] {
            let (mut met, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = app.list(&format!("limit=3&sort={sort}{cursor}")).await.expect(200).body;
                met.extend(page["items"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
                if let Some(person) = gone.pop() {
                    app.delete("/v1/users/me").bearer(&person.token).send().await.expect(204);
                }
                app.add(&format!("comes{}@{}.example.com", met.len(), sort.trim_start_matches('-').replace('_', "")
                    + if sort.starts_with('-') { "d" } else { "a" }), None, None).await;
            }
            let stayed = met.iter().filter(|email| email.starts_with("stays")).collect::<Vec<_>>();
            assert_eq!(stayed.len(), 12, "{met:?}");
            assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), met.len(), "nobody twice: {met:?}");
        }
    }

    async fn each_filter_finds_exactly_whom_it_describes(app: TestApp) {
        app.add("Ada@Example.com", Some("Ada"), Some("Ada Lovelace")).await;
        app.clock.advance(std::time::Duration::from_secs(60));
        app.add("adam@example.org", Some("adam.smith"), Some("Adam SMITH")).await;
        app.clock.advance(std::time::Duration::from_secs(60));
        let eve = app.add("eve@b\u{fc}cher.example", None, Some("\u{c4}va")).await;
        let verified = json!({"email_verified": true});
        app.admin("PATCH", &format!("/v1/admin/users/{eve}")).await.json(&verified).send().await.expect(200);
        let [ada, adam, eve] = ["Ada@Example.com", "adam@example.org", "eve@b\u{fc}cher.example"];
        let second = app.list("limit=2").await.body["items"][1]["created_at"].as_str().unwrap().to_owned();
        for (query, found) in [
            ("email_prefix=ada".to_owned(), vec![ada, adam]),
            ("email_prefix=ADA%40".to_owned(), vec![ada]),
            ("email_prefix=eve%40xn--b".to_owned(), vec![eve]),
            ("email_prefix=z".to_owned(), vec![]),
            ("username_prefix=aDa".to_owned(), vec![ada, adam]),
            ("username_prefix=adam.".to_owned(), vec![adam]),
            ("email_prefix=ada&username_prefix=adam".to_owned(), vec![adam]),
            ("name_contains=smith".to_owned(), vec![adam]),
            ("name_contains=%C3%A4V".to_owned(), vec![eve]),
            ("name_contains=a".to_owned(), vec![ada, adam, eve]),
            ("email_prefix=eve%40xn--b&name_contains=%C3%84VA".to_owned(), vec![eve]),
            ("email_verified=true".to_owned(), vec![eve]),
            ("email_verified=false".to_owned(), vec![ada, adam]),
            ("status=active".to_owned(), vec![ada, adam, eve]),
            ("status=suspended".to_owned(), vec![]),
            ("role=editor".to_owned(), vec![]),
            (format!("created_from={second}"), vec![adam, eve]),
            (format!("created_before={second}"), vec![ada]),
            (format!("created_from={second}&created_before={second}"), vec![]),
            (format!("email_prefix=ada&created_from={second}"), vec![adam]),
        ] {
            for limit in [1, 50] {
                let (items, _) = app.list_all(&format!("{query}&limit={limit}")).await;
                assert_eq!(emails(&items), found.iter().copied().collect(), "{query}");
                assert_eq!(items.len(), found.len(), "{query}");
            }
        }
    }

    async fn case_is_taken_away_as_it_is_where_addresses_are_told_apart(app: TestApp) {
        app.add("stra\u{df}e@example.com", None, Some("\u{391}\u{3a3}\u{3a4}\u{3a1}\u{39f}")).await;
        for query in ["email_prefix=stra%C3%9Fe", "email_prefix=STRASSE", "name_contains=%CE%91%CE%A3", "name_contains=%CE%B1%CF%83"] {
            assert_eq!(app.list_all(query).await.0.len(), 1, "{query}");
        }
    }

    async fn a_filter_that_lets_few_through_goes_on_to_its_end(app: TestApp) {
        for number in 0..41 {
            app.add(&format!("user{number}@example.com"), None, (number % 13 == 0).then_some("Rare")).await;
        }
        let (items, pages) = app.list_all("name_contains=rare&limit=2").await;
        assert_eq!((items.len(), pages.len()), (4, 3));
    }

    async fn a_wrong_parameter_is_refused_and_lists_nobody(app: TestApp) {
        for query in [
            "limit=0", "limit=201", "limit=many", "sort=name", "cursor=", "cursor=abc", "email=ada", "emailprefix=ada",
            "created_from=yesterday", "created_before=2026", "status=gone", "role=Not+One", "email_verified=perhaps",
            "email_prefix=", "name_contains=",
        ] {
            app.list(query).await.refused(400, "invalid_parameter");
        }
    }
}

/// Ids of one bucket, `{b0}`, which stand at one place of the index by creation time if they are of one moment.
const AT_ONE_PLACE: [u32; 12] = [
    227_237, 227_839, 368_780, 444_802, 761_096, 767_233, 1_165_565, 1_315_193, 1_388_308, 1_389_625, 1_570_366,
    1_842_691,
];

fn user_id(number: u32) -> Uuid {
    format!("019815f2-4c1e-7cc3-9a52-{number:012x}").parse().unwrap()
}

/// More of one bucket than are read at once, with others between them, and more at one place than a page has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_people_of_one_moment_are_listed_once_each_where_one_bucket_has_most_of_them() {
    let app = TestApp::redis().await;
    let is_of_one = |id: &Uuid| bucket(&id.to_string()) == "latchkey:{b0}";
    let crowd = (0..).map(user_id).filter(is_of_one).take(230);
    let others = (2_000_000..).map(user_id).filter(|id| !is_of_one(id)).take(40);
    let mut people = crowd.chain(AT_ONE_PLACE.map(user_id)).chain(others).collect::<Vec<_>>();
    let place = |id: &Uuid| u16::from_be_bytes(*Sha256::digest(id.as_bytes()).last_chunk().unwrap()) % 2048;
    people.sort_by_key(|id| (place(id), *id));
    let rare = [&people[5], &people[240]];
    let line = |id: &Uuid| {
        let (email, at) = (format!("of-one-{id}@example.com"), "2026-01-31T09:30:00Z");
        let name = rare.contains(&id).then_some("Rare");
        json!({"id": id.to_string(), "email": email, "name": name, "created_at": at, "updated_at": at})
    };
    let lines = people.iter().map(|id| line(id).to_string()).collect::<Vec<_>>().join("\n");
    let (_, key) = app.api_key("--scope users:import").await;
    assert_eq!(app.import(&key, "", lines).await.expect(200).body["created"], 282);

    let mut people = people.iter().map(Uuid::to_string).collect::<Vec<_>>();
    for sort in ["created_at", "-created_at"] {
        for limit in [3, 7, 121, 200] {
            for filter in ["", "&email_prefix=of-one-"] {
                let (listed, pages) = app.list_all(&format!("sort={sort}&limit={limit}{filter}")).await;
                assert_eq!(ids(&listed), people, "{sort} {limit}{filter}");
                let full = listed.chunks(limit).map(<[_]>::len).collect::<Vec<_>>();
                assert_eq!(pages, full, "{sort} {limit}{filter}");
            }
        }
        let (listed, _) = app.list_all(&format!("sort={sort}&limit=2&name_contains=rare")).await;
        let mut expected = rare.map(Uuid::to_string);
        expected.sort_by_key(|id| people.iter().position(|other| other == id));
        assert_eq!(ids(&listed), expected);
        people.reverse();
    }
    app.stop().await;
}

/// Reading everybody in one request would let a filter that finds nobody hold a large service up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_filter_looks_at_so_many_people_at_once_and_goes_on_in_the_next_page() {
    let app = TestApp::redis().await;
    let line = |number: u32| {
        let at = Timestamp::from_millis(1_753_868_000_000 + i64::from(number)).to_string();
        let name = (number == 5_000).then_some("Rare");
        json!({"email": format!("user{number}@example.com"), "name": name, "created_at": at, "updated_at": at})
    };
    let lines = (0..=5_000).map(|number| line(number).to_string()).collect::<Vec<_>>().join("\n");
    let (_, key) = app.api_key("--scope users:import").await;
    assert_eq!(app.import(&key, "", lines).await.expect(200).body["created"], 5_001);

    let (found, pages) = app.list_all("name_contains=rare").await;
    assert_eq!((emails(&found), pages), (BTreeSet::from(["user5000@example.com"]), vec![0, 1]));
    let (found, pages) = app.list_all("name_contains=rare&sort=-created_at").await;
    assert_eq!((found.len(), pages), (1, vec![1, 0]));
    app.stop().await;
}
