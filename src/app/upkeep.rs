//! What is done every now and then, as long as the service runs.

use std::{sync::Arc, time::Duration};

use crate::accounts::Accounts;

/// How often expired records are collected.
const COLLECT_EVERY: Duration = Duration::from_secs(60);

/// How often the signing keys are read again, and what is due to them is done.
const KEEP_KEYS_EVERY: Duration = Duration::from_secs(30);

/// Collects what has expired, at once and again and again.
pub(super) async fn collect(accounts: Arc<Accounts>) {
    loop {
        match accounts.collect_expired().await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "expired records could not be collected"),
        }
        tokio::time::sleep(COLLECT_EVERY).await;
    }
}

/// Keeps the signing keys up to date, again and again.
pub(super) async fn keep_keys(accounts: Arc<Accounts>) {
    loop {
        tokio::time::sleep(KEEP_KEYS_EVERY).await;
        match accounts.keyring().keep().await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the signing keys could not be kept up to date"),
        }
    }
}
