//! Warnings of something that cannot be asked: one now and then, also when every request finds it so.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The least time between two warnings.
const BETWEEN: Duration = Duration::from_secs(60);

/// What was told of an outage, and when.
#[derive(Default)]
pub(super) struct Outage(Mutex<Told>);

#[derive(Default)]
struct Told {
    at: Option<Instant>,
    since: u64,
}

impl Outage {
    /// Warns that a password could not be looked up by way of this setting, unless that was told just now. Answers that
    /// the password is not known.
    pub(super) fn warn(&self, setting: &str, error: &str) -> bool {
        if let Some(unchecked) = self.due(Instant::now()) {
            tracing::warn!(
                passwords.unchecked = unchecked,
                error,
                "{setting}: passwords cannot be looked up, and are taken without it"
            );
        }
        false
    }

    /// How many passwords were not looked up since the last warning, this one included, when another one is due.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += 1;
        if told.at.is_some_and(|at| now.duration_since(at) < BETWEEN) {
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_does_not_flood_the_log() {
        let (outage, start) = (Outage::default(), Instant::now());
        assert_eq!(outage.due(start), Some(1));
        assert_eq!((1..60).filter_map(|second| outage.due(start + Duration::from_secs(second))).count(), 0);
        assert_eq!(outage.due(start + Duration::from_secs(60)), Some(60));
        assert_eq!(outage.due(start + Duration::from_secs(61)), None);
    }
}
