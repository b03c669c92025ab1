//! A store that services and the binary use in turn.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{Checked, TestApp, check, process::coverage, run};
use crate::{cluster_of_servers::RedisCluster, redis_server::RedisServer};

/// A store that a service has used.
pub struct Place {
    settings: Vec<(&'static str, String)>,
    pub redis: Option<RedisServer>,
    folder: TempDir,
}

/// What an import said.
#[derive(Debug)]
pub struct Import {
    pub code: i32,
    /// What became of each line, in their order.
    pub results: Vec<Value>,
    pub summary: Value,
    pub said: String,
}

impl Place {
    pub async fn embedded() -> Self {
        let folder = TestApp::embedded().await.end().await;
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        Self { settings: vec![("LATCHKEY_DATA_DIR", data)], redis: None, folder }
    }

    pub async fn redis() -> Self {
        let redis = RedisServer::start();
        let folder = TestApp::on(&redis.url()).await.end().await;
        Self { settings: vec![("LATCHKEY_REDIS_URL", redis.url())], redis: Some(redis), folder }
    }

    pub async fn cluster() -> Self {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let url = RedisCluster::shared().await.url();
        let prefix = format!("place{}:", PLACES.fetch_add(1, Ordering::Relaxed));
        let folder = TestApp::on_with(&url, &["--key-prefix", &prefix]).await.end().await;
        Self { settings: vec![("LATCHKEY_REDIS_URL", url), ("LATCHKEY_KEY_PREFIX", prefix)], redis: None, folder }
    }

    pub fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Runs the binary, when no service uses an embedded store.
    pub fn run(&self, arguments: &[&str]) -> Output {
        run(&self.settings(), arguments)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command that imports `text`, and the file with what became of each line.
    fn importing(&self, text: &[u8], more: &[&str]) -> (Vec<String>, PathBuf) {
        static IMPORTS: AtomicU32 = AtomicU32::new(0);
        let number = IMPORTS.fetch_add(1, Ordering::Relaxed);
        let (file, results) = (self.file(&format!("{number}.ndjson")), self.file(&format!("{number}.results")));
        fs::write(&file, text).unwrap();
        let arguments = ["import", file.to_str().unwrap(), "--json", "--results", results.to_str().unwrap()];
        (arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect(), results)
    }

    /// Imports these lines.
    pub fn import(&self, text: impl AsRef<[u8]>, more: &[&str]) -> Import {
        let (arguments, results) = self.importing(text.as_ref(), more);
        let output = self.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let told = String::from_utf8(output.stdout).unwrap();
        let summary = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).next_back();
        let said = told + &String::from_utf8(output.stderr).unwrap();
        let results = fs::read_to_string(results).unwrap_or_default();
        let mut results = results.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
        results.sort_by_key(|result| result["line"].as_u64());
        Import { code: output.status.code().unwrap(), results, summary: summary.unwrap_or_default(), said }
    }

    /// Begins to import these lines.
    pub fn begin_import(&self, text: &[u8]) -> Child {
        let (arguments, _) = self.importing(text, &[]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.env_clear().envs(coverage()).current_dir(self.folder.path()).envs(self.settings()).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Begins to import what is written into its standard input.
    pub fn import_from_pipe(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command
            .env_clear()
            .envs(coverage())
            .current_dir(self.folder.path())
            .envs(self.settings())
            .args(["import", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    /// What is exported.
    pub fn export(&self) -> String {
        let output = self.run(&["export"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn check(&self) -> Checked {
        check(&self.settings(), false)
    }

    /// A service on it, which must [end](TestApp::end) before anything else is done with an embedded one.
    pub async fn serve(self) -> TestApp {
        let arguments = self.settings.iter().flat_map(|(name, value)| {
            let flag = name.strip_prefix("LATCHKEY_").unwrap().to_lowercase().replace('_', "-");
            [format!("--{flag}"), value.clone()]
        });
        let arguments = arguments.collect::<Vec<_>>();
        let is_embedded = self.settings.iter().any(|(name, _)| *name == "LATCHKEY_DATA_DIR");
        let arguments = arguments.iter().map(String::as_str).filter(|_| !is_embedded).collect::<Vec<_>>();
        TestApp { redis: self.redis, ..TestApp::in_folder(self.folder, &arguments).await }
    }
}

impl Import {
    /// The outcome of each line, with the code of what is wrong.
    pub fn outcomes(&self) -> Vec<(u64, &str, &str)> {
        self.results
            .iter()
            .map(|r| {
                (r["line"].as_u64().unwrap(), r["outcome"].as_str().unwrap(), r["code"].as_str().unwrap_or_default())
            })
            .collect()
    }

    /// How many lines came to what: created, unchanged, invalid, conflicts, failed.
    #[track_caller]
    pub fn counts(&self) -> [u64; 5] {
        ["created", "unchanged", "invalid", "conflicts", "failed"]
            .map(|name| self.summary[name].as_u64().unwrap_or_else(|| panic!("{}", self.said)))
    }
}

/// Writes into the standard input of a process.
pub fn feed(child: &mut Child, text: &str) {
    child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
}
