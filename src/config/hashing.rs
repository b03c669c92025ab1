//! Settings of password hashes.

use clap::Args;

use super::parse;
use crate::accounts::{HashCost, HashSettings};

/// How passwords are hashed.
#[derive(Clone, Debug, Args)]
pub struct HashingArgs {
    /// Memory for one password hash, in KiB; at least 8 for each lane.
    #[arg(long, env = "LATCHKEY_ARGON2_MEMORY_KIB", value_name = "KIB", default_value_t = 19_456, value_parser = parse::number::<8, { HashCost::MOST.memory_kib }>)]
    argon2_memory_kib: u32,

    /// Passes over that memory.
    #[arg(long, env = "LATCHKEY_ARGON2_ITERATIONS", value_name = "NUMBER", default_value_t = 2, value_parser = parse::number::<1, { HashCost::MOST.iterations }>)]
    argon2_iterations: u32,

    /// Lanes of that memory.
    #[arg(long, env = "LATCHKEY_ARGON2_PARALLELISM", value_name = "NUMBER", default_value_t = 1, value_parser = parse::number::<1, { HashCost::MOST.parallelism }>)]
    argon2_parallelism: u32,

    /// Take hashes below OWASP's minimum, which make stolen passwords cheap to guess. It is for tests.
    #[arg(long, env = "LATCHKEY_ALLOW_WEAK_HASHES", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    allow_weak_hashes: bool,

    /// Threads that hash passwords; by default one for each core.
    #[arg(long, env = "LATCHKEY_HASH_THREADS", value_name = "NUMBER", value_parser = parse::number::<1, 256>)]
    hash_threads: Option<u32>,

    /// Passwords that may wait for a thread; by default as many as are hashed in 2 s. More are refused at once, with 503
    /// and `Retry-After`.
    #[arg(long, env = "LATCHKEY_HASH_QUEUE", value_name = "NUMBER", value_parser = parse::number::<0, 100_000>)]
    hash_queue: Option<u32>,
}

impl HashingArgs {
    /// What settings must not say together, in a line for the operator.
    pub(super) fn check(&self) -> Result<(), String> {
        let least = self.argon2_parallelism * 8;
        if self.argon2_memory_kib < least {
            return Err(format!(
                "LATCHKEY_ARGON2_MEMORY_KIB: {} is too little for {} lanes; at least {least} is needed",
                self.argon2_memory_kib, self.argon2_parallelism
            ));
        }
        let cost = self.cost();
        if !cost.is_bounded() {
            return Err(format!(
                "LATCHKEY_ARGON2_MEMORY_KIB and LATCHKEY_ARGON2_ITERATIONS: {cost} would take minutes; their product may be \
                 {} at the most",
                HashCost::MOST_WORK
            ));
        }
        if !cost.is_strong() && !self.allow_weak_hashes {
            let rows = HashCost::OWASP.map(|(memory_kib, iterations)| format!("{memory_kib} and {iterations}"));
            return Err(format!(
                "LATCHKEY_ARGON2_MEMORY_KIB and LATCHKEY_ARGON2_ITERATIONS: {cost} is less than OWASP's minimum, which is {}",
                rows.join(", or ")
            ));
        }
        Ok(())
    }

    /// What a password hash costs.
    #[must_use]
    pub fn cost(&self) -> HashCost {
        HashCost {
            memory_kib: self.argon2_memory_kib,
            iterations: self.argon2_iterations,
            parallelism: self.argon2_parallelism,
        }
    }

    /// How many threads hash passwords.
    #[must_use]
    pub fn threads(&self) -> u32 {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        self.hash_threads.unwrap_or_else(cores)
    }

    /// The settings of a service.
    #[must_use]
    pub fn settings(&self) -> HashSettings {
        HashSettings { cost: self.cost(), threads: self.threads(), queue: self.hash_queue }
    }
}
