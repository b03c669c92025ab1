//! What reading metrics costs others.

use std::time::Instant;

use crate::{
    cluster_of_servers::calls,
    support::{TestApp, metrics::OWN_ADDRESS},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_asked_for_letters_no_more_by_those_who_read_metrics_all_the_time() {
    let app = TestApp::redis_with(&OWN_ADDRESS).await;
    let client = app.redis.as_ref().unwrap().client().await;
    let counted = async || calls(&client, "zcount").await;
    let begun = Instant::now();
    app.scrape().await;
    let once = counted().await;
    assert!(once > 0, "letters are counted");
    for _ in 0..100 {
        app.scrape().await;
    }
    // They are counted anew every two seconds.
    let (more, most) = (counted().await - once, (begun.elapsed().as_secs() + 1) * once);
    assert!(more <= most, "{more} questions, {once} for each time, in {:?}", begun.elapsed());
    app.stop().await;
}
