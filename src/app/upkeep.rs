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

/// Keeps the signing keys up to date, again and again, and tells when they are gone with everything else.
pub(super) async fn keep_keys(accounts: Arc<Accounts>) {
    loop {
        tokio::time::sleep(KEEP_KEYS_EVERY).await;
        // That it does not answer is told below.
        if accounts.has_lost_its_store().await.unwrap_or_default() {
            tracing::error!(
                "the store has lost its records: it was emptied, or another one is in its place; stop the service, restore \
                 them from a copy, and start it again"
            );
        }
        match accounts.keyring().keep().await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the signing keys could not be kept up to date"),
        }
    }
}
