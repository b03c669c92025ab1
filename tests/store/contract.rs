//! What every store promises.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::poll;
use latchkey::store::{Batch, CommitError, Expectation, Keep, Name, Order, Slot, Store};

use super::{fields, increment, key, name, put, slot};

/// Makes one test of a contract out of each store.
macro_rules! contract {
    ($(async fn $test:ident($store:ident: $type:ty) $body:block)*) => {$(
        async fn $test($store: $type) $body

        mod $test {
            use std::sync::Arc;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_in_memory() {
                let fixture = crate::embedded_in_memory();
                super::$test(Arc::new(fixture.store)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded_on_disk() {
                let fixture = crate::embedded_on_disk();
                super::$test(Arc::new(fixture.store)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                let fixture = crate::redis().await;
                super::$test(Arc::new(fixture.store)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn valkey() {
                let fixture = crate::valkey().await;
                super::$test(Arc::new(fixture.store)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                let fixture = crate::cluster().await;
                super::$test(Arc::new(fixture.store)).await;
            }
        }
    )*};
}
pub(crate) use contract;

fn expecting(record: &str, expectation: Expectation) -> Batch {
    let mut batch = put(record, "changed");
    batch.expect(name(record), expectation);
    batch
}

async fn value(store: &Store, record: &str) -> Option<String> {
    store.get(&key(record)).await.unwrap().and_then(|record| record.fields.get("value").cloned())
}

contract! {
    async fn a_record_is_read_back_as_it_was_written(store: Arc<Store>) {
        let written = fields([("name", "Ada Lovelace"), ("empty", ""), ("text", "täglich\n\0\u{1f511}")]);
        let mut batch = Batch::new(slot());
        batch.put(name("a"), written.clone());
        let revision = store.commit(batch).await.unwrap();
        let read = store.get(&key("a")).await.unwrap().unwrap();
        assert_eq!((read.fields, read.revision), (written, revision));
    }

    async fn a_record_can_be_the_slot_itself(store: Arc<Store>) {
        let mut batch = Batch::new(Slot::new("alone"));
        batch.expect(Name::ROOT, Expectation::Absent).put(Name::ROOT, fields([("value", "1")]));
        store.commit(batch).await.unwrap();
        assert!(store.get(&Slot::new("alone").key(&Name::ROOT)).await.unwrap().is_some());
    }

    async fn a_record_that_is_not_there_reads_as_none(store: Arc<Store>) {
        assert!(store.get(&key("nowhere")).await.unwrap().is_none());
    }

    async fn records_are_read_together_in_the_order_asked(store: Arc<Store>) {
        store.commit(put("a", "1")).await.unwrap();
        let mut elsewhere = Batch::new(Slot::new("elsewhere"));
        elsewhere.put(name("b"), fields([("value", "2")]));
        store.commit(elsewhere).await.unwrap();
        let keys = [Slot::new("elsewhere").key(&name("b")), key("none"), key("a")];
        let read = store.get_many(&keys).await.unwrap();
        let values = read.into_iter().map(|record| record.map(|r| r.fields["value"].clone())).collect::<Vec<_>>();
        assert_eq!(values, [Some("2".to_owned()), None, Some("1".to_owned())]);
        assert!(store.get_many(&[]).await.unwrap().is_empty());
    }

    async fn a_put_leaves_no_field_of_the_record_before(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        batch.put(name("a"), fields([("old", "1"), ("value", "1")]));
        store.commit(batch).await.unwrap();
        store.commit(put("a", "2")).await.unwrap();
        assert_eq!(store.get(&key("a")).await.unwrap().unwrap().fields, fields([("value", "2")]));
    }

    async fn each_expectation_holds_or_is_a_conflict_that_writes_nothing(store: Arc<Store>) {
        let old = store.commit(put("there", "1")).await.unwrap();
        let now = store.commit(put("there", "2")).await.unwrap();
        for wrong in [
            expecting("there", Expectation::Absent),
            expecting("there", Expectation::Revision(old)),
            expecting("missing", Expectation::Exists),
            expecting("missing", Expectation::Revision(now)),
        ] {
            assert!(matches!(store.commit(wrong).await, Err(CommitError::Conflict)));
        }
        assert_eq!(value(&store, "there").await.as_deref(), Some("2"));
        assert_eq!(value(&store, "missing").await, None);

        store.commit(expecting("there", Expectation::Exists)).await.unwrap();
        store.commit(expecting("missing", Expectation::Absent)).await.unwrap();
        assert_eq!(value(&store, "there").await.as_deref(), Some("changed"));
        assert_eq!(value(&store, "missing").await.as_deref(), Some("changed"));
    }

    async fn one_broken_expectation_stops_every_write(store: Arc<Store>) {
        store.commit(put("a", "1")).await.unwrap();
        let mut batch = Batch::new(slot());
        batch.expect(name("a"), Expectation::Exists).expect(name("b"), Expectation::Exists);
        batch.put(name("a"), fields([("value", "2")])).add(name("index"), "a", 1).delete(name("a"));
        assert!(matches!(store.commit(batch).await, Err(CommitError::Conflict)));
        assert_eq!(value(&store, "a").await.as_deref(), Some("1"));
        assert!(store.range(&key("index"), 0..=9, 9).await.unwrap().is_empty());
    }

    async fn a_record_deleted_and_made_again_is_another_one(store: Arc<Store>) {
        let first = store.commit(put("a", "1")).await.unwrap();
        let mut delete = Batch::new(slot());
        delete.delete(name("a"));
        store.commit(delete).await.unwrap();
        let second = store.commit(put("a", "1")).await.unwrap();
        assert_ne!(first, second);
        let stale = expecting("a", Expectation::Revision(first));
        assert!(matches!(store.commit(stale).await, Err(CommitError::Conflict)));
    }

    async fn the_writes_of_a_batch_happen_in_order(store: Arc<Store>) {
        let mut batch = put("a", "1");
        batch.delete(name("a")).put(name("a"), fields([("value", "2")]));
        batch.add(name("index"), "m", 1).remove(name("index"), "m").add(name("index"), "n", 2);
        store.commit(batch).await.unwrap();
        assert_eq!(value(&store, "a").await.as_deref(), Some("2"));
        assert_eq!(store.range(&key("index"), 0..=9, 9).await.unwrap(), ["n"]);
    }

    async fn deleting_what_is_not_there_is_no_error(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        batch.delete(name("a")).remove(name("index"), "m");
        store.commit(batch).await.unwrap();
    }

    async fn a_record_stays_until_its_expiry(store: Arc<Store>) {
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        let mut batch = Batch::new(slot());
        batch.put_until(name("a"), fields([("value", "1")]), now + 1_000);
        store.commit(batch).await.unwrap();
        store.collect_expired(now + 2_000).await.unwrap();
        assert_eq!(value(&store, "a").await.as_deref(), Some("1"), "not before the grace has passed");
    }

    async fn of_many_writers_with_one_expectation_one_wins(store: Arc<Store>) {
        let writers = (0..50).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(expecting("a", Expectation::Absent)).await })
        });
        let mut won = 0;
        for writer in writers.collect::<Vec<_>>() {
            match writer.await.unwrap() {
                Ok(_) => won += 1,
                Err(CommitError::Conflict) => {}
                Err(e) => panic!("{e}"),
            }
        }
        assert_eq!(won, 1);
    }

    async fn no_acknowledged_increment_is_lost(store: Arc<Store>) {
        store.commit(put("counter", "0")).await.unwrap();
        let writers = (0..16).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { for _ in 0..25 { increment(&store).await.unwrap(); } })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(value(&store, "counter").await.as_deref(), Some("400"));
    }

    async fn a_commit_outlives_the_future_that_waits_for_it(store: Arc<Store>) {
        for n in 0..50 {
            let record = format!("r{n}");
            {
                let mut commit = pin!(store.commit(put(&record, "1")));
                let _ = poll!(&mut commit); // it is under way, or done already
            }
            let deadline = Instant::now() + Duration::from_secs(5);
            while value(&store, &record).await.is_none() {
                assert!(Instant::now() < deadline, "the commit was cut off");
            }
        }
    }

    async fn discarding_deletes_records_and_needs_no_expectation(store: Arc<Store>) {
        store.commit(put("a", "1")).await.unwrap();
        store.commit(put("b", "1")).await.unwrap();
        store.discard(&slot(), &[name("a"), name("nothing")]).await.unwrap();
        assert_eq!((value(&store, "a").await, value(&store, "b").await.as_deref()), (None, Some("1")));
        store.commit(expecting("a", Expectation::Absent)).await.unwrap();
    }

    async fn discarding_deletes_indexes_and_logs_too(store: Arc<Store>) {
        let mut batch = Batch::new(slot());
        for name in ["a", "b"].map(name) {
            batch.add(name.clone(), "member", 1);
        }
        for name in ["c", "d"].map(name) {
            batch.append(name, "line", Keep { most: 9, until: 4_000_000_000_000 });
        }
        store.commit(batch).await.unwrap();
        store.discard(&slot(), &["a", "c"].map(name)).await.unwrap();
        let indexes = store.ranges(&["a", "b"].map(key), 0..=9, Order::Ascending, 9).await.unwrap();
        assert_eq!(indexes.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
        let logs = store.logs(&["c", "d"].map(key)).await.unwrap();
        assert_eq!(logs.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
    }
}
