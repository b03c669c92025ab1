//! Commits that meet what somebody has damaged: what stands beside the change is left out, and else all of it is refused,
//! and nothing of it is done.

use std::{collections::BTreeSet, sync::Arc};

use fred::{clients::Client, interfaces::ClientLike};
use futures_util::TryStreamExt;
use latchkey::store::{Batch, CommitError, Expectation, Keep, Redis, RedisOptions, Store, count};

use super::{
    cluster_of_servers::RedisCluster,
    contract::contract,
    fields, key, name,
    redis_server::{RedisServer, command},
    slot,
};

/// Long after any test.
const LATER: i64 = 4_000_000_000_000;

/// The bound on numbers that are counted up.
const MOST: i64 = 1 << 53;

/// A batch that writes something of every kind before and after whatever else is in it.
fn amid(write: impl FnOnce(&mut Batch) -> &mut Batch) -> Batch {
    let around = |batch: &mut Batch, part: &str| {
        let named = |kind: &str| name(&format!("{kind} {part}"));
        batch.put(named("record"), fields([("value", "1")])).add(named("index"), "a", 1).remove(named("index"), "b");
        batch.append(named("log"), "line", Keep { most: 99, until: LATER });
        batch.count_up(named("number"), "n", 1, Some(LATER)).delete(named("nothing"));
    };
    let mut batch = Batch::new(slot());
    around(&mut batch, "before");
    write(&mut batch);
    around(&mut batch, "after");
    batch
}

/// Every key of the store.
async fn keys(store: &Store) -> BTreeSet<String> {
    store.keys().try_concat().await.unwrap().iter().map(ToString::to_string).collect()
}

/// That this is refused, with these words, and that nothing comes of it.
async fn refuses(store: &Store, batch: Batch, words: &[&str]) {
    let before = keys(store).await;
    let refused = store.commit(batch).await.unwrap_err();
    assert!(matches!(refused, CommitError::Unreadable(_)), "{refused:?}");
    assert!(words.iter().all(|word| refused.to_string().contains(word)), "{words:?}: {refused}");
    assert_eq!(keys(store).await, before);
}

/// How often a batch [amid](amid) others was done: each of its parts as often as the others.
async fn times(store: &Store) -> usize {
    let of = |kind: &str| ["before", "after"].map(|part| key(&format!("{kind} {part}")));
    let logs = store.logs(&of("log")).await.unwrap();
    let numbers = store.get_many(&of("number")).await.unwrap();
    let number = |number: &usize| numbers[*number].as_ref().map_or(0, |record| record.fields["n"].parse().unwrap());
    assert_eq!([number(&0), number(&1), logs[1].len()], [logs[0].len(); 3]);
    let members = store.count(&of("index"), &[i64::MIN]).await.unwrap().concat();
    let records = store.get_many(&of("record")).await.unwrap();
    let is_there = u64::from(!logs[0].is_empty());
    assert_eq!([members[0], members[1]], [is_there; 2]);
    assert_eq!(records.iter().flatten().count(), members.iter().filter(|members| **members > 0).count());
    logs[0].len()
}

/// That this batch [amid](amid) others is done but for itself.
async fn leaves_out(store: &Store, batch: Batch) {
    let before = times(store).await;
    store.commit(batch).await.unwrap();
    assert_eq!(times(store).await, before + 1);
}

async fn number(store: &Store) -> String {
    store.get(&key("sums")).await.unwrap().unwrap().fields["n"].clone()
}

fn counting(by: impl IntoIterator<Item = i64>) -> Batch {
    amid(|batch| {
        for by in by {
            batch.count_up(name("sums"), "n", by, None);
        }
        batch
    })
}

/// A record that has a number like this.
async fn set_number(store: &Store, number: &str) {
    let mut batch = Batch::new(slot());
    batch.put(name("sums"), fields([("n", number)]));
    store.commit(batch).await.unwrap();
}

contract! {
    async fn a_field_that_is_no_number_is_left_as_it_is_and_all_else_is_written(store: Arc<Store>) {
        for text in ["many", "", " 1", "+1", "01", "-0", "1.0", "99999999999999999999", "9007199254740993"] {
            set_number(&store, text).await;
            let before = store.get(&key("sums")).await.unwrap().unwrap().revision;
            leaves_out(&store, counting([1])).await;
            assert_eq!(number(&store).await, text);
            assert!(count(Some(text), 1).is_err());
            // Who counts what the number should be sees that it was to be another.
            assert_ne!(store.get(&key("sums")).await.unwrap().unwrap().revision, before);
        }
    }

    async fn a_number_that_would_be_too_great_is_left_as_it_is_and_all_else_is_written(store: Arc<Store>) {
        for (start, by) in [(MOST, vec![1]), (-MOST, vec![-1]), (0, vec![i64::MAX]), (5, vec![MOST - 5, 1]), (-1, vec![i64::MIN])] {
            set_number(&store, &start.to_string()).await;
            leaves_out(&store, counting(by)).await;
            assert_eq!(number(&store).await, start.to_string());
        }
        store.commit(counting([1 - MOST, 1, MOST - 1])).await.unwrap();
        assert_eq!(number(&store).await, "0");
        store.commit(counting([MOST])).await.unwrap();
        assert_eq!(number(&store).await, MOST.to_string());
    }

    async fn what_a_batch_puts_or_deletes_before_it_counts_may_have_been_anything(store: Arc<Store>) {
        for value in [None, Some("5")] {
            set_number(&store, "many").await;
            let mut batch = Batch::new(slot());
            match value {
                Some(value) => batch.put(name("sums"), fields([("n", value)])),
                None => batch.delete(name("sums")),
            };
            batch.count_up(name("sums"), "n", 2, None);
            store.commit(batch).await.unwrap();
            assert_eq!(number(&store).await, value.map_or("2", |_| "7"));
        }
    }

    async fn only_the_numbers_that_are_damaged_are_left_out(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        batch.put(name("sums"), fields([("n", "many"), ("m", "1")]));
        store.commit(batch).await.unwrap();
        let both = amid(|batch| batch.count_up(name("sums"), "n", 1, None).count_up(name("sums"), "m", 1, None));
        leaves_out(&store, both).await;
        assert_eq!(store.get(&key("sums")).await.unwrap().unwrap().fields, fields([("n", "many"), ("m", "2")]));
        // One that the batch itself makes good is counted.
        let mut batch = counting([1]);
        batch.put(name("sums"), fields([])).count_up(name("sums"), "n", 3, None);
        store.commit(batch).await.unwrap();
        assert_eq!(store.get(&key("sums")).await.unwrap().unwrap().fields, fields([("n", "3")]));
    }

    async fn many_commits_at_once_leave_out_the_same(store: Arc<Store>) {
        set_number(&store, "many").await;
        let commits = (0..40).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(counting([1])).await })
        });
        for commit in commits.collect::<Vec<_>>() {
            commit.await.unwrap().unwrap();
        }
        assert_eq!((times(&store).await, number(&store).await), (40, "many".to_owned()));
    }

    async fn a_conflict_is_no_less_one_for_damage(store: Arc<Store>) {
        set_number(&store, "many").await;
        let mut batch = counting([1]);
        batch.expect(name("absent"), Expectation::Exists);
        assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
        assert_eq!(times(&store).await, 0);
    }
}

/// Every kind of write on a key of every type that it does not expect.
async fn keys_of_another_type(store: Store, client: &Client, prefix: &str) {
    type Change = fn(&mut Batch) -> &mut Batch;
    let damaged = format!("{prefix}{{slot}}:damaged");
    let changes: [(&str, bool, Change); 5] = [
        ("list", true, |batch| batch.append(name("damaged"), "line", Keep { most: 99, until: LATER })),
        ("zset", false, |batch| batch.add(name("damaged"), "a", 1)),
        ("zset", false, |batch| batch.remove(name("damaged"), "a")),
        ("hash", true, |batch| batch.count_up(name("damaged"), "n", 1, Some(LATER))),
        ("hash", false, |batch| batch.expect(name("damaged"), Expectation::Absent)),
    ];
    for (kind, make) in [("string", "SET"), ("list", "LPUSH"), ("zset", "ZADD"), ("hash", "HSET")] {
        let value = match kind {
            "zset" => " 1 a",
            "hash" => " field value",
            _ => " text",
        };
        let _: fred::types::Value = command(client, &format!("{make} {damaged}{value}")).await;
        for (expected, is_beside, change) in changes {
            if kind != expected {
                if is_beside {
                    leaves_out(&store, amid(change)).await;
                } else {
                    refuses(&store, amid(change), &["damaged", "WRONGTYPE"]).await;
                }
                assert_eq!(command::<String>(client, &format!("TYPE {damaged}")).await, kind);
                assert_eq!(command::<i64>(client, &format!("PTTL {damaged}")).await, -1);
            }
        }
        // What is to be there afterwards takes the place of anything.
        store.commit(amid(|batch| batch.put(name("damaged"), fields([])))).await.unwrap();
        let _: () = command(client, &format!("DEL {damaged}")).await;
        let _: fred::types::Value = command(client, &format!("{make} {damaged}{value}")).await;
        store.commit(amid(|batch| batch.delete(name("damaged")).add(name("damaged"), "a", 1))).await.unwrap();
        let mut clear = Batch::new(slot());
        for part in ["before", "after"] {
            for kind in ["record", "index", "log", "number"] {
                clear.delete(name(&format!("{kind} {part}")));
            }
        }
        store.commit(clear.delete(name("damaged")).clone()).await.unwrap();
    }
}

#[tokio::test]
async fn redis_a_key_of_another_type_is_not_written_to() {
    for program in ["redis-server", "valkey-server"] {
        let server = RedisServer::launch(program, &[]);
        let store = Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap());
        keys_of_another_type(store, &server.client().await, "test:").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_a_key_of_another_type_is_not_written_to() {
    let cluster = RedisCluster::shared().await;
    let store = Store::Redis(Redis::connect(&RedisOptions::new(cluster.url(), "damage:")).await.unwrap());
    let mut owner = None;
    for client in cluster.clients().await {
        if command::<i64>(&client, "CLUSTER KEYSLOT {slot}").await >= 0
            && super::redis_server::try_command::<i64>(&client, "EXISTS damage:{slot}:damaged").await.is_ok()
        {
            owner = Some(client);
        }
    }
    let owner = owner.unwrap();
    keys_of_another_type(store, &owner, "damage:").await;
    owner.quit().await.unwrap();
}

/// Bytes that are no text are no number.
#[tokio::test]
async fn redis_bytes_that_are_no_text_are_not_counted_up() {
    let server = RedisServer::start();
    let store = Store::Redis(Redis::connect(&RedisOptions::new(server.url(), "test:")).await.unwrap());
    let damage = fred::types::CustomCommand::new_static("HSET", fred::types::ClusterHash::FirstKey, false);
    let words: Vec<fred::types::Value> = vec!["test:{slot}:sums".into(), "n".into(), (&b"\xff1"[..]).into()];
    let _: i64 = server.client().await.custom(damage, words).await.unwrap();
    leaves_out(&store, counting([1])).await;
    assert_eq!(command::<i64>(&server.client().await, "HSTRLEN test:{slot}:sums n").await, 2);
}
