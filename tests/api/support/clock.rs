//! A clock that a test moves.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use latchkey::accounts::{Clock, Timestamp};

/// It begins at the present and goes on with real time, and a test can move it ahead.
#[derive(Default)]
pub struct ManualClock {
    ahead: AtomicI64,
}

impl ManualClock {
    pub fn advance(&self, duration: Duration) {
        self.ahead.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let now = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        Timestamp::from_millis(now + self.ahead.load(Ordering::SeqCst))
    }
}
