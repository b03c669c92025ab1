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

/// Why nothing can be measured here, in one line.
pub(crate) fn check(with_load: bool) -> Result<String, &'static str> {
    if !cfg!(target_os = "linux") {
        return Err("the benchmark reads /proc, so it runs on Linux only");
    }
    if with_load && Command::new("wrk").arg("-v").output().is_err() {
        return Err("load is made by wrk, which is not installed: install the package wrk");
    }
    redis::version()
}

fn file_system() -> String {
    let output = Command::new("stat").args(["-f", "-c", "%T"]).arg(temporary_folder().path()).output();
    output.map_or("of an unknown kind".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
