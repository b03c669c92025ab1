//! `latchkey check` as its operator runs it, and what it said.

use latchkey::accounts::Fault;
use serde_json::Value;

use super::{PASSWORD, TestApp, run};

/// What a check said.
#[derive(Debug)]
pub struct Checked {
    /// The exit code.
    pub code: i32,
    /// The code and the outcome of each finding, sorted.
    pub findings: Vec<(String, String)>,
    /// Everything that it printed.
    pub text: String,
    /// The last line.
    pub summary: Value,
}

impl Checked {
    /// The codes of the findings, each of which must have had this outcome.
    #[track_caller]
    pub fn codes(&self, outcome: &str) -> Vec<&str> {
        assert!(self.findings.iter().all(|(_, found)| found == outcome), "{}", self.text);
        self.findings.iter().map(|(code, _)| code.as_str()).collect()
    }

    /// Nothing was wrong.
    #[track_caller]
    pub fn expect_clean(&self) {
        assert_eq!((self.code, &self.findings), (0, &Vec::new()), "{}", self.text);
    }
}

/// Checks the store that these settings name.
pub fn check(settings: &[(&str, &str)], repair: bool) -> Checked {
    let arguments = ["check", "--json", "--repair"];
    let output = run(settings, &arguments[..if repair { 3 } else { 2 }]);
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "", "it logs nothing and draws no progress where there is no terminal");
    for secret in ["example.com", "argon2id", PASSWORD] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    let summary = lines.pop().expect("a summary");
    let field = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    let mut findings = lines.iter().map(|line| (field(line, "code"), field(line, "outcome"))).collect::<Vec<_>>();
    findings.sort();
    assert!(findings.iter().all(|(code, _)| Fault::CODES.contains(&code.as_str())), "{text}");
    let told = summary["repaired"].as_u64().unwrap() + summary["left"].as_u64().unwrap();
    assert_eq!(told, u64::try_from(findings.len()).unwrap(), "{text}");
    Checked { code: output.status.code().unwrap(), findings, text, summary }
}

impl TestApp {
    /// Checks the store of this service, which goes on running, on Redis.
    pub async fn check(&self, repair: bool) -> Checked {
        let url = self.redis.as_ref().unwrap().url();
        tokio::task::spawn_blocking(move || check(&[("LATCHKEY_REDIS_URL", &url)], repair)).await.unwrap()
    }
}
