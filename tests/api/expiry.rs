//! What has expired leaves the embedded store, which nobody else clears.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{TestApp, check};

/// Longer than a session lasts.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many sessions are stored, expired ones among them.
fn sessions(folder: &Path) -> u64 {
    let data = folder.join("data");
    check(&[("LATCHKEY_DATA_DIR", data.to_str().unwrap())], false).summary["checked"]["sessions"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_sessions_that_have_expired_are_collected_when_the_service_starts() {
    let app = TestApp::embedded().await;
    app.register("ada").await.expect(201);
    for _ in 0..3 {
        app.token("ada@example.com").await;
    }
    let clock = Arc::clone(&app.clock);
    let mut folder = app.end().await;
    assert_eq!(sessions(folder.path()), 3);
    clock.advance(YEAR);
    let begun = Instant::now();
    // A service that is stopped at once may have collected nothing yet.
    while sessions(folder.path()) > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "they are left");
        folder = TestApp::in_folder_at(folder, Arc::clone(&clock)).await.end().await;
    }
}
