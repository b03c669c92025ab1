//! The imports under way, which end between two lines when the service stops: first those are asked to whose clients are
//! still there, and can be told how far it got.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::sync::{RwLock, RwLockReadGuard};

/// For how long they may go on until they are between two lines.
const PATIENCE: Duration = Duration::from_secs(5);

/// The imports of this process.
#[derive(Debug, Default)]
pub(in crate::accounts) struct UnderWay {
    /// Each import reads; whoever waits for all of them writes.
    imports: RwLock<()>,
    must_end: AtomicBool,
}

impl UnderWay {
    /// One more is under way, until what is answered is dropped.
    pub(super) async fn begin(&self) -> RwLockReadGuard<'_, ()> {
        self.imports.read().await
    }

    /// Whether they must end.
    pub(super) fn must_end(&self) -> bool {
        self.must_end.load(Ordering::Relaxed)
    }

    /// Has all of them end when they are between two lines the next time.
    pub(in crate::accounts) fn ask_to_end(&self) {
        self.must_end.store(true, Ordering::Relaxed);
    }

    /// Has all of them end, and waits until they have.
    pub(in crate::accounts) async fn end(&self) {
        self.ask_to_end();
        if tokio::time::timeout(PATIENCE, self.imports.write()).await.is_err() {
            tracing::warn!("an import is cut off: some of its last lines may be users; send the same lines again");
        }
    }
}
