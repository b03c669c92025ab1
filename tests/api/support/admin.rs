//! Those who run the service: with an API key that has all scopes.

use std::process::Output;

use serde_json::Value;

use super::{Request, TestApp, run};

/// All that an API key may be good for on `/v1/admin`.
pub const SCOPES: &str = "users:read users:write users:delete users:import roles:read roles:write statistics:read";

/// The API key that the command line has printed.
#[track_caller]
fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

impl TestApp {
    /// An embedded store that has an API key with all scopes: made while no service runs, since only one can.
    pub async fn embedded_with_key(arguments: &[&str]) -> Self {
        let folder = Self::embedded().await.end().await;
        let data = folder.path().join("data");
        let line = format!("api-keys create --name admin --scope {SCOPES} --data-dir {}", data.display());
        let words = line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let run = move || run(&[], &words.iter().map(String::as_str).collect::<Vec<_>>());
        let key = printed(&tokio::task::spawn_blocking(run).await.unwrap());
        let app = Self::in_folder(folder, arguments).await;
        app.key.set(key).unwrap();
        app
    }

    /// An API key with all scopes.
    pub async fn admin_key(&self) -> String {
        let make = async || self.api_key_for(SCOPES).await;
        self.key.get_or_init(make).await.clone()
    }

    /// An API key with these scopes: not on an embedded store.
    pub async fn api_key_for(&self, scopes: &str) -> String {
        printed(&self.operator(&format!("api-keys create --name some --scope {scopes}")).await)
    }

    /// What all pages of a list together have, and how many each of them has. The path has some parameter.
    pub async fn all_pages(&self, path: &str) -> (Vec<Value>, Vec<usize>) {
        let (mut items, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
        loop {
            let page = self.admin("GET", &format!("{path}{cursor}")).await.send().await.expect(200).body;
            let found = page["items"].as_array().unwrap();
            items.extend(found.clone());
            pages.push(found.len());
            assert!(pages.len() < 1000, "{path} has no end");
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return (items, pages),
            }
        }
    }

    /// A request of somebody who may do everything.
    pub async fn admin(&self, method: &str, path: &str) -> Request<'_> {
        let key = self.admin_key().await;
        self.request(method, path).bearer(&key)
    }
}
