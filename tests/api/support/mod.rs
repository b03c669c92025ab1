//! A service for one test, and a client that holds every answer against the OpenAPI document.

pub mod admin;
pub mod browser;
mod check;
pub mod chromium;
mod client;
mod clock;
pub mod collector;
mod contract;
mod forger;
pub mod letters;
mod mailing;
pub mod metrics;
mod operator;
mod outbox;
pub mod page;
pub mod place;
mod process;
pub mod range_service;
pub mod smtp_server;
mod tls;
pub mod victim;
mod wire;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use clap::Parser;
use latchkey::{app::App, cli::Cli, config::Config};
use tempfile::TempDir;
use tokio::{
    sync::{OnceCell, oneshot},
    task::JoinHandle,
};

pub use self::{
    check::{Checked, check},
    client::{Answer, Person, Request},
    clock::ManualClock,
    contract::Contract,
    forger::Forger,
    mailing::NEW_PASSWORD,
    outbox::{ABANDONED, Entry, NEXT_TRY, sent_by},
    process::{Process, line, run},
    tls::{Pair, Secure},
    wire::{LIVE, Wire},
};
use crate::{
    cluster_of_servers::{RedisCluster, info},
    redis_server::RedisServer,
};

/// The password of everybody, unless a test says otherwise.
pub const PASSWORD: &str = "correct horse battery staple";

/// Makes a test out of each store, on services with these arguments, if any are given before the tests.
macro_rules! on_every_store {
    (@ $test:ident, $arguments:expr) => {
        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                let app = crate::support::TestApp::with(&$arguments).await;
                super::$test(&app).await;
                app.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                let app = crate::support::TestApp::redis_with(&$arguments).await;
                super::$test(&app).await;
                app.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                let app = crate::support::TestApp::cluster_with(&$arguments).await;
                super::$test(&app).await;
                app.stop().await;
            }
        }
    };
    // The same, where there is an API key with all scopes.
    (administered $(async fn $test:ident($app:ident: TestApp) $body:block)*) => {$(
        async fn $test($app: &crate::support::TestApp) $body

        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                let app = crate::support::TestApp::embedded_with_key(&[]).await;
                super::$test(&app).await;
                app.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                let app = crate::support::TestApp::redis().await;
                super::$test(&app).await;
                app.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn cluster() {
                let app = crate::support::TestApp::cluster().await;
                super::$test(&app).await;
                app.stop().await;
            }
        }
    )*};
    (with $arguments:tt $(async fn $test:ident($app:ident: TestApp) $body:block)*) => {$(
        async fn $test($app: &crate::support::TestApp) $body
        crate::support::on_every_store!(@ $test, $arguments);
    )*};
    ($(async fn $test:ident($app:ident: TestApp) $body:block)*) => {
        crate::support::on_every_store! { with [] $(async fn $test($app: TestApp) $body)* }
    };
}
pub(crate) use on_every_store;

/// A running service.
pub struct TestApp {
    pub url: String,
    /// Where `/metrics` is alone, if it is.
    pub metrics_url: Option<String>,
    pub clock: Arc<ManualClock>,
    pub redis: Option<RedisServer>,
    /// Where the records are: what a second service over the same ones is started with.
    records: Vec<String>,
    on_shared_cluster: bool,
    client: reqwest::Client,
    contract: Contract,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    folder: TempDir,
    key: OnceCell<String>,
}

impl TestApp {
    pub async fn embedded() -> Self {
        Self::run(Vec::new(), Arc::default(), &[]).await
    }

    /// An embedded store, with more arguments.
    pub async fn with(arguments: &[&str]) -> Self {
        Self::run(Vec::new(), Arc::default(), arguments).await
    }

    pub async fn redis() -> Self {
        Self::redis_with(&[]).await
    }

    /// A Redis, with more arguments.
    pub async fn redis_with(arguments: &[&str]) -> Self {
        let redis = RedisServer::start();
        let records = vec!["--redis-url".to_owned(), redis.url()];
        Self { redis: Some(redis), ..Self::run(records, Arc::default(), arguments).await }
    }

    /// Keys of its own prefix on a cluster that is shared.
    pub async fn cluster() -> Self {
        Self::cluster_with(&[]).await
    }

    /// The same, with more arguments.
    pub async fn cluster_with(arguments: &[&str]) -> Self {
        static APPS: AtomicU32 = AtomicU32::new(0);
        let url = RedisCluster::shared().await.url();
        let prefix = format!("app{}:", APPS.fetch_add(1, Ordering::Relaxed));
        let records = ["--redis-url", &url, "--key-prefix", &prefix].map(str::to_owned);
        Self { on_shared_cluster: true, ..Self::run(records.into(), Arc::default(), arguments).await }
    }

    /// Wherever this URL leads.
    pub async fn on(url: &str) -> Self {
        Self::on_with(url, &[]).await
    }

    /// Wherever this URL leads, with more arguments.
    pub async fn on_with(url: &str, arguments: &[&str]) -> Self {
        Self::run(vec!["--redis-url".to_owned(), url.to_owned()], Arc::default(), arguments).await
    }

    /// The embedded store in the folder `data` of this one, with more arguments.
    pub async fn in_folder(folder: TempDir, arguments: &[&str]) -> Self {
        Self::run_in(folder, Vec::new(), Arc::default(), arguments).await
    }

    /// The embedded store in the folder `data` of this one, by this clock.
    pub async fn in_folder_at(folder: TempDir, clock: Arc<ManualClock>) -> Self {
        Self::run_in(folder, Vec::new(), clock, &[]).await
    }

    /// A second service over the same records.
    pub async fn twin(&self) -> Self {
        Self::beside(self, &[]).await
    }

    /// A second service over the same records, with more arguments.
    pub async fn beside(first: &Self, arguments: &[&str]) -> Self {
        assert!(!first.records.is_empty(), "an embedded store has one service");
        Self::run(first.records.clone(), first.clock.clone(), arguments).await
    }

    async fn run(records: Vec<String>, clock: Arc<ManualClock>, arguments: &[&str]) -> Self {
        Self::run_in(tempfile::tempdir().unwrap(), records, clock, arguments).await
    }

    async fn run_in(folder: TempDir, records: Vec<String>, clock: Arc<ManualClock>, arguments: &[&str]) -> Self {
        let config = config(&records, folder.path(), arguments);
        let app = App::start(&config, clock.clone()).await.unwrap();
        let url = format!("http://{}", app.address());
        let metrics_url = app.metrics_address().map(|address| format!("http://{address}/metrics"));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(app.run(async { drop(stopped.await) }));
        let (client, contract) = (reqwest::Client::new(), Contract::default());
        Self {
            url,
            metrics_url,
            clock,
            redis: None,
            records,
            on_shared_cluster: false,
            client,
            contract,
            stop,
            server,
            folder,
            key: OnceCell::new(),
        }
    }

    /// Stops the service, which must end well, and must have sent no node of a cluster keys of two slots.
    pub async fn stop(self) {
        if self.on_shared_cluster {
            for client in RedisCluster::shared().await.clients().await {
                let errors = info(&client, "errorstats").await;
                assert!(!errors.contains("CROSSSLOT"), "{errors}");
            }
        }
        self.end().await;
    }

    /// Stops the service and keeps its files.
    pub async fn end(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.server.await.unwrap();
        self.folder
    }
}

/// The settings of a test: the smallest legal Argon2 cost, a queue that is never full, and throttles whose time does not
/// end during a test.
fn config(records: &[String], folder: &Path, arguments: &[&str]) -> Config {
    let data = folder.join("data");
    let mut line = vec!["latchkey", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let cheap = ["--allow-weak-hashes", "true", "--argon2-memory-kib", "8", "--argon2-iterations", "1"];
    let wide = ["--hash-queue", "10000", "--password-attempts", "5/2h,20/24h"];
    for pair in cheap.chunks(2).chain(wide.chunks(2)) {
        if !arguments.contains(&pair[0]) {
            line.extend(pair);
        }
    }
    line.extend(arguments);
    line.extend(records.iter().map(String::as_str));
    Cli::try_parse_from(line).unwrap().config
}
