//! What an operator does with the binary while the service runs.

use std::process::Output;

use latchkey::{accounts::Accounts, app};

use super::{TestApp, config, run};

impl TestApp {
    /// The accounts of this service as the command line opens them.
    pub async fn accounts(&self) -> Accounts {
        let config = config(&self.records, self.folder.path(), &[]);
        app::open_existing(&config, self.clock.clone()).await.unwrap().0
    }

    /// Runs the binary on the store of this service, which goes on running: not on an embedded one.
    pub async fn operator(&self, arguments: &str) -> Output {
        assert!(!self.records.is_empty(), "an embedded store has one service");
        let arguments = arguments.split_whitespace().map(str::to_owned).chain(self.records.clone()).collect::<Vec<_>>();
        let run = move || run(&[], &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}
