//! The watch: it keeps the time of all connections, and closes those that are late.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::register::Register;

/// Watches until it is aborted.
pub(super) async fn keep(register: Arc<Register>) {
    let limits = &register.limits;
    let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.request_timeout);
    let every = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(250));
    let started = Instant::now();
    loop {
        tokio::time::sleep(every).await;
        register.tick.set(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        register.close_late();
    }
}
