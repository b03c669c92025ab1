//! Walks through a store: whatever is there the whole time is seen, whatever else happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::TryStreamExt;
use latchkey::store::{Batch, Keep, Name, Redis, RedisOptions, Slot, Store};

use super::{
    contract::contract,
    fields, key, name, put,
    redis_server::{RedisServer, command},
    slot,
};

/// More than several pages hold.
const MANY: usize = 1_200;

/// Every key of the store and how often a walk has met it, and the number of its pages.
async fn walk(store: &Store) -> (BTreeMap<String, u32>, usize) {
    let (mut seen, mut pages) = (BTreeMap::new(), 0);
    let mut walk = store.keys();
    while let Some(keys) = walk.try_next().await.unwrap() {
        assert!(keys.len() < MANY / 2, "{} keys in one page", keys.len());
        pages += 1;
        for key in keys {
            *seen.entry(key.to_string()).or_default() += 1;
        }
    }
    (seen, pages)
}

/// Records in several slots, two indexes and two logs, and the keys of all of them.
async fn fill(store: &Store) -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for number in 0..4 {
        let slot = Slot::new(format!("b{number}"));
        let mut batch = Batch::new(slot.clone());
        for record in 0..MANY / 4 {
            let name = name(&format!("record:{record}"));
            written.insert(slot.key(&name).to_string());
            batch.put(name, fields([("value", "1")]));
        }
        store.commit(batch).await.unwrap();
    }
    let mut batch = put("alone", "1");
    for index in ["index", "index:a", "other"] {
        batch.add(name(index), "a", 1).add(name(index), "b", 2);
        written.insert(key(index).to_string());
    }
    batch.delete(name("other"));
    written.remove(key("other").as_str());
    for log in ["log:a", "log:b"] {
        batch.append(name(log), "line", Keep { most: 9, until: 4_000_000_000_000 });
        written.insert(key(log).to_string());
    }
    store.commit(batch).await.unwrap();
    written.insert(key("alone").to_string());
    written
}

contract! {
    async fn a_walk_sees_every_record_and_index_and_nothing_else(store: Arc<Store>) {
        assert_eq!(walk(&store).await.0, BTreeMap::new());
        let mut written = fill(&store).await;
        let mut root = Batch::new(Slot::new("alone"));
        root.put(Name::ROOT, fields([("value", "1")]));
        store.commit(root).await.unwrap();
        written.insert("{alone}".to_owned());
        let (seen, pages) = walk(&store).await;
        assert_eq!(seen.into_keys().collect::<BTreeSet<_>>(), written);
        assert!(pages > 3, "only {pages} pages");
        assert!(store.size().await.unwrap() >= u64::try_from(MANY).unwrap());
    }

    async fn a_walk_misses_nothing_that_is_there_while_others_write(store: Arc<Store>) {
        let written = fill(&store).await;
        let (done, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = tokio::spawn({
            let (store, done, rounds) = (Arc::clone(&store), Arc::clone(&done), Arc::clone(&rounds));
            async move {
                for round in 0.. {
                    let mut batch = Batch::new(Slot::new(format!("c{}", round % 7)));
                    for record in 0..200 {
                        let name = name(&format!("passing:{record}"));
                        if round % 2 == 0 { batch.put(name, fields([])) } else { batch.delete(name) };
                    }
                    store.commit(batch).await.unwrap();
                    rounds.fetch_add(1, Ordering::Relaxed);
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                }
            }
        });
        let mut walks = 0;
        // Until the walks have had something beside them, on however slow a disk.
        while walks < 5 || rounds.load(Ordering::Relaxed) < 2 {
            let (seen, _) = walk(&store).await;
            let missed = written.iter().filter(|key| !seen.contains_key(*key)).collect::<Vec<_>>();
            assert!(missed.is_empty(), "{missed:?}");
            walks += 1;
        }
        done.store(true, Ordering::Relaxed);
        writer.await.unwrap();
    }

    async fn a_walk_sees_every_member_of_one_index(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        let members = (0..MANY).map(|n| format!("{n}\0member")).chain([String::new()]).collect::<BTreeSet<_>>();
        for member in &members {
            batch.add(name("index"), member, 0);
        }
        batch.add(name("inde"), "x", 0).add(name("index:a"), "y", 0);
        store.commit(batch).await.unwrap();
        let seen = store.members(&key("index")).try_concat().await.unwrap();
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), members);
        assert_eq!(store.members(&key("inde")).try_concat().await.unwrap(), ["x"]);
        assert!(store.members(&key("nowhere")).try_concat().await.unwrap().is_empty());
    }

    async fn scores_are_read_together_in_the_order_asked(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        batch.add(name("index"), "a", -7).add(name("index"), "b", 1 << 53).add(name("other"), "a", 3);
        store.commit(batch).await.unwrap();
        let entry = |index, member: &str| (key(index), member.to_owned());
        let asked = [entry("index", "b"), entry("index", "c"), entry("nowhere", "a"), entry("other", "a"), entry("index", "a")];
        assert_eq!(store.scores(&asked).await.unwrap(), [Some(1 << 53), None, None, Some(3), Some(-7)]);
        assert!(store.scores(&[]).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn redis_a_walk_stays_behind_its_prefix_whatever_that_holds() {
    let server = RedisServer::start();
    let client = server.client().await;
    for key in ["axb:{s}:a", "a*b:more:{s}:a", "a*b:{s}", "a*b:{}:a", "a*b:text", "{s}:a"] {
        let _: i64 = command(&client, &format!("HSET {key} rev AAAAAAAAAAAAAAAAAAAAAA")).await;
    }
    for (prefix, expected) in [("a*b:", vec!["{s}"]), ("axb:", vec!["{s}:a"]), ("", vec!["{s}:a"]), ("a[x]b:", vec![])]
    {
        let store = Store::Redis(Redis::connect(&RedisOptions::new(server.url(), prefix)).await.unwrap());
        let seen = walk(&store).await.0;
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), expected, "{prefix}");
    }
}
