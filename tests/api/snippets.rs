//! docs/tokens.md: its Python and its Node, run against the service with real and forged tokens, and what it says of a token.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::support::{Forger, TestApp};

/// What is put behind the Python: it reads tokens, a line each, and prints whose they are.
const PYTHON: &str = r#"
import sys
for line in sys.stdin:
    try:
        print(check(line.strip())["sub"])
    except jwt.PyJWKClientConnectionError:
        print("unavailable")
    except jwt.PyJWTError:
        print("refused")
"#;

/// The same for Node. What is neither good nor a `JOSEError` ends it.
const NODE: &str = r#"
import { errors } from "jose";
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log((await check(line.trim())).sub);
  } catch (e) {
    if (!(e instanceof errors.JOSEError)) throw e;
    console.log("refused");
  }
}
"#;

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tokens.md")).unwrap()
}

/// The first block of code of this language under a heading, made to trust the service at `url`.
pub fn snippet(heading: &str, language: &str, url: &str) -> String {
    let page = page();
    let section = page.split(&format!("# {heading}\n")).nth(1).unwrap();
    let code = section.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap();
    assert!(code.contains("http://127.0.0.1:9443"), "{code}");
    code.replace("http://127.0.0.1:9443", url)
}

/// Where `make test-tools` puts the libraries of this language.
fn libraries(language: &str) -> PathBuf {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools")).join(language);
    assert!(folder.exists(), "`make test-tools` installs what this test needs; `--skip redis` leaves it out");
    folder
}

/// What a script says of tokens, in their order.
fn said(command: &mut Command, tokens: &[String]) -> Vec<String> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(tokens.join("\n").as_bytes()).unwrap();
    drop(input);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Gives a snippet good tokens, and each kind of bad one between them.
async fn tell_apart(heading: &str, language: &str, file: &str, driver: &str, run: impl Fn(&Path) -> Command) {
    let app = TestApp::redis().await;
    let ada = app.person("ada").await;
    let forger = Forger::new(app.redis.as_ref().unwrap(), &ada.token).await;
    let good = forger.token(&json!({}), &json!({}));
    let wrong = forger.wrong().into_iter().map(|(header, claims)| forger.token(&header, &claims));
    let mut tokens = vec![ada.token.clone(), good.clone()];
    tokens.extend(wrong.chain(forger.strange()));
    tokens.push(good);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(file), snippet(heading, language, &app.url) + driver).unwrap();
    let mut command = run(folder.path());
    let given = tokens.clone();
    let answers = tokio::task::spawn_blocking(move || said(&mut command, &given)).await.unwrap();
    assert_eq!(answers.len(), tokens.len(), "{answers:?}");
    let last = tokens.len() - 1;
    for (number, (token, answer)) in tokens.iter().zip(answers).enumerate() {
        let expected = if [0, 1, last].contains(&number) { &*ada.id } else { "refused" };
        assert_eq!(answer, expected, "{token}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_python_snippet_tells_good_tokens_from_bad_ones() {
    tell_apart("Python", "python", "check.py", PYTHON, |folder| {
        let mut command = Command::new("python3");
        command.arg(folder.join("check.py")).env("PYTHONPATH", libraries("python"));
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_the_node_snippet_tells_good_tokens_from_bad_ones() {
    tell_apart("Node", "js", "check.mjs", NODE, |folder| {
        // Node looks for modules beside the script.
        symlink(libraries("node").join("node_modules"), folder.join("node_modules")).unwrap();
        let mut command = Command::new("node");
        command.arg(folder.join("check.mjs"));
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_names_every_claim_of_a_token() {
    let app = TestApp::embedded().await;
    let (_, claims) = Forger::read(&app.person("ada").await.token);
    let page = page();
    let section = page.split("\n## What is in a token\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = section.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let shown =
        cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim().trim_matches('`')).collect::<BTreeSet<_>>();
    assert_eq!(shown, claims.as_object().unwrap().keys().map(String::as_str).collect());
    app.stop().await;
}
