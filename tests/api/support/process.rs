//! The binary as a process of a test's own.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The service as a process of its own.
pub struct Process {
    pub child: Child,
    pub out: BufReader<ChildStdout>,
    pub url: String,
    pub folder: TempDir,
}

/// Where a process writes down what of it was run, when that is measured.
#[expect(clippy::disallowed_methods, reason = "it is told to all processes by the environment")]
pub fn coverage() -> Option<(&'static str, String)> {
    let variable = "LLVM_PROFILE_FILE";
    std::env::var(variable).ok().map(|file| (variable, file))
}

fn latchkey(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command
        .env_clear()
        .envs(coverage())
        .current_dir(folder)
        .env("LATCHKEY_LISTEN", "127.0.0.1:0")
        .env("RUST_BACKTRACE", "1");
    command
}

/// Runs it to its end with these settings.
pub fn run(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    latchkey(folder.path()).envs(settings.iter().copied()).args(arguments).output().unwrap()
}

/// The one line that a failed start says.
#[track_caller]
pub fn line(output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("latchkey: "), "{said}");
    said
}

impl Process {
    /// Starts it, and waits until it serves.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let mut process = Self::spawn(settings);
        let mut first = String::new();
        process.out.read_line(&mut first).unwrap();
        let url = first.trim().strip_prefix("The API is at ").and_then(|url| url.strip_suffix("/v1")).expect(&first);
        process.url = url.to_owned();
        process
    }

    /// Starts it, and waits for nothing: its URL is not known.
    pub fn spawn(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = latchkey(folder.path());
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { url: String::new(), child, out, folder }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Limits what the process may have, by an option of `prlimit`.
    pub fn limit(&self, what: &str) {
        let status = Command::new("prlimit").args(["--pid", &self.child.id().to_string(), what]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and answers the exit code and what was logged.
    pub fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let code = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None if Instant::now() > deadline => panic!("it does not stop"),
                None => std::thread::yield_now(),
            }
        };
        (code, fs::read_to_string(self.folder.path().join("log")).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
