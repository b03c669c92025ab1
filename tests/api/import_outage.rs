//! Imports into a store that stops answering: for a moment, or for longer than an import waits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    cluster_of_servers::until,
    import_command::crowd,
    redis_server::command,
    support::place::{Import, Place, feed},
};

/// How many lines are imported.
const LINES: u64 = 6000;

fn lines() -> String {
    crowd("crowd", 3000, true) + &crowd("other", 3000, false)
}

/// Begins to import these lines, and freezes the store when some of them are in it.
async fn frozen_within_an_import() -> (Arc<Place>, JoinHandle<Import>) {
    let place = Arc::new(Place::redis().await);
    let redis = place.redis.as_ref().unwrap();
    let client = redis.client().await;
    let importing = Arc::clone(&place);
    let import = spawn_blocking(move || importing.import(lines(), &[]));
    until(async || command::<u64>(&client, "DBSIZE").await > 3000).await;
    redis.freeze();
    (place, import)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_waits_for_a_store_that_does_not_answer_for_a_moment() {
    let (place, import) = frozen_within_an_import().await;
    tokio::time::sleep(Duration::from_secs(4)).await; // the fault
    place.redis.as_ref().unwrap().thaw();
    let imported = import.await.unwrap();
    // Whoever was made by a commit that nobody answered is found there.
    let [created, unchanged, ..] = imported.counts();
    assert_eq!((imported.code, created + unchanged), (0, LINES), "{}", imported.said);
    assert_eq!(place.export().lines().count() as u64, LINES);
    place.check().expect_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_that_gave_up_is_run_again_and_comes_to_its_end() {
    let (place, import) = frozen_within_an_import().await;
    let frozen = Instant::now();
    let given_up = import.await.unwrap();
    assert!(frozen.elapsed() < Duration::from_secs(60), "it waits for each line by itself: {:?}", frozen.elapsed());
    place.redis.as_ref().unwrap().thaw();
    let [created, _, _, conflicts, failed] = given_up.counts();
    assert!(failed > 0 && created + conflicts + failed < LINES, "it ends there: {}", given_up.said);
    assert_eq!((given_up.code, conflicts), (2, 0), "{}", given_up.said);
    assert!(given_up.said.contains("run it again"), "{}", given_up.said);

    // What the store has read by now, it may apply yet.
    let again = place.import(lines(), &[]);
    let [made, unchanged, ..] = again.counts();
    assert_eq!((again.code, made + unchanged), (0, LINES), "{}", again.said);
    assert!(unchanged >= created, "{}", again.said);
    assert_eq!(place.export().lines().count() as u64, LINES);
    place.check().expect_clean();
}

/// What roles give is read for all lines of a window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_of_people_with_roles_ends_as_well() {
    let place = Place::redis().await;
    let line = |n: u32| format!("{{\"email\": \"editor{n}@example.com\", \"roles\": [\"editor\"]}}\n");
    let mut import = place.import_from_pipe();
    feed(&mut import, &(0..1000).map(line).collect::<String>());
    let client = place.redis.as_ref().unwrap().client().await;
    // It waits for more lines by then.
    until(async || command::<Vec<String>>(&client, "KEYS latchkey:*:user:*").await.len() == 1000).await;
    place.redis.as_ref().unwrap().freeze();
    let frozen = Instant::now();
    feed(&mut import, &(1000..1500).map(line).collect::<String>());
    drop(import.stdin.take());
    let ended = spawn_blocking(move || import.wait()).await.unwrap().unwrap();
    assert!(frozen.elapsed() < Duration::from_secs(60), "it waits for each line by itself: {:?}", frozen.elapsed());
    assert_eq!(ended.code(), Some(2));
    place.redis.as_ref().unwrap().thaw();
    assert_eq!(place.export().lines().count(), 1000);
}
