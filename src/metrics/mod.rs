//! Numbers that the rooms count, and the page that they are on. It knows nothing of what is counted.
//!
//! Each room owns its numbers, as plain fields of a struct of its own, and counts where the fact is known. Counting is an
//! atomic addition or two: no lock is taken, and nothing is looked up but what was made at the start. The labels of a
//! number are closed enums, or routes that were known at the start, so nobody can make more series by what they send.
//!
//! The page is in the text format of Prometheus (version 0.0.4), which every collector reads and `promtool` checks. It is
//! written here, since the crates for it either put a lock around each histogram or know no format but `OpenMetrics`.

mod label;
mod number;
mod page;
mod process;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub(crate) use self::label::label;
pub use self::{
    label::{By, Label},
    number::{Counter, Gauge, Histogram},
    page::{Family, Page},
    process::Process,
};

/// A room that has numbers.
pub trait Source: Send + Sync {
    /// Writes them. What has to be asked for is asked now, within a few seconds.
    fn write<'a>(&'a self, page: &'a mut Page) -> BoxFuture<'a, ()>;
}

/// Everybody who has numbers.
#[derive(Clone)]
pub struct Sources(Arc<[Arc<dyn Source>]>);

impl Sources {
    /// These, in this order.
    #[must_use]
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        Self(sources.into())
    }

    /// The page as it is now.
    pub async fn page(&self) -> String {
        let mut page = Page::default();
        for source in &*self.0 {
            source.write(&mut page).await;
        }
        page.into_text()
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sources").field(&self.0.len()).finish()
    }
}
