//! Argon2 alone, in this process: what a hash costs on this machine at this moment, with the cost that the service has
//! when nothing is set, in memory that is warm. It runs on a thread, as it does in the service.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use clap::{CommandFactory, FromArgMatches, builder::Resettable};
use latchkey::{cli::Cli, config::Config};

/// The settings that the service has when nothing is set.
pub(crate) fn defaults() -> Config {
    let command = Cli::command().mut_args(|argument| argument.env(Resettable::Reset));
    let matches = command.try_get_matches_from(["latchkey"]).unwrap();
    Cli::from_arg_matches(&matches).unwrap().config
}

/// A thread that hashes when it is asked.
pub(crate) struct HashThread {
    asked: Sender<()>,
    done: Receiver<Duration>,
}

impl HashThread {
    pub(crate) fn start() -> Self {
        let (asked, questions) = channel::<()>();
        let (answers, done) = channel();
        thread::spawn(move || {
            let mut hash = Hash::new();
            for () in questions {
                if answers.send(hash.time()).is_err() {
                    return;
                }
            }
        });
        Self { asked, done }
    }

    /// How long one hash took, without the way to the thread and back.
    pub(crate) fn hash(&self) -> Duration {
        self.asked.send(()).unwrap();
        self.done.recv().unwrap()
    }
}

struct Hash {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Hash {
    fn new() -> Self {
        let cost = defaults().hashing.cost();
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None).unwrap();
        let memory = vec![Block::default(); params.block_count()];
        let mut hash = Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), memory };
        hash.time(); // the first one warms the memory
        hash
    }

    fn time(&mut self) -> Duration {
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let begun = Instant::now();
        self.argon2
            .hash_password_into_with_memory(b"correct horse battery staple", &[7; 16], &mut output, &mut self.memory)
            .unwrap();
        std::hint::black_box(output);
        begun.elapsed()
    }
}
