//! The unit for systemd, held against systemd and against the code. The tests need `make test-tools`.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use clap::{CommandFactory, Parser};
use latchkey::cli::Cli;

use super::text;

const UNIT: &str = "deploy/systemd/latchkey.service";

/// How exposed the unit may be, as `systemd-analyze security` counts: 0 is not at all, and 100 is a unit that says nothing.
/// What is left is that it talks with the network.
const EXPOSURE: &str = "--threshold=14";

/// What the unit says under a name, line by line.
fn said(name: &str) -> Vec<String> {
    let unit = text(UNIT);
    let lines = unit.lines().filter_map(|line| line.split_once('=')).filter(|(key, _)| *key == name);
    lines.map(|(_, value)| value.to_owned()).collect()
}

/// Has systemd look at a unit: whether it was content, and what it said.
fn analyze(arguments: &[&str], unit: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latchkey.service");
    fs::write(&file, unit.replace("/usr/local/bin/latchkey ", concat!(env!("CARGO_BIN_EXE_latchkey"), " "))).unwrap();
    let output = Command::new("systemd-analyze").args(arguments).arg(file).env("SYSTEMD_COLORS", "0").output();
    let output = output.expect("`make test-tools` installs systemd-analyze, or `cargo test -- --skip systemd`");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    (output.status.success(), said)
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let unit = text(UNIT);
    assert_eq!(analyze(&["verify", "--man=no"], &unit), (true, String::new()));
    for (right, wrong) in [
        ("NoNewPrivileges=", "NoNewPrivilegs="),
        ("ProtectSystem=strict", "ProtectSystem=strictly"),
        ("@system-service", "@sytem-service"),
        ("Type=exec", "Type=exec\nExecStart=/nowhere/latchkey"),
    ] {
        let broken = unit.replacen(right, wrong, 1);
        assert_ne!(broken, unit, "{right} is not there");
        assert_ne!(analyze(&["verify", "--man=no"], &broken), (true, String::new()), "{wrong}");
    }
}

#[test]
fn systemd_finds_the_unit_hardly_exposed() {
    let (unit, arguments) = (text(UNIT), ["security", "--offline=true", "--no-pager", EXPOSURE]);
    let (content, said) = analyze(&arguments, &unit);
    assert!(content, "{said}");
    for line in ["DynamicUser=", "SystemCallFilter=", "CapabilityBoundingSet=", "RestrictAddressFamilies="] {
        let without = unit.lines().filter(|kept| !kept.starts_with(line)).collect::<Vec<_>>().join("\n");
        assert_ne!(without, unit.trim_end(), "{line} is not there");
        let (content, said) = analyze(&arguments, &without);
        assert!(!content, "nothing is missed without {line}: {said}");
    }
}

#[test]
fn the_unit_says_what_hardens_it() {
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("StateDirectory", "latchkey"),
        ("StateDirectoryMode", "0700"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("CapabilityBoundingSet", ""),
        ("PrivateTmp", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ] {
        assert_eq!(said(name), [value], "{name}");
    }
}

#[test]
fn every_setting_of_the_unit_exists_and_secrets_are_credentials() {
    let command = Cli::command();
    let known = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect::<BTreeSet<_>>();
    let settings = said("Environment");
    assert!(settings.len() > 2, "{settings:?}");
    let credentials = said("LoadCredential").into_iter().map(|line| line.split_once(':').unwrap().0.to_owned());
    let credentials = credentials.collect::<Vec<_>>();
    for setting in settings {
        let (name, value) = setting.split_once('=').unwrap();
        assert!(known.contains(name), "there is no {name}");
        if name.ends_with("_FILE") {
            assert!(credentials.iter().any(|credential| value == format!("%d/{credential}")), "{setting}");
        }
    }
    assert!(said("ExecStart") == ["/usr/local/bin/latchkey serve"]);
}

#[test]
fn the_dearest_hashes_that_come_over_http_fit_twice_into_the_memory() {
    let limit = &said("MemoryMax")[0];
    let limit_kib = limit.strip_suffix('G').unwrap().parse::<u32>().unwrap() * 1024 * 1024;
    let settings = said("Environment");
    let threads = settings.iter().find_map(|setting| setting.strip_prefix("LATCHKEY_HASH_THREADS=")).unwrap();
    let config = Cli::try_parse_from(["latchkey", "--hash-threads", threads]).unwrap().config;
    let hashes_kib = super::dearest_hashes_kib(&config);
    assert!(2 * hashes_kib <= limit_kib, "{hashes_kib} KiB of {limit}");
}

#[test]
fn systemd_waits_until_the_service_has_ended() {
    let config = Cli::try_parse_from(["latchkey"]).unwrap().config;
    let seconds = said("TimeoutStopSec")[0].strip_suffix('s').unwrap().parse().unwrap();
    assert!(Duration::from_secs(seconds) >= super::longest_stop(&config));
}
