//! What the embedded store promises beyond the contract.

use std::{
    io::Write as _,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use latchkey::store::{Batch, EXPIRY_GRACE, Embedded, Keep, ReadError, Store};

use super::{fields, key, name, put, slot};

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let store = Store::Embedded(Embedded::open(&file).unwrap());
    let revision = store.commit(put("a", "1")).await.unwrap();
    store.close().await;

    let store = Store::Embedded(Embedded::open(&file).unwrap());
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().revision, revision);
}

#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let _store = Embedded::open(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_closed_store_is_free_at_once_and_refuses_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let store = Store::Embedded(Embedded::open(&file).unwrap());
    store.commit(put("a", "1")).await.unwrap();
    store.close().await;
    assert!(store.get(&key("a")).await.is_err());
    assert!(store.commit(put("a", "2")).await.is_err());
    let again = Store::Embedded(Embedded::open(&file).unwrap());
    assert_eq!(again.get(&key("a")).await.unwrap().unwrap().fields["value"], "1");
}

#[tokio::test]
async fn a_file_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let _store = Embedded::open(&file).unwrap();
    let refused = Embedded::open(&file).unwrap_err().to_string();
    assert!(refused.ends_with("store.redb is in use by another process"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    std::fs::write(&file, "something else").unwrap();
    assert!(Embedded::open(&file).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"something else", "and left as it was");
}

/// There is less of the file than there should be, for a while.
#[tokio::test]
async fn after_a_read_that_failed_the_file_is_opened_again_without_any_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::Embedded(Embedded::open(&path).unwrap());
    // More than is kept in memory.
    let keys = (0..20).map(|number| number.to_string()).collect::<Vec<_>>();
    for record in &keys {
        store.commit(put(record, &"x".repeat(1 << 20))).await.unwrap();
    }
    store.close().await;
    let whole = std::fs::read(&path).unwrap();

    let store = Store::Embedded(Embedded::open(&path).unwrap());
    let read_all = async || {
        for record in &keys {
            store.get(&key(record)).await?;
        }
        Ok::<_, ReadError>(())
    };
    std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
    assert!(matches!(read_all().await, Err(ReadError::Unavailable(_))));
    std::fs::File::options().write(true).open(&path).unwrap().write_all(&whole).unwrap();
    let mended = async {
        while read_all().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await; // the pace of the looks
        }
    };
    tokio::time::timeout(Duration::from_secs(30), mended).await.unwrap();
}

#[tokio::test]
async fn expired_records_are_collected_after_the_grace() {
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let grace = i64::try_from(EXPIRY_GRACE.as_millis()).unwrap();
    let mut batch = Batch::new(slot());
    batch.put_until(name("short"), fields([]), now).put_until(name("long"), fields([]), now + 5_000);
    // Written again without an expiry, it stays.
    batch.put_until(name("kept"), fields([]), now).put(name("kept"), fields([]));
    store.commit(batch).await.unwrap();

    assert_eq!(store.collect_expired(now + grace + 1).await.unwrap(), 1);
    let left = store.get_many(&["short", "long", "kept"].map(key)).await.unwrap();
    assert_eq!(left.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(store.collect_expired(now + grace + 5_001).await.unwrap(), 1);
}

#[tokio::test]
async fn logs_are_collected_as_a_whole_after_the_last_of_their_ends() {
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let grace = i64::try_from(EXPIRY_GRACE.as_millis()).unwrap();
    for (log, until) in [("short", now), ("long", now), ("long", now + 5_000)] {
        let mut batch = Batch::new(slot());
        batch.append(name(log), "line", Keep { most: 9, until });
        store.commit(batch).await.unwrap();
    }
    let lines =
        async || store.logs(&["short", "long"].map(key)).await.unwrap().iter().map(Vec::len).collect::<Vec<_>>();

    assert_eq!(store.collect_expired(now + grace + 1).await.unwrap(), 1);
    assert_eq!(lines().await, [0, 2]);
    assert_eq!(store.collect_expired(now + grace + 5_001).await.unwrap(), 2);
    assert_eq!(lines().await, [0, 0]);
    assert_eq!(store.collect_expired(i64::MAX - grace).await.unwrap(), 0);
}

#[tokio::test]
async fn a_long_log_is_collected_a_part_at_a_time() {
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    let line = |log: &str, count: u32, until| {
        let mut batch = Batch::new(slot());
        for number in 0..count {
            batch.append(name(log), number.to_string(), Keep { most: 10_000, until });
        }
        batch
    };
    store.commit(line("a", 2_500, 1)).await.unwrap();
    store.commit(line("b", 1_500, 1)).await.unwrap();
    store.commit(line("d", 1_200, 1)).await.unwrap();
    store.commit(line("later", 1, 3)).await.unwrap();
    let mut batch = Batch::new(slot());
    batch.put_until(name("c"), fields([]), 1);
    store.commit(batch).await.unwrap();
    let grace = i64::try_from(EXPIRY_GRACE.as_millis()).unwrap();
    let logs = async || store.logs(&["a", "b", "later"].map(key)).await.unwrap();

    assert_eq!(store.collect_expired(grace + 2).await.unwrap(), 1_000);
    let left = logs().await;
    assert_eq!(left.iter().map(Vec::len).collect::<Vec<_>>(), [1_500, 1_500, 1]);
    assert_eq!(left[0][0], "1000", "the oldest go first");
    // What is added meanwhile keeps the log for longer, with what is left of it.
    store.commit(line("b", 1, 3)).await.unwrap();
    let (mut collected, mut parts) = (0, 0);
    loop {
        match store.collect_expired(grace + 2).await.unwrap() {
            0 => break,
            some => collected += some,
        }
        parts += 1;
    }
    assert_eq!((collected, parts), (2_701, 3), "and the record");
    assert_eq!(logs().await.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1_501, 1]);
    assert!(store.get(&key("c")).await.unwrap().is_none());
}

#[tokio::test]
async fn its_size_is_how_many_keys_there_are() {
    let store = Store::Embedded(Embedded::in_memory().unwrap());
    let mut batch = put("record", "1");
    batch.add(name("index"), "a", 1).add(name("index"), "b", 1).add(name("other"), "a", 1);
    batch.append(name("log"), "line", Keep { most: 9, until: 1 }).append(
        name("log"),
        "line",
        Keep { most: 9, until: 1 },
    );
    store.commit(batch).await.unwrap();
    assert_eq!(store.size().await.unwrap(), 4);
    store.discard(&slot(), &["record", "index", "other", "log"].map(name)).await.unwrap();
    assert_eq!(store.size().await.unwrap(), 0);
    assert_eq!(store.collect_expired(i64::MAX).await.unwrap(), 0);
}

/// What was written while nobody knew of the sizes of indexes, or what somebody has damaged, is found out when the file is
/// opened.
#[tokio::test]
async fn how_many_members_indexes_have_is_counted_anew_when_it_cannot_be_right() {
    // The members of each of two indexes.
    let both: [[&[&str]; 2]; 4] = [[&[], &[]], [&["a"], &[]], [&["a"], &["a"]], [&["a", "b", "c"], &["a", "b", "c"]]];
    let sizes = ["", "0", "1", "2", "3", "4", "-1", "many"];
    let folder = tempfile::tempdir().unwrap();
    for (number, members) in both.iter().enumerate() {
        let file = folder.path().join(format!("{number}.redb"));
        let store = Store::Embedded(Embedded::open(&file).unwrap());
        let mut batch = Batch::new(slot());
        batch.add(name("index"), "gone", 1).remove(name("index"), "gone");
        for (index, members) in ["index", "index:more"].into_iter().zip(members) {
            for member in *members {
                batch.add(name(index), *member, 1);
            }
        }
        store.commit(batch).await.unwrap();
        store.close().await;
        for (damaged, size) in
            ["index", "index:more", "gone"].into_iter().flat_map(|index| sizes.map(|size| (index, size)))
        {
            set_size(&file, &format!("{{slot}}:{damaged}"), size);
            let store = Store::Embedded(Embedded::open(&file).unwrap());
            let [index, more] = members.map(|members| members.len() as u64);
            let counts = store.count(&["index", "index:more", "gone"].map(key), &[i64::MIN]).await.unwrap();
            assert_eq!(counts, [[index], [more], [0]], "{damaged} of {size:?}");
            assert_eq!(store.size().await.unwrap(), index.min(1) + more.min(1));
            store.close().await;
        }
    }
}

/// Writes into the file how many members an index has; of an empty text, that nothing is known of it.
fn set_size(file: &Path, index: &str, size: &str) {
    let database = redb::Database::open(file).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut sizes = transaction.open_table(redb::TableDefinition::<&str, &[u8]>::new("sizes")).unwrap();
    if size.is_empty() {
        sizes.remove(index).unwrap();
    } else {
        sizes.insert(index, size.as_bytes()).unwrap();
    }
    drop(sizes);
    transaction.commit().unwrap();
}
