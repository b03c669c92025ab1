//! Indexes: what they hold, in which order, between which bounds.

use std::{ops::Bound, sync::Arc};

use latchkey::store::{Batch, Order, Store};

use super::{contract::contract, key, name, slot};

contract! {
    async fn an_index_is_read_by_score_within_bounds_and_limit(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        for (member, score) in [("e", 5), ("a", 1), ("c", 3), ("b", 2), ("d", 4)] {
            batch.add(name("index"), member, score);
        }
        batch.add(name("other"), "x", 3).add(name("inde"), "y", 3);
        store.commit(batch).await.unwrap();
        let range = async |scores, limit| store.range(&key("index"), scores, limit).await.unwrap();
        assert_eq!(range(i64::MIN..=i64::MAX, usize::MAX).await, ["a", "b", "c", "d", "e"]);
        assert_eq!(range(2..=4, 9).await, ["b", "c", "d"]);
        assert_eq!(range(2..=4, 2).await, ["b", "c"]);
        assert_eq!(range(3..=3, 9).await, ["c"]);
        assert!(range(6..=9, 9).await.is_empty());
    }

    async fn indexes_are_read_up_to_the_limit_however_long_they_are(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        for (index, length) in [("short", 40), ("long", 90)] {
            for number in 0..length {
                batch.add(name(index), format!("{number:02}"), number);
            }
        }
        store.commit(batch).await.unwrap();
        for (limit, short, long) in [(39, 39, 39), (40, 40, 40), (41, 40, 41), (90, 40, 90), (usize::MAX, 40, 90)] {
            for (order, ends) in [(Order::Ascending, [0, 0]), (Order::Descending, [39, 89])] {
                let indexes = ["short", "long", "none"].map(key);
                let found = store.ranges(&indexes, i64::MIN..=i64::MAX, order, limit).await.unwrap();
                assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [short, long, 0], "{limit}");
                assert_eq!([found[0][0].1, found[1][0].1], ends, "{limit}");
                let alone = store.ranges(&indexes[1..2], i64::MIN..=i64::MAX, order, limit).await.unwrap();
                assert_eq!(alone[0], found[1], "{limit}");
            }
        }
    }

    async fn nothing_is_between_bounds_the_wrong_way_round_however_much_there_is(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        for number in 0..3000 {
            batch.add(name("index"), format!("{number:04}"), number).add(name("names"), format!("{number:04}"), 0);
        }
        store.commit(batch).await.unwrap();
        let included = |number: i64| Bound::Included(format!("{number:04}"));
        let excluded = |number: i64| Bound::Excluded(format!("{number:04}"));
        for order in [Order::Ascending, Order::Descending] {
            let list = async |first, last| store.list(&[key("names")], &(first, last), order, 9).await.unwrap().concat();
            for (low, high) in [(2999, 0), (1501, 1500), (2000, 10)] {
                let found = store.ranges(&[key("index")], low..=high, order, 9).await.unwrap();
                assert!(found.concat().is_empty(), "{low} to {high}");
                for (first, last) in [(included(low), included(high)), (excluded(low), excluded(high))] {
                    assert_eq!(list(first, last).await, [""; 0], "{low} to {high}");
                }
            }
            for (first, last) in [
                (excluded(1500), excluded(1500)),
                (included(1500), excluded(1500)),
                (excluded(1500), included(1500)),
                (excluded(1500), excluded(1501)),
            ] {
                assert_eq!(list(first.clone(), last.clone()).await, [""; 0], "{first:?} to {last:?}");
            }
            assert_eq!(list(included(1500), included(1500)).await, ["1500"]);
            assert_eq!(list(excluded(1500), included(1501)).await, ["1501"]);
        }
    }

    async fn a_member_has_one_score_and_an_index_is_deleted_whole(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        batch.add(name("index"), "a", 1).add(name("index"), "b", 2).add(name("index"), "a", 3);
        store.commit(batch).await.unwrap();
        assert_eq!(store.range(&key("index"), 0..=9, 9).await.unwrap(), ["b", "a"]);
        let mut delete = Batch::new(slot());
        delete.delete(name("index"));
        store.commit(delete).await.unwrap();
        assert!(store.range(&key("index"), 0..=9, 9).await.unwrap().is_empty());
    }
}
