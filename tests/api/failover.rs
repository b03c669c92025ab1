//! The whole service while a master dies: it finds the new one by itself, and says 503 until then.

use std::time::{Duration, Instant};

use fred::clients::Client;

use crate::{
    cluster_of_servers::{RedisCluster, info, until},
    load,
    sentinel::Watched,
    support::TestApp,
};

/// How long the service may take to be there again, after the servers agree on a new master.
const RECOVERY: Duration = Duration::from_secs(10);

/// How long a client may wait: 1.8 s for the store, and a noisy machine. Two such waits would take longer.
const PATIENCE: Duration = Duration::from_millis(3_300);

/// Long enough for a good number of writes before and after a fault.
const CALM: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_names_another_master_and_the_service_follows() {
    let mut watched = Watched::start(2).await;
    let app = TestApp::on(&watched.url()).await;
    let replicas = [watched.servers[1].client().await, watched.servers[2].client().await];
    let mut recovered = Duration::MAX;
    let outcome = load::during(&app, async {
        tokio::time::sleep(CALM).await;
        watched.servers[0].kill();
        recovered = until_writing_again(&app, &replicas).await;
        tokio::time::sleep(CALM).await;
    })
    .await;
    let lost = outcome.lost(&app).await;
    outcome.print("master killed, Sentinel", lost);
    assert!(outcome.slowest < PATIENCE, "{:?}", outcome.slowest);
    println!("writing again {:.2} s after the election", recovered.as_secs_f64());
    assert!(recovered < RECOVERY, "{recovered:?}");
    assert!(
        outcome.longest_read_gap > Duration::from_millis(500),
        "nobody noticed, so this proved little: {outcome:?}"
    );
    assert!(!outcome.acknowledged.is_empty(), "{outcome:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_replaces_a_master_that_hangs_and_the_service_follows() {
    let watched = Watched::start(2).await;
    let app = TestApp::on(&watched.url()).await;
    let replicas = [watched.servers[1].client().await, watched.servers[2].client().await];
    let outcome = load::during(&app, async {
        tokio::time::sleep(CALM).await;
        watched.servers[0].freeze();
        let recovered = until_writing_again(&app, &replicas).await;
        assert!(recovered < RECOVERY, "{recovered:?}");
        watched.servers[0].thaw(); // it is a replica now, and nobody may read from it or write to it
        tokio::time::sleep(2 * CALM).await;
    })
    .await;
    // What is written now is read: not from the one that was the master.
    for n in 0..20 {
        app.person(&format!("late{n}")).await;
    }
    let lost = outcome.lost(&app).await;
    outcome.print("master frozen and thawed, Sentinel", lost);
    assert!(outcome.slowest < PATIENCE, "{:?}", outcome.slowest);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_elects_another_master_and_the_service_follows() {
    let mut cluster = RedisCluster::start(3, 1).await;
    let app = TestApp::on(&cluster.url()).await;
    let heir = cluster.nodes[3].client().await;
    let others = [cluster.nodes[1].client().await, cluster.nodes[2].client().await];
    let outcome = load::during(&app, async {
        tokio::time::sleep(CALM).await;
        cluster.nodes[0].kill();
        until(async || info(&heir, "replication").await.contains("role:master")).await;
        let elected = Instant::now();
        cluster_is_whole(&others).await;
        let mut streak = 0;
        until(async || {
            let written = app.register(&format!("probe{:?}", elected.elapsed().as_millis())).await.status == 201;
            streak = if written { streak + 1 } else { 0 };
            streak == 30 // in all parts of the cluster
        })
        .await;
        assert!(elected.elapsed() < RECOVERY, "{:?}", elected.elapsed());
        tokio::time::sleep(CALM).await;
    })
    .await;
    let lost = outcome.lost(&app).await;
    outcome.print("master killed, cluster", lost);
    assert!(outcome.slowest < PATIENCE, "{:?}", outcome.slowest);
    assert!(
        outcome.longest_write_gap > Duration::from_millis(500),
        "nobody noticed, so this proved little: {outcome:?}"
    );
    app.stop().await;
}

/// Waits until one of the replicas is the master, and answers how long after that the service writes again.
async fn until_writing_again(app: &TestApp, replicas: &[Client; 2]) -> Duration {
    until(async || {
        let roles = [info(&replicas[0], "replication").await, info(&replicas[1], "replication").await];
        roles.iter().any(|role| role.contains("role:master"))
    })
    .await;
    let elected = Instant::now();
    until(async || app.register(&format!("probe{:?}", elected.elapsed().as_millis())).await.status == 201).await;
    elected.elapsed()
}

async fn cluster_is_whole(clients: &[Client]) {
    for client in clients {
        until(async || crate::cluster_of_servers::info_of_cluster(client).await.contains("cluster_state:ok")).await;
    }
}
