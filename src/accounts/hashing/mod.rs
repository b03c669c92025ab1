//! How passwords are hashed and checked: on threads of their own, behind one small interface, [`Hasher`].

mod argon2_hash;
mod bounds;
mod cost;
mod encoded;
mod engine;
mod foreign;
mod load;
mod measure;
mod pepper;
mod pool;
#[cfg(test)]
mod tests;

use std::{fmt, io};

pub(super) use self::encoded::PasswordHash;
use self::{
    argon2_hash::Today,
    bounds::Bounds,
    encoded::Unreadable,
    engine::{Argon2Engine, Engine},
    pool::Pool,
};
pub use self::{
    cost::{HashCost, InvalidCost},
    measure::{HashRate, measure},
    pepper::{InvalidPepper, Pepper},
};
use super::{error::Error, password::Password, random::Random};
use crate::metrics::Page;

/// What came of checking a password against a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is another password.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and its hash is not made as new ones are.
    RightButOutdated,
}

/// What an operator decides about hashes.
#[derive(Clone, Debug)]
pub struct HashSettings {
    /// What a new hash costs.
    pub cost: HashCost,
    /// How many threads hash.
    pub threads: u32,
    /// How many passwords may wait for them; without it, as many as 2 s are enough for.
    pub queue: Option<u32>,
    /// The secrets that go into hashes: the first one into new ones.
    pub peppers: Vec<Pepper>,
}

/// The hashing threads.
pub struct Hasher {
    pool: Pool,
    settings: HashSettings,
    today: Today,
    random: Random,
    /// What the password of somebody unknown is checked against, so that it costs the same.
    nobody: PasswordHash,
}

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the cost is [invalid](InvalidCost), or the system starts no more threads.
    pub fn start(settings: HashSettings, random: Random) -> io::Result<Self> {
        let today = Today::new(settings.cost, settings.peppers.clone()).map_err(io::Error::other)?;
        let nobody = today.of_nobody(random).map_err(io::Error::other)?.into();
        let pool = Pool::start(settings.threads, settings.queue, settings.cost.guessed_time())?;
        Ok(Self { pool, settings, today, random, nobody })
    }

    /// Tells in the log what hashes and what it may take.
    pub fn report(&self) {
        let HashSettings { cost, threads, queue, .. } = &self.settings;
        let memory = u64::from(*threads) * u64::from(cost.memory_kib) / 1024;
        let waiting = match queue {
            Some(queue) => format!("{queue} may wait"),
            None => format!("2 s of work may wait, {} at first", self.pool.capacity()),
        };
        tracing::info!(
            "passwords are hashed with Argon2id ({}), {cost}, on {threads} threads, with {memory} MiB in all; {waiting}",
            Engine::name()
        );
        if !cost.is_strong() {
            tracing::warn!(
                "LATCHKEY_ALLOW_WEAK_HASHES is set, and {cost} is less than OWASP's minimum: \
                 whoever gets the records can guess the passwords in them"
            );
        }
    }

    /// Writes what there is to count.
    pub(super) fn write(&self, page: &mut Page) {
        page.gauge("latchkey_hash_threads", "Threads that hash passwords.").is(&[], self.settings.threads);
        self.pool.write(page);
    }

    /// Whether a hash may come over HTTP: it costs no more than this service's own, or not much.
    pub(super) fn takes_from_afar(&self, hash: &PasswordHash) -> bool {
        hash.is_within(&Bounds::FROM_AFAR) || hash.method().is_current(&self.today)
    }

    /// A hash of no password, which [`PasswordHash::is_usable`] tells apart.
    pub(super) fn unusable(&self) -> Result<PasswordHash, Error> {
        self.today.of_nobody(self.random).map(PasswordHash::from).map_err(corrupt)
    }

    /// Hashes a password.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let (today, salt) = (self.today.clone(), self.random.bytes());
        let hash = self.pool.run(move |engine| today.hash(&password, salt, engine)).await?;
        hash.map(PasswordHash::from).map_err(corrupt)
    }

    /// Checks a password against the hash of an account, or, when there is none, does the same work and finds it wrong.
    pub(super) async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
        let missing_pepper = hash.as_ref().and_then(|hash| hash.method().missing_pepper(&self.today));
        if let Some(id) = &missing_pepper {
            // Another answer than to a wrong password would tell that there is an account.
            tracing::error!(
                "a password cannot be checked without the pepper `{id}`, which LATCHKEY_PEPPERS does not have"
            );
        }
        let hash = hash.filter(|_| missing_pepper.is_none());
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let today = self.today.clone();
        let verdict = self.pool.run(move |engine| {
            let (method, is_current) = (hash.method(), hash.method().is_current(&today));
            let mut equal = method.matches(password.as_bytes(), &today, engine)?;
            // Whoever made this hash perhaps took passwords as they were typed.
            if let Some(typed) = password.as_typed().filter(|_| !equal && !is_current) {
                equal = method.matches(typed, &today, engine)?;
            }
            engine.keep_at_most(today.blocks()); // a hash from costlier times does not keep its memory
            Ok(match (equal && known, is_current) {
                (false, _) => Verdict::Wrong,
                (true, true) => Verdict::Right,
                (true, false) => Verdict::RightButOutdated,
            })
        });
        verdict.await?.map_err(corrupt)
    }
}

fn corrupt(error: Unreadable) -> Error {
    Error::Corrupt(format!("a password hash: {error}"))
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("settings", &self.settings).finish_non_exhaustive()
    }
}
