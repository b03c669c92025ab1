//! Argon2 (RFC 9106) in PHC strings: how new passwords are hashed, and its older forms.

use std::{fmt, str::FromStr, sync::Arc};

use argon2::{
    Algorithm, Params, ParamsBuilder, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};

use super::{
    bounds::Bounds,
    cost::{HashCost, InvalidCost},
    encoded::Unreadable,
    engine::{Argon2Engine, Engine, Input},
    pepper::Pepper,
};
use crate::accounts::{password::Password, random::Random};

/// A hash, and all that it was made of but the password.
pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    tag: Output,
}

/// How new hashes are made: the cost, the newest pepper, and the older ones for older hashes.
#[derive(Clone)]
pub(super) struct Today {
    params: Params,
    peppers: Arc<[Pepper]>,
}

impl Today {
    /// With this cost, and the first of these peppers.
    ///
    /// # Errors
    /// [`InvalidCost`] when Argon2 does not allow it.
    pub(super) fn new(cost: HashCost, peppers: Vec<Pepper>) -> Result<Self, InvalidCost> {
        let mut params = ParamsBuilder::new();
        params.m_cost(cost.memory_kib).t_cost(cost.iterations).p_cost(cost.parallelism);
        params.output_len(Params::DEFAULT_OUTPUT_LEN);
        if let Some(newest) = peppers.first() {
            params.keyid(newest.id());
        }
        let params = params.build().map_err(|_| InvalidCost)?;
        Ok(Self { params, peppers: peppers.into() })
    }

    /// Hashes a password.
    pub(super) fn hash(
        &self,
        password: &Password,
        salt: [u8; SALT],
        engine: &mut Engine,
    ) -> Result<Argon2Hash, Unreadable> {
        let mut hash = self.with(salt, OF_NOBODY)?;
        hash.tag = hash.compute(password.as_bytes(), self, engine)?;
        Ok(hash)
    }

    /// A hash of no password: its tag is none that Argon2 ever gives.
    pub(super) fn of_nobody(&self, random: Random) -> Result<Argon2Hash, Unreadable> {
        self.with(random.bytes(), OF_NOBODY)
    }

    /// How much memory such a hash fills, in blocks of 1 KiB.
    pub(super) fn blocks(&self) -> usize {
        self.params.block_count()
    }

    fn with(&self, salt: [u8; SALT], tag: [u8; Params::DEFAULT_OUTPUT_LEN]) -> Result<Argon2Hash, Unreadable> {
        Ok(Argon2Hash {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: self.params.clone(),
            salt: Salt::new(&salt).map_err(|_| Unreadable)?,
            tag: Output::new(&tag).map_err(|_| Unreadable)?,
        })
    }
}

/// The length of the salt of a new hash, in bytes (RFC 9106, 3.1).
pub(super) const SALT: usize = Salt::RECOMMENDED_LENGTH;

/// The tag of what is no password's hash.
const OF_NOBODY: [u8; Params::DEFAULT_OUTPUT_LEN] = [0; Params::DEFAULT_OUTPUT_LEN];

impl Argon2Hash {
    /// Whether there is no password that it is the hash of.
    pub(super) fn is_of_nobody(&self) -> bool {
        self.tag.as_bytes() == OF_NOBODY
    }

    /// Whether it is the hash of this password. The comparison takes the same time wherever the two differ.
    pub(super) fn matches(&self, password: &[u8], today: &Today, engine: &mut Engine) -> Result<bool, Unreadable> {
        Ok(self.compute(password, today, engine)? == self.tag)
    }

    /// Whether it is made as new ones are.
    pub(super) fn is_current(&self, today: &Today) -> bool {
        (self.algorithm, self.version) == (Algorithm::Argon2id, Version::V0x13) && self.params == today.params
    }

    /// Whether what it costs is within these bounds.
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        cost(&self.params).is_within(bounds)
    }

    /// The id of the pepper that it was made with, when that is not there any more.
    pub(super) fn missing_pepper(&self, today: &Today) -> Option<String> {
        let id = self.params.keyid();
        Pepper::secret(&today.peppers, id).is_none().then(|| String::from_utf8_lossy(id).into_owned())
    }

    fn compute(&self, password: &[u8], today: &Today, engine: &mut Engine) -> Result<Output, Unreadable> {
        let Self { algorithm, version, params, salt, tag } = self;
        let secret = Pepper::secret(&today.peppers, params.keyid()).ok_or(Unreadable)?;
        let input = Input { algorithm: *algorithm, version: *version, params, secret, password, salt };
        let mut computed = vec![0; tag.len()];
        engine.hash(&input, &mut computed)?;
        Output::new(&computed).map_err(|_| Unreadable)
    }
}

fn cost(params: &Params) -> HashCost {
    HashCost { memory_kib: params.m_cost(), iterations: params.t_cost(), parallelism: params.p_cost() }
}

impl FromStr for Argon2Hash {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parsed = phc::PasswordHash::new(text).map_err(|_| Unreadable)?;
        let params = Params::try_from(&parsed).map_err(|_| Unreadable)?;
        // A cost that no setting allows was written by somebody else, and could take all the memory there is.
        let is_bounded = cost(&params).is_bounded();
        let algorithm = parsed.algorithm.as_str().parse().map_err(|_| Unreadable)?;
        // The first version had no number.
        let version = parsed.version.unwrap_or(Version::V0x10.into()).try_into().map_err(|_| Unreadable)?;
        match (parsed.salt, parsed.hash) {
            (Some(salt), Some(tag)) if is_bounded && params.data().is_empty() => {
                Ok(Self { algorithm, version, params, salt, tag })
            }
            _ => Err(Unreadable),
        }
    }
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = phc::PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params).map_err(|_| fmt::Error)?,
            salt: Some(self.salt),
            hash: Some(self.tag),
        };
        hash.fmt(f)
    }
}
