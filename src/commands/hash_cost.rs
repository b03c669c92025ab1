//! `latchkey hash-cost`: measures what hashes cost on this machine, and proposes settings for a time.

use std::{fmt::Write, io, process::ExitCode, time::Duration};

use serde_json::{Value, json};

use super::{fail, say, say_json};
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

/// What was measured.
struct Measured {
    threads: u32,
    target: Duration,
    rows: Vec<(HashCost, HashRate)>,
}

/// Measures, and prints a table and the settings to copy, or all of that as JSON.
#[must_use]
pub fn hash_cost(config: &Config, target: Duration, as_json: bool) -> ExitCode {
    match measure(config.hashing.threads(), config.hashing.cost().parallelism, target) {
        Ok(measured) if as_json => say_json(&measured.to_json()),
        Ok(measured) => say(&measured.to_text()),
        Err(e) => fail(&format!("cannot measure: {e}")),
    }
}

fn measure(threads: u32, parallelism: u32, target: Duration) -> io::Result<Measured> {
    let mut rows = Vec::new();
    let larger = LARGER.into_iter().filter(|memory_kib| in_all(*memory_kib, threads) <= MOST_IN_ALL);
    let least = HashCost::OWASP.into_iter().rev().chain(larger.map(|memory_kib| (memory_kib, 1)));
    for (memory_kib, iterations) in least {
        let least = HashCost { memory_kib, iterations, parallelism };
        let rate = measure_hashes(least, threads, ROUNDS)?;
        let most = most_iterations(least, rate, target);
        let cost = HashCost { iterations: most, ..least };
        rows.push((cost, if cost == least { rate } else { measure_hashes(cost, threads, ROUNDS)? }));
    }
    Ok(Measured { threads, target, rows })
}

impl Measured {
    /// Of those in time the one with the most memory (RFC 9106, 4), and of none the fastest; and whether it is in time.
    fn proposal(&self) -> Option<(&(HashCost, HashRate), bool)> {
        let in_time = self.rows.iter().filter(|(_, rate)| rate.time <= self.target.mul_f64(1.1));
        let in_time = in_time.max_by_key(|(cost, _)| cost.memory_kib).map(|row| (row, true));
        in_time.or_else(|| self.rows.iter().min_by_key(|(_, rate)| rate.time).map(|row| (row, false)))
    }

    fn to_text(&self) -> String {
        let Self { threads, target, rows } = self;
        let mut text = format!("{threads} threads hash at once, as in a login storm; the time is the median.\n\n");
        line(&mut text, ["memory", "iterations", "time", "hashes/s", "memory in all"].map(str::to_owned));
        for (cost, HashRate { time, per_second }) in rows {
            line(
                &mut text,
                [
                    format!("{} KiB", cost.memory_kib),
                    cost.iterations.to_string(),
                    format!("{:.1} ms", milliseconds(*time)),
                    format!("{per_second:.1}"),
                    format!("{} MiB", in_all(cost.memory_kib, *threads)),
                ],
            );
        }
        let Some(((cost, rate), is_in_time)) = self.proposal() else { return text };
        let time = milliseconds(rate.time);
        let said = if is_in_time {
            format!("For {target:?} there is {time:.1} ms, with the most memory:")
        } else {
            format!("{target:?} cannot be reached: OWASP's minimum takes {time:.1} ms here. That minimum is:")
        };
        let _ = write!(
            text,
            "\n{said}\n\nLATCHKEY_ARGON2_MEMORY_KIB={}\nLATCHKEY_ARGON2_ITERATIONS={}\nLATCHKEY_ARGON2_PARALLELISM={}\n",
            cost.memory_kib, cost.iterations, cost.parallelism
        ); // text takes everything
        text
    }

    fn to_json(&self) -> Value {
        let row = |(cost, rate): &(HashCost, HashRate)| {
            json!({
                "memory_kib": cost.memory_kib,
                "iterations": cost.iterations,
                "parallelism": cost.parallelism,
                "time_ms": milliseconds(rate.time),
                "hashes_per_second": rate.per_second,
                "memory_in_all_mib": in_all(cost.memory_kib, self.threads),
            })
        };
        let proposal = self.proposal();
        json!({
            "threads": self.threads,
            "target_ms": milliseconds(self.target),
            "measured": self.rows.iter().map(row).collect::<Value>(),
            "proposed": proposal.map(|(proposed, _)| row(proposed)),
            "target_reached": proposal.is_some_and(|(_, is_in_time)| is_in_time),
        })
    }
}

/// The memory of so many threads, in MiB.
fn in_all(memory_kib: u32, threads: u32) -> u64 {
    u64::from(memory_kib) * u64::from(threads) / 1024
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
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
