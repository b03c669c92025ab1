//! Imports into a store that stops answering: for a moment, or for longer than an import waits.

use std::{sync::Arc, time::Duration};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    cluster_of_servers::until,
    import_command::crowd,
    redis_server::command,
    support::place::{Import, Place},
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
    assert_eq!((imported.code, imported.counts()), (0, [LINES, 0, 0, 0, 0]), "{}", imported.said);
    assert_eq!(place.export().lines().count() as u64, LINES);
    place.check().expect_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_that_gave_up_is_run_again_and_comes_to_its_end() {
    let (place, import) = frozen_within_an_import().await;
    let given_up = import.await.unwrap();
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
