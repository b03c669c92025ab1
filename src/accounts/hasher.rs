//! Argon2id on threads of its own, so that a login storm slows nothing else.
//!
//! Each thread keeps its memory warm (a fresh 19 MiB costs milliseconds of page faults), runs at a lower priority than
//! the threads that answer requests, and takes jobs from one bounded queue. A full queue is an answer, not a wait.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use tokio::sync::oneshot;

use super::{error::Error, password::Password, random::Random};

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB; at least 8 for each lane.
    pub memory_kib: u32,
    /// Passes over the memory; at least 1.
    pub iterations: u32,
    /// Lanes; at least 1.
    pub parallelism: u32,
}

impl HashCost {
    /// The most that a hash may cost, in each respect.
    pub const MOST: Self = Self { memory_kib: 4 * 1024 * 1024, iterations: 1000, parallelism: 64 };
}

/// The cost is outside what Argon2 allows.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("Argon2 needs at least 1 iteration, 1 lane, and 8 KiB of memory for each lane")]
pub struct InvalidCost;

/// A password hash as it is stored: a PHC string of Argon2id.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string.
    #[must_use]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> Result<(Params, Salt, Output), Unreadable> {
        let parsed = phc::PasswordHash::new(&self.0).map_err(|_| Unreadable)?;
        let params = Params::try_from(&parsed).map_err(|_| Unreadable)?;
        // A cost that no setting allows was written by somebody else, and could take all the memory there is.
        let HashCost { memory_kib, iterations, parallelism } = HashCost::MOST;
        let sane = params.m_cost() <= memory_kib && params.t_cost() <= iterations && params.p_cost() <= parallelism;
        match (parsed.algorithm.as_str(), parsed.version, parsed.salt, parsed.hash) {
            ("argon2id", Some(19), Some(salt), Some(output)) if sane => Ok((params, salt, output)),
            _ => Err(Unreadable),
        }
    }
}

/// The text is no password hash of ours.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a PHC string of Argon2id, version 19")]
pub(super) struct Unreadable;

impl FromStr for PasswordHash {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let hash = Self(text.to_owned());
        hash.parts().map(|_| hash)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What came of checking a password against a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is another password.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and its hash has another cost than new ones.
    RightButOutdated,
}

/// The hashing threads.
pub struct Hasher {
    jobs: SyncSender<Job>,
    params: Params,
    random: Random,
    /// What the password of somebody unknown is checked against, so that it costs the same.
    nobody: PasswordHash,
}

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

impl Hasher {
    /// Starts `threads` threads, with room for `queue` jobs that wait.
    ///
    /// # Errors
    /// When the cost is [invalid](InvalidCost), or the system starts no more threads.
    pub fn start(cost: HashCost, threads: u32, queue: u32, random: Random) -> io::Result<Self> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, Some(Params::DEFAULT_OUTPUT_LEN))
            .map_err(|_| io::Error::other(InvalidCost))?;
        let (jobs, waiting) = sync_channel(usize::try_from(queue).unwrap_or(usize::MAX));
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name(format!("hasher-{number}")).spawn(move || work(&waiting))?;
        }
        let nobody = phc(&params, &random.bytes(), &random.bytes::<{ Params::DEFAULT_OUTPUT_LEN }>());
        Ok(Self { jobs, params, random, nobody: nobody.map_err(io::Error::other)? })
    }

    /// Hashes a password.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let (params, salt) = (self.params.clone(), self.random.bytes());
        self.run(move |memory| {
            let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
            fill(&params, &password, &salt, &mut output, memory)?;
            phc(&params, &salt, &output)
        })
        .await
    }

    /// Checks a password against the hash of an account, or, when there is none, does the same work and finds it wrong.
    pub(super) async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let today = self.params.clone();
        self.run(move |memory| {
            let (params, salt, expected) = hash.parts()?;
            let mut output = vec![0; expected.len()];
            fill(&params, &password, &salt, &mut output, memory)?;
            memory.truncate(today.block_count());
            memory.shrink_to(today.block_count()); // a hash from costlier times does not keep its memory
            let equal = Output::new(&output).is_ok_and(|output| output == expected); // in constant time
            let current =
                (params.m_cost(), params.t_cost(), params.p_cost()) == (today.m_cost(), today.t_cost(), today.p_cost());
            Ok(match (equal && known, current) {
                (false, _) => Verdict::Wrong,
                (true, true) => Verdict::Right,
                (true, false) => Verdict::RightButOutdated,
            })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Vec<Block>) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Whoever asked may have gone away while the job waited.
            if !reply.is_closed() {
                let _ = reply.send(compute(memory));
            }
        });
        self.jobs.try_send(job).map_err(|_| Error::Overloaded)?;
        match answer.await {
            Ok(result) => result.map_err(|e| Error::Corrupt(format!("a password hash: {e}"))),
            Err(_) => Err(Error::Overloaded),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    // On Linux this is the priority of this thread alone. Below 10, the hashes would starve under load.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(5);
    let mut memory = Vec::new();
    loop {
        // The lock is held only to take a job; the others wait for it just as they would for the job.
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            // A job that panics ends alone: its caller is told, and the thread goes on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(&mut memory)))),
            Err(_) => return,
        }
    }
}

fn fill(
    params: &Params,
    password: &Password,
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), Unreadable> {
    memory.resize(params.block_count(), Block::default());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory).map_err(|_| Unreadable)
}

fn phc(params: &Params, salt: &[u8; Salt::RECOMMENDED_LENGTH], output: &[u8]) -> Result<PasswordHash, Unreadable> {
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| Unreadable)?,
        salt: Some(Salt::new(salt).map_err(|_| Unreadable)?),
        hash: Some(Output::new(output).map_err(|_| Unreadable)?),
    };
    Ok(PasswordHash(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 8, iterations: 1, parallelism: 1 };

    fn hasher(cost: HashCost, queue: u32) -> Hasher {
        Hasher::start(cost, 1, queue, Random).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_found_right_or_wrong() {
        let hasher = hasher(CHEAP, 9);
        let hash = hasher.hash(Password::new("correct horse")).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.as_str());
        let verify = async |text, hash| hasher.verify(Password::new(text), hash).await.unwrap();
        assert_eq!(verify("correct horse", Some(hash.clone())).await, Verdict::Right);
        assert_eq!(verify("Correct horse", Some(hash)).await, Verdict::Wrong);
        assert_eq!(verify("correct horse", None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn warm_memory_of_another_cost_changes_no_hash() {
        let large = hasher(HashCost { memory_kib: 256, iterations: 2, parallelism: 2 }, 9);
        let small = hasher(CHEAP, 9);
        let hash = small.hash(Password::new("correct horse")).await.unwrap();
        large.hash(Password::new("something else")).await.unwrap();
        let verdict = large.verify(Password::new("correct horse"), Some(hash)).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
    }

    /// The value of the `argon2` command of the reference implementation:
    /// `printf 'correct horse' | argon2 somesalt12345678 -id -k 64 -t 2 -p 2 -l 32 -e`.
    #[tokio::test]
    async fn it_agrees_with_the_reference_implementation() {
        let phc = REFERENCE.parse().unwrap();
        let verdict = hasher(CHEAP, 9).verify(Password::new("correct horse"), Some(phc)).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
    }

    const REFERENCE: &str =
        "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQxMjM0NTY3OA$HqfsbePhQ0iCjxxCv8RSOjxYwbqIqJUTetmvsCcFRxQ";

    #[tokio::test]
    async fn a_full_queue_is_an_answer_at_once() {
        let hasher = Arc::new(hasher(HashCost { memory_kib: 65_536, iterations: 4, parallelism: 1 }, 1));
        let jobs = (0..8).map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.hash(Password::new("correct horse")).await })
        });
        let mut refused = 0;
        for job in jobs.collect::<Vec<_>>() {
            refused += u32::from(matches!(job.await.unwrap(), Err(Error::Overloaded)));
        }
        assert!((5..=7).contains(&refused), "{refused} of 8, with one at work and one waiting");
    }
}
