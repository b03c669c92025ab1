//! Clients that generators make of the OpenAPI document, unchanged, through the life of an account: `tests/clients/`.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use latchkey::http;
use tempfile::TempDir;

use crate::support::{Contract, TestApp};

/// What each program says once it has done it.
const LIFE: [&str; 16] = [
    "registered",
    "address taken",
    "body refused",
    "password wrong",
    "signed in",
    "read",
    "changed",
    "version stale",
    "sessions listed",
    "refreshed",
    "events listed",
    "exported",
    "signed out",
    "token refused",
    "signed in again",
    "deleted",
];

/// Where `.ci/test-tools` puts the tools of this name.
fn tools(name: &str) -> PathBuf {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools")).join(name);
    assert!(
        folder.exists(),
        "`make test-tools` (or `make proof`) installs what this test needs; `--skip redis` leaves it out"
    );
    folder
}

/// A folder with the program of this language and the document beside it.
fn workshop(language: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients")).join(language), folder.path());
    fs::write(folder.path().join("openapi.json"), http::openapi_json()).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs something that must go well, and says what it said.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{command:?}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Makes a client in its folder, and has its program live the life of an account.
async fn live(language: &str, program: impl FnOnce(&Path) -> Command + Send + 'static) {
    let app = TestApp::redis().await;
    let (url, folder) = (app.url.clone(), workshop(language));
    let said = tokio::task::spawn_blocking(move || run(program(folder.path()).arg(url))).await.unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), LIFE);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_generated_typescript_client_lives_the_life_of_an_account() {
    live("typescript", |folder| {
        symlink(tools("typescript").join("node_modules"), folder.join("node_modules")).unwrap();
        let tool = |name: &str| {
            let mut command = Command::new(folder.join("node_modules/.bin").join(name));
            command.current_dir(folder);
            command
        };
        run(tool("openapi-typescript").args(["openapi.json", "--output", "schema.ts"]));
        run(&mut tool("tsc"));
        let mut program = Command::new("node");
        program.arg(folder.join("account.js"));
        program
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make proof runs it"]
async fn redis_a_generated_python_client_lives_the_life_of_an_account() {
    live("python", |folder| {
        let libraries = tools("openapi-python-client");
        let python = || {
            let mut command = Command::new("python3");
            command.current_dir(folder).env("PYTHONPATH", &libraries);
            command
        };
        let made = ["--path", "openapi.json", "--output-path", "latchkey_client", "--meta", "none"];
        run(python().args(["-m", "openapi_python_client", "generate"]).args(made));
        expect_operations(&folder.join("latchkey_client/api"), &["import_users"]);
        let mut program = python();
        program.arg("account.py");
        program
    })
    .await;
}

/// There is a module for each operation but these: the generator warns of what it leaves out, and goes on.
fn expect_operations(api: &Path, but: &[&str]) {
    let modules = fs::read_dir(api).unwrap().map(|tag| tag.unwrap().path()).filter(|tag| tag.is_dir());
    let modules = modules.flat_map(|tag| fs::read_dir(tag).unwrap().map(|module| module.unwrap().path()));
    let modules = modules.map(|module| module.file_stem().unwrap().to_str().unwrap().to_owned());
    let made = modules.filter(|name| !name.starts_with("__")).collect::<BTreeSet<_>>();
    let contract = Contract::default();
    let operations = contract.operations().into_iter().map(|(_, _, name)| name.to_owned());
    assert_eq!(made, operations.filter(|name| !but.contains(&name.as_str())).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make proof runs it"]
async fn redis_a_generated_rust_client_lives_the_life_of_an_account() {
    live("rust", |folder| {
        let mut program = Command::new(env!("CARGO"));
        program.args(["run", "--quiet", "--locked", "--"]).current_dir(folder);
        // What was compiled for it is kept: it takes minutes.
        program.env("CARGO_TARGET_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/target/clients"));
        program.env("OPENAPI", folder.join("openapi.json"));
        program
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make proof runs it"]
async fn redis_a_generated_go_client_lives_the_life_of_an_account() {
    live("go", |folder| {
        openapi_generator(folder, "go", "client", "packageName=latchkey,enumClassPrefix=true,withGoMod=false");
        let go = tools("go");
        let mut program = Command::new(go.join("go/bin/go"));
        program.args(["run", "."]).current_dir(folder);
        program.envs([("GOPATH", go.join("path")), ("GOCACHE", go.join("cache"))]);
        program.envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off")]);
        program
    })
    .await;
}

/// Generated only: what its code needs of Maven Central is not installed.
#[test]
#[ignore = "make proof runs it"]
fn openapi_generator_makes_a_java_client_with_one_type_for_each_schema() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openapi.json"), http::openapi_json()).unwrap();
    openapi_generator(folder.path(), "java", "client", "library=native");
    let code = folder.path().join("client/src/main/java/org/openapitools/client");
    let users = fs::read_to_string(code.join("api/UsersApi.java")).unwrap();
    assert!(users.contains("public User register("), "{users}");
    let document: serde_json::Value = serde_json::from_str(&http::openapi_json()).unwrap();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let made = code.join(format!("model/{name}.java")).exists();
        // An object without fields, and a form, are given field by field.
        let is_plain = schema["properties"].is_null() && schema["enum"].is_null() || name == "SentToken";
        assert_eq!(made, !is_plain, "{name}");
    }
}

/// Without `--skip-validate-spec`: the document must pass.
fn openapi_generator(folder: &Path, language: &str, output: &str, properties: &str) {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", tools("openapi-generator")).current_dir(folder);
    command.args(["-c", "import openapi_generator_cli as c; c.run(__import__('sys').argv[1:]).check_returncode()"]);
    command.args(["generate", "-i", "openapi.json", "-g", language, "-o", output]);
    run(command.args(["--additional-properties", properties]));
}
