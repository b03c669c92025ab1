//! Settings of password hashes.

use std::path::PathBuf;

use clap::Args;

use super::{parse, secrets};
use crate::accounts::{HashCost, HashSettings, Pepper};

/// How passwords are hashed.
#[derive(Clone, Debug, Args)]
pub struct HashingArgs {
    /// Memory for one password hash, in KiB: 8 to 2097152, and at least 8 for each lane.
    #[arg(long, env = "LATCHKEY_ARGON2_MEMORY_KIB", value_name = "KIB", default_value_t = 19_456, value_parser = parse::number::<8, { HashCost::MOST.memory_kib }>)]
    argon2_memory_kib: u32,

    /// Passes over that memory: 1 to 1000.
    #[arg(long, env = "LATCHKEY_ARGON2_ITERATIONS", value_name = "NUMBER", default_value_t = 2, value_parser = parse::number::<1, { HashCost::MOST.iterations }>)]
    argon2_iterations: u32,

    /// Lanes of that memory: 1 to 64.
    #[arg(long, env = "LATCHKEY_ARGON2_PARALLELISM", value_name = "NUMBER", default_value_t = 1, value_parser = parse::number::<1, { HashCost::MOST.parallelism }>)]
    argon2_parallelism: u32,

    /// Take hashes below OWASP's minimum, which make stolen passwords cheap to guess. It is for tests.
    #[arg(long, env = "LATCHKEY_ALLOW_WEAK_HASHES", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    allow_weak_hashes: bool,

    /// Threads that hash passwords: 1 to 256; by default one for each core.
    #[arg(long, env = "LATCHKEY_HASH_THREADS", value_name = "NUMBER", value_parser = parse::number::<1, 256>)]
    hash_threads: Option<u32>,

    /// Passwords that may wait for a thread: 0 to 100000; by default as many as are hashed in 2 s. More are refused at once, with 503
    /// and `Retry-After`.
    #[arg(long, env = "LATCHKEY_HASH_QUEUE", value_name = "NUMBER", value_parser = parse::number::<0, 100_000>)]
    hash_queue: Option<u32>,

    /// A file with secrets that go into hashes, one a line: an id of 1 to 8 characters, a colon, and 32 random bytes in
    /// base64url. The first one goes into new hashes, the others are for older ones.
    #[arg(long, env = "LATCHKEY_PEPPERS_FILE", value_name = "FILE")]
    peppers_file: Option<PathBuf>,

    /// Such secrets, in place of the file, with commas between them. As a flag, every user of this machine can see them
    /// among the processes.
    #[arg(long, env = "LATCHKEY_PEPPERS", value_name = "SECRETS", hide_env_values = true, value_delimiter = ',', value_parser = parse::pepper)]
    peppers: Vec<Pepper>,
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
        if self.peppers_file.is_some() && !self.peppers.is_empty() {
            return Err("LATCHKEY_PEPPERS_FILE and LATCHKEY_PEPPERS: set one of them; each may have several".to_owned());
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

    /// The settings of a service, with the peppers out of the file or the setting.
    ///
    /// # Errors
    /// A line for the operator, when the file cannot be read or has another form.
    pub fn settings(&self) -> Result<HashSettings, String> {
        let peppers = match &self.peppers_file {
            Some(file) => secrets::read("LATCHKEY_PEPPERS_FILE", file, Pepper::parse)?,
            None => self.peppers.clone(),
        };
        if let Some(id) = Pepper::duplicate(&peppers) {
            return Err(format!("LATCHKEY_PEPPERS: there are two with the id `{id}`; a new one needs a new id"));
        }
        Ok(HashSettings { cost: self.cost(), threads: self.threads(), queue: self.hash_queue, peppers })
    }
}
