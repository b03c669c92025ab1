//! Where it was measured: numbers mean nothing without it.

use std::{fs, path::Path, process::Command};

use crate::{folder::temporary_folder, hash::defaults, redis};

/// One line each.
pub(crate) fn describe(redis_version: &str, load: &str) -> String {
    let read = |file: &str| fs::read_to_string(Path::new("/proc").join(file)).unwrap_or_default();
    let cpus = read("cpuinfo");
    let model = cpus.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism().unwrap();
    let cost = defaults().hashing.cost();
    format!(
        "- Machine: {cores} cores, {}; kernel {}; the disk of the stores is {}; load before this {}\n\
         - Redis {redis_version} on this machine, `appendonly yes`, `appendfsync everysec`\n\
         - Argon2id with the defaults: {} KiB, t = {}, p = {}; {} hashing threads\n",
        model.map_or("model unknown", |(_, model)| model),
        read("sys/kernel/osrelease").trim(),
        file_system(),
        load,
        cost.memory_kib,
        cost.iterations,
        cost.parallelism,
        defaults().hashing.threads(),
    )
}

/// How many processes wanted to run in the last minute, on average: more than none means that something else did.
pub(crate) fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap();
    averages.split(' ').next().unwrap().to_owned()
}

/// The version of Redis, or why this part, or everything, cannot be measured here, in one line.
pub(crate) fn check(only: Option<&str>) -> Result<String, &'static str> {
    let is_there = |program: &str| Command::new(program).arg("-v").output().is_ok();
    if !cfg!(target_os = "linux") {
        return Err("the benchmark reads /proc, so it runs on Linux only");
    }
    if matches!(only, None | Some("quick")) && !is_there("wrk") {
        return Err("load is made by wrk, which is not installed: install the package wrk");
    }
    if only.is_none() && !is_there("valkey-server") {
        return Err(
            "commits are measured on valkey-server too, which is not installed: install the package valkey-server \
                    (`make test-tools` does)",
        );
    }
    redis::version()
}

fn file_system() -> String {
    let output = Command::new("stat").args(["-f", "-c", "%T"]).arg(temporary_folder().path()).output();
    output.map_or("of an unknown kind".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
