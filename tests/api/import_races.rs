//! Imports beside registrations, beside each other, and cut in the midst: no address and no username has two users.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use tokio::task::spawn_blocking;

use crate::{
    cluster_of_servers::until,
    import_command::crowd,
    redis_server::command,
    support::{TestApp, place::Place},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_address_that_is_imported_and_registered_at_once_has_one_user() {
    let place = Arc::new(Place::redis().await);
    let url = place.redis.as_ref().unwrap().url();
    let app = TestApp::on_with(&url, &["--registrations-per-address", "none"]).await;
    let text = crowd("crowd", 1000, true) + &crowd("other", 1000, false);
    let importing = Arc::clone(&place);
    let import = spawn_blocking(move || importing.import(&text, &[]));
    // What is claimed before an import begins, and not made good yet, it waits for.
    let client = place.redis.as_ref().unwrap().client().await;
    until(async || command::<u64>(&client, "DBSIZE").await > 100).await;
    let (mut registered, mut rest) = (0, (0..1000).rev());
    while !import.is_finished() && rest.len() > 0 {
        let some = rest.by_ref().take(10);
        let both = some.flat_map(|n| [format!("crowd{n}"), format!("other{n}")]).collect::<Vec<_>>();
        let answers = join_all(both.iter().map(|who| app.register(who))).await;
        for answer in answers {
            assert!([201, 409].contains(&answer.status), "{}", answer.body);
            registered += u64::from(answer.status == 201);
        }
    }
    let imported = import.await.unwrap();
    let [created, unchanged, invalid, conflicts, failed] = imported.counts();
    assert_eq!((created + registered, unchanged, invalid, failed), (2000, 0, 0, 0), "{}", imported.said);
    assert_eq!(conflicts, registered);
    assert!(created > 0 && registered > 0, "they were not at once: {created} and {registered}");
    assert_eq!(place.export().lines().count(), 2000);
    place.check().expect_clean();
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_imports_of_the_same_lines_at_once_make_each_user_once() {
    let place = Place::redis().await;
    let text = crowd("crowd", 3000, true);
    let imports = std::thread::scope(|scope| {
        let runs = [(); 3].map(|()| scope.spawn(|| place.import(&text, &[])));
        runs.map(|run| run.join().unwrap())
    });
    for import in &imports {
        assert_eq!((import.code, import.counts()[0] + import.counts()[1]), (0, 3000), "{}", import.said);
    }
    // Nobody is made twice. Whom a run made when the store was too slow to say so, it finds there.
    let made = imports.iter().flat_map(|import| &import.results).filter(|result| result["outcome"] == "created");
    let made = made.map(|result| result["id"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len());
    assert_eq!(place.export().lines().count(), 3000);
    place.check().expect_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_an_import_that_was_killed_is_run_again_from_the_beginning() {
    let place = Place::redis().await;
    let text = crowd("crowd", 4000, true) + &crowd("other", 4000, false);
    let client = place.redis.as_ref().unwrap().client().await;
    for keys in [2_000, 9_000, 18_000] {
        let mut import = place.begin_import(text.as_bytes());
        until(async || command::<u64>(&client, "DBSIZE").await > keys).await;
        import.kill().unwrap();
        assert!(import.wait().unwrap().code().is_none(), "it was killed before its end");
    }
    let imported = place.import(&text, &[]);
    let [created, unchanged, ..] = imported.counts();
    assert_eq!((imported.code, created + unchanged), (0, 8000), "{}", imported.said);
    assert!(created > 0 && unchanged > 0, "{}", imported.said);
    let exported = place.export();
    assert_eq!(exported.lines().count(), 8000);
    assert_eq!(place.import(&text, &[]).counts(), [0, 8000, 0, 0, 0]);
    assert_eq!(place.export(), exported);
    place.check().expect_clean();
}
