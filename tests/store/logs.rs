//! What every store promises of logs, of numbers that are counted up, and of indexes that are read by their bytes.

use std::{ops::Bound, sync::Arc};

use latchkey::store::{Batch, CommitError, Expectation, Keep, Order, Slot, Store};

use super::{contract::contract, fields, key, name, put, slot};

/// Long after any test.
const LATER: i64 = 4_000_000_000_000;

fn entry(text: &str, most: u32) -> Batch {
    let mut batch = Batch::new(slot());
    batch.append(name("log"), text, Keep { most, until: LATER });
    batch
}

async fn log(store: &Store) -> Vec<String> {
    store.logs(&[key("log")]).await.unwrap().remove(0)
}

/// An index of these members, all with the score 0.
async fn index(store: &Store, index: &str, members: &[&str]) {
    let mut batch = Batch::new(slot());
    for member in members {
        batch.add(name(index), *member, 0);
    }
    store.commit(batch).await.unwrap();
}

contract! {
    async fn a_log_is_read_in_the_order_in_which_it_was_written(store: Arc<Store>) {
        assert!(log(&store).await.is_empty());
        for text in ["first", "second\n\0\u{1f511}", "first"] {
            store.commit(entry(text, 100)).await.unwrap();
        }
        assert_eq!(log(&store).await, ["first", "second\n\0\u{1f511}", "first"]);
    }

    async fn a_log_keeps_no_more_than_it_is_told(store: Arc<Store>) {
        for number in 0..7 {
            store.commit(entry(&number.to_string(), 3)).await.unwrap();
        }
        assert_eq!(log(&store).await, ["4", "5", "6"]);
        store.commit(entry("7", 5)).await.unwrap();
        assert_eq!(log(&store).await, ["4", "5", "6", "7"]);
        store.commit(entry("8", 1)).await.unwrap();
        assert_eq!(log(&store).await, ["8"]);
    }

    async fn several_logs_are_read_together(store: Arc<Store>) {
        store.commit(entry("a", 9)).await.unwrap();
        let elsewhere = Slot::new("elsewhere");
        let mut batch = Batch::new(elsewhere.clone());
        batch.append(name("log"), "b", Keep { most: 9, until: LATER });
        store.commit(batch).await.unwrap();
        let logs = store.logs(&[elsewhere.key(&name("log")), key("none"), key("log")]).await.unwrap();
        assert_eq!(logs, [vec!["b".to_owned()], vec![], vec!["a".to_owned()]]);
        assert!(store.logs(&[]).await.unwrap().is_empty());
    }

    async fn a_commit_that_fails_adds_to_no_log_and_counts_nothing(store: Arc<Store>) {
        let mut batch = entry("never", 9);
        batch.expect(name("absent"), Expectation::Exists).count_up(name("sums"), "a", 1, None);
        assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
        assert!(log(&store).await.is_empty());
        assert!(store.get(&key("sums")).await.unwrap().is_none());
    }

    async fn a_deleted_log_is_empty_and_can_begin_again(store: Arc<Store>) {
        store.commit(entry("old", 9)).await.unwrap();
        let mut batch = Batch::new(slot());
        batch.delete(name("log")).delete(name("none"));
        store.commit(batch).await.unwrap();
        assert!(log(&store).await.is_empty());
        store.commit(entry("new", 9)).await.unwrap();
        assert_eq!(log(&store).await, ["new"]);
    }

    async fn numbers_are_counted_up_and_down_by_many_at_once(store: Arc<Store>) {
        let tasks = (0..40).map(|number: i64| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut batch = Batch::new(slot());
                batch.count_up(name("sums"), "up", number, Some(LATER)).count_up(name("sums"), "down", -1, None);
                store.commit(batch).await.unwrap();
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let record = store.get(&key("sums")).await.unwrap().unwrap();
        assert_eq!(record.fields, fields([("down", "-40"), ("up", "780")]));
    }

    async fn counting_up_leaves_the_other_fields_and_changes_the_revision(store: Arc<Store>) {
        let before = store.commit(put("a", "kept")).await.unwrap();
        let mut batch = Batch::new(slot());
        batch.count_up(name("a"), "count", 5, None);
        let after = store.commit(batch).await.unwrap();
        let record = store.get(&key("a")).await.unwrap().unwrap();
        assert_eq!(record.fields, fields([("count", "5"), ("value", "kept")]));
        assert_eq!(record.revision, after);
        let mut batch = put("a", "guarded");
        batch.expect(name("a"), Expectation::Revision(before));
        assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
    }

    async fn an_index_is_listed_by_its_bytes_either_way(store: Arc<Store>) {
        index(&store, "names", &["b", "a\0", "a", "\u{e4}", "B", "ab"]).await;
        let list = async |span, order, limit| store.list(&[key("names")], &span, order, limit).await.unwrap().remove(0);
        let all = (Bound::Unbounded, Bound::Unbounded);
        assert_eq!(list(all.clone(), Order::Ascending, 9).await, ["B", "a", "a\0", "ab", "b", "\u{e4}"]);
        assert_eq!(list(all.clone(), Order::Descending, 9).await, ["\u{e4}", "b", "ab", "a\0", "a", "B"]);
        assert_eq!(list(all.clone(), Order::Ascending, 2).await, ["B", "a"]);
        assert_eq!(list(all.clone(), Order::Descending, 2).await, ["\u{e4}", "b"]);
        assert!(list(all, Order::Ascending, 0).await.is_empty());
        let (a, b) = ("a".to_owned(), "b".to_owned());
        for (span, found) in [
            ((Bound::Included(a.clone()), Bound::Included(b.clone())), vec!["a", "a\0", "ab", "b"]),
            ((Bound::Excluded(a.clone()), Bound::Excluded(b.clone())), vec!["a\0", "ab"]),
            ((Bound::Unbounded, Bound::Excluded(a.clone())), vec!["B"]),
            ((Bound::Excluded(b.clone()), Bound::Unbounded), vec!["\u{e4}"]),
            ((Bound::Included(a.clone()), Bound::Included(a.clone())), vec!["a"]),
            ((Bound::Included(a.clone()), Bound::Excluded(a.clone())), vec![]),
            ((Bound::Excluded(a.clone()), Bound::Excluded(a.clone())), vec![]),
            ((Bound::Included(b), Bound::Included(a)), vec![]),
        ] {
            assert_eq!(list(span.clone(), Order::Ascending, 9).await, found, "{span:?}");
            let reversed = found.into_iter().rev().collect::<Vec<_>>();
            assert_eq!(list(span.clone(), Order::Descending, 9).await, reversed, "{span:?}");
        }
    }

    async fn several_indexes_are_listed_and_counted_together(store: Arc<Store>) {
        index(&store, "names", &["a", "b", "c"]).await;
        index(&store, "names:more", &["d"]).await;
        let indexes = [key("names:more"), key("none"), key("names")];
        let all = (Bound::Unbounded, Bound::Unbounded);
        let listed = store.list(&indexes, &all, Order::Descending, 2).await.unwrap();
        assert_eq!(listed, [vec!["d".to_owned()], vec![], vec!["c".to_owned(), "b".to_owned()]]);
        assert_eq!(store.count(&indexes, &[i64::MIN]).await.unwrap(), [[1], [0], [3]]);
        let mut batch = Batch::new(slot());
        batch.add(name("names"), "a", -5).add(name("names"), "b", 7);
        store.commit(batch).await.unwrap();
        let counts = store.count(&indexes, &[8, -5, i64::MIN, 0, -4, 1]).await.unwrap();
        assert_eq!(counts, [[0, 1, 1, 1, 1, 0], [0; 6], [0, 3, 3, 2, 2, 1]]);
        assert_eq!(store.count(&indexes, &[0]).await.unwrap(), [[1], [0], [2]]);
        assert!(store.count(&[], &[0]).await.unwrap().is_empty());
    }

    async fn an_index_has_as_many_members_as_were_added_and_not_removed(store: Arc<Store>) {
        let size = async || store.count(&[key("names")], &[i64::MIN]).await.unwrap()[0][0];
        let commit = async |change: fn(&mut Batch) -> &mut Batch| {
            let mut batch = Batch::new(slot());
            change(&mut batch);
            store.commit(batch).await.unwrap();
            size().await
        };
        index(&store, "names", &["a", "b", "a"]).await;
        assert_eq!(size().await, 2);
        assert_eq!(commit(|batch| batch.add(name("names"), "a", 7).add(name("names"), "c", 7)).await, 3);
        assert_eq!(commit(|batch| batch.remove(name("names"), "a").remove(name("names"), "x")).await, 2);
        assert_eq!(commit(|batch| batch.remove(name("names"), "a").add(name("names"), "a", 0)).await, 3);
        assert_eq!(commit(|batch| batch.delete(name("names")).add(name("names"), "d", 0)).await, 1);
        assert_eq!(commit(|batch| batch.remove(name("names"), "d")).await, 0);
        assert_eq!(commit(|batch| batch.add(name("names"), "a", 0).delete(name("names"))).await, 0);
        index(&store, "names", &["e"]).await;
        store.discard(&slot(), &[name("names")]).await.unwrap();
        assert_eq!(size().await, 0);
    }
}
