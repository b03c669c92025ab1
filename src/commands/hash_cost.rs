//! `latchkey hash-cost`: measures what hashes cost on this machine, and proposes settings for a time.

use std::{fmt::Write, io, process::ExitCode, time::Duration};

use super::{fail, say};
use crate::{
    accounts::{HashCost, HashRate, measure_hashes},
    config::Config,
};

/// Memory to try beyond OWASP's rows, in KiB: RFC 9106 wants as much as there is.
const LARGER: [u32; 2] = [64 * 1024, 128 * 1024];

/// What all threads together may take for that, in MiB.
const MOST_IN_ALL: u64 = 1024;

/// How often each cost is measured on each thread.
const ROUNDS: u32 = 5;

/// Measures, and prints a table and the settings to copy.
#[must_use]
pub fn hash_cost(config: &Config, target: Duration) -> ExitCode {
    match propose(config.hashing.threads(), config.hashing.cost().parallelism, target) {
        Ok(text) => say(&text),
        Err(e) => fail(&format!("cannot measure: {e}")),
    }
}

fn propose(threads: u32, parallelism: u32, target: Duration) -> io::Result<String> {
    let mut rows = Vec::new();
    let in_all = |memory_kib: u32| u64::from(memory_kib) * u64::from(threads) / 1024;
    let larger = LARGER.into_iter().filter(|memory_kib| in_all(*memory_kib) <= MOST_IN_ALL);
    let least = HashCost::OWASP.into_iter().rev().chain(larger.map(|memory_kib| (memory_kib, 1)));
    for (memory_kib, iterations) in least {
        let least = HashCost { memory_kib, iterations, parallelism };
        let rate = measure_hashes(least, threads, ROUNDS)?;
        let most = most_iterations(least, rate, target);
        let cost = HashCost { iterations: most, ..least };
        rows.push((cost, if cost == least { rate } else { measure_hashes(cost, threads, ROUNDS)? }));
    }
    let mut text = format!("{threads} threads hash at once, as in a login storm; the time is the median.\n\n");
    line(&mut text, ["memory", "iterations", "time", "hashes/s", "memory in all"].map(str::to_owned));
    for (cost, HashRate { time, per_second }) in &rows {
        line(
            &mut text,
            [
                format!("{} KiB", cost.memory_kib),
                cost.iterations.to_string(),
                format!("{:.1} ms", time.as_secs_f64() * 1000.0),
                format!("{per_second:.1}"),
                format!("{} MiB", in_all(cost.memory_kib)),
            ],
        );
    }
    // Of those in time the one with the most memory (RFC 9106, 4), and of none the fastest.
    let in_time =
        rows.iter().filter(|(_, rate)| rate.time <= target.mul_f64(1.1)).max_by_key(|(cost, _)| cost.memory_kib);
    let fastest = rows.iter().min_by_key(|(_, rate)| rate.time);
    let Some((cost, rate)) = in_time.or(fastest) else { return Ok(text) };
    let time = rate.time.as_secs_f64() * 1000.0;
    let said = match in_time {
        Some(_) => format!("For {target:?} there is {time:.1} ms, with the most memory:"),
        None => format!("{target:?} cannot be reached: OWASP's minimum takes {time:.1} ms here. That minimum is:"),
    };
    let _ = write!(
        text,
        "\n{said}\n\nLATCHKEY_ARGON2_MEMORY_KIB={}\nLATCHKEY_ARGON2_ITERATIONS={}\nLATCHKEY_ARGON2_PARALLELISM={}\n",
        cost.memory_kib, cost.iterations, cost.parallelism
    ); // text takes everything
    Ok(text)
}

/// As many iterations as the target is enough for, and no fewer than `least` has: the time grows with them.
fn most_iterations(least: HashCost, rate: HashRate, target: Duration) -> u32 {
    let affordable = target.as_nanos() * u128::from(least.iterations) / rate.time.as_nanos().max(1);
    let most = u32::try_from(affordable).unwrap_or(u32::MAX).min(HashCost::MOST.iterations);
    let mut cost = HashCost { iterations: most.max(least.iterations), ..least };
    while !cost.is_bounded() {
        cost.iterations /= 2;
    }
    cost.iterations
}

fn line(text: &mut String, [memory, iterations, time, rate, in_all]: [String; 5]) {
    let _ = writeln!(text, "{memory:>12} {iterations:>11} {time:>11} {rate:>9} {in_all:>14}"); // text takes everything
}
