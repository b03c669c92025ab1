//! Where `/metrics` is, and whose numbers are on it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::oneshot, task::JoinHandle};

use super::StartError;
use crate::{
    config::Config,
    http::{MetricsPage, MetricsToken, Requests},
    metrics::{Process, Source, Sources},
    server::{Server, ServerLimits},
    traces::Dropped,
};

/// Connections at once to an address that has the page alone.
const CONNECTIONS: usize = 64;

/// The page, before there is somebody who serves it.
#[derive(Debug)]
pub(super) struct Metrics {
    /// The requests of the API, which are counted in any case.
    pub(super) requests: Arc<Requests>,
    tokens: Vec<MetricsToken>,
    alone: Option<Server>,
}

impl Metrics {
    /// Reads the tokens, and binds the address that the page has alone, if it has one.
    pub(super) async fn open(config: &Config) -> Result<Self, StartError> {
        let tokens = config.metrics.tokens().map_err(StartError)?;
        let mut alone = None;
        if let Some(address) = config.metrics.metrics_listen {
            let limits = ServerLimits { connections: CONNECTIONS, ..config.server.limits() };
            let cannot = |e| StartError(format!("cannot listen on {address} (LATCHKEY_METRICS_LISTEN): {e}"));
            alone = Some(Server::bind(address, limits).await.map_err(cannot)?);
        }
        Ok(Self { requests: Arc::default(), tokens, alone })
    }

    /// The address that the page has alone.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.alone.as_ref().map(Server::address)
    }

    /// Serves the page at an address of its own, if it has one, until what is answered second is dropped. What is answered
    /// first is for the address of the API.
    pub(super) fn serve(self, rooms: [Arc<dyn Source>; 2]) -> (Option<MetricsPage>, Option<Alone>) {
        let [accounts, connections] = rooms;
        let sources = Sources::new(vec![self.requests, connections, accounts, Arc::new(Process), Arc::new(Dropped)]);
        let page = MetricsPage { sources, tokens: self.tokens };
        let Some(server) = self.alone else { return (Some(page).filter(|page| !page.tokens.is_empty()), None) };
        let (end, ended) = oneshot::channel::<()>();
        let stop = async { drop(ended.await) };
        let task = tokio::spawn(async move { server.run(page.alone(), stop, Duration::ZERO).await });
        (None, Some(Alone { end, task }))
    }
}

/// The page at an address of its own, while it is served.
pub(super) struct Alone {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Alone {
    /// Ends it.
    pub(super) async fn end(self) {
        drop(self.end);
        let _ = self.task.await; // a panic was logged
    }
}
