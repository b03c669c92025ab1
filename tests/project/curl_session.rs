//! The curl session of the README, pasted into a shell.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{section, text};

const DEADLINE: Duration = Duration::from_secs(60);

/// The built binary, serving on a port and in a folder of its own. Dropping it ends the process.
struct Service {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .env_clear()
            .envs([
                ("LATCHKEY_LISTEN", "127.0.0.1:0"),
                ("LATCHKEY_ARGON2_MEMORY_KIB", "8"),
                ("LATCHKEY_ARGON2_ITERATIONS", "1"),
                ("LATCHKEY_ALLOW_WEAK_HASHES", "true"),
            ])
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says where it listens once it listens. A thread reads that, so that waiting for it has an end.
        let (sender, receiver) = mpsc::channel();
        let output = process.stdout.take().unwrap();
        thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
        let mut service = Self { process, address: String::new(), _folder: folder };
        let line = receiver.recv_timeout(DEADLINE).expect("the service says where it listens");
        let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("no address in: {line}"));
        rest.trim_end_matches("/v1").clone_into(&mut service.address);
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_curl_session_of_the_readme_works_when_pasted() {
    let readme = text("README.md");
    let section = section(&readme, "## A session with curl");
    let script = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let documented = script.lines().filter(|line| line.starts_with('#')).filter_map(|line| line.rsplit_once(": "));
    let documented = documented.map(|(_, status)| status).collect::<Vec<_>>();
    assert_eq!(documented, ["201", "200", "200", "200", "204", "204"]);

    let service = Service::start();
    assert!(script.contains("http://127.0.0.1:9443"));
    let script = script.replace("127.0.0.1:9443", &service.address);
    let shell = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).output().unwrap();
    let (output, errors) = (String::from_utf8_lossy(&shell.stdout), String::from_utf8_lossy(&shell.stderr));
    assert!(shell.status.success(), "{}\n{output}\n{errors}", shell.status);
    let statuses = output.lines().filter(|line| line.len() == 3 && line.parse::<u16>().is_ok());
    assert_eq!(statuses.collect::<Vec<_>>(), documented, "{output}");
}
