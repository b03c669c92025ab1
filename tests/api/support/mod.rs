//! A service for one test, and a client that holds every answer against the OpenAPI document.

mod client;
mod clock;
mod contract;

use std::{path::Path, sync::Arc};

use clap::Parser;
use latchkey::{app::App, cli::Cli, config::Config};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

pub use self::{
    client::{Answer, Person},
    clock::ManualClock,
    contract::Contract,
};
use crate::redis_server::RedisServer;

/// The password of everybody, unless a test says otherwise.
pub const PASSWORD: &str = "correct horse battery staple";

/// Makes a test out of each store.
macro_rules! on_every_store {
    ($(async fn $test:ident($app:ident: TestApp) $body:block)*) => {$(
        async fn $test($app: &crate::support::TestApp) $body

        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                let app = crate::support::TestApp::embedded().await;
                super::$test(&app).await;
                app.stop().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                let app = crate::support::TestApp::redis().await;
                super::$test(&app).await;
                app.stop().await;
            }
        }
    )*};
}
pub(crate) use on_every_store;

/// A running service.
pub struct TestApp {
    pub url: String,
    pub clock: Arc<ManualClock>,
    pub redis: Option<RedisServer>,
    client: reqwest::Client,
    contract: Contract,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
    _folder: TempDir,
}

impl TestApp {
    pub async fn embedded() -> Self {
        Self::start(None).await
    }

    pub async fn redis() -> Self {
        Self::start(Some(RedisServer::start())).await
    }

    /// A second service over the same Redis.
    pub async fn twin(&self) -> Self {
        Self::beside(self, &[]).await
    }

    /// A second service over the same Redis, with more arguments.
    pub async fn beside(first: &Self, arguments: &[&str]) -> Self {
        Self::run(first.redis.as_ref(), first.clock.clone(), arguments).await
    }

    async fn start(redis: Option<RedisServer>) -> Self {
        let app = Self::run(redis.as_ref(), Arc::default(), &[]).await;
        Self { redis, ..app }
    }

    async fn run(redis: Option<&RedisServer>, clock: Arc<ManualClock>, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(redis, folder.path(), arguments);
        let app = App::start(&config, clock.clone()).await.unwrap();
        let url = format!("http://{}", app.address());
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(app.run(async { drop(stopped.await) }));
        let (client, contract) = (reqwest::Client::new(), Contract::default());
        Self { url, clock, redis: None, client, contract, stop, server, _folder: folder }
    }

    /// Stops the service, which must end well.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.server.await.unwrap().unwrap();
    }
}

/// The settings of a test: the smallest legal Argon2 cost, and a queue that is never full.
fn config(redis: Option<&RedisServer>, folder: &Path, arguments: &[&str]) -> Config {
    let data = folder.join("data");
    let mut line = vec!["latchkey", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let cheap = ["--argon2-memory-kib", "8", "--argon2-iterations", "1", "--argon2-parallelism", "1"];
    for pair in cheap.chunks(2).chain([["--hash-queue", "10000"].as_slice()]) {
        if !arguments.contains(&pair[0]) {
            line.extend(pair);
        }
    }
    line.extend(arguments);
    let url = redis.map(RedisServer::url);
    if let Some(url) = &url {
        line.extend(["--redis-url", url]);
    }
    Cli::try_parse_from(line).unwrap().config
}
