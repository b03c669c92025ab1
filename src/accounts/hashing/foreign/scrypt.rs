//! scrypt (RFC 7914) in PHC strings, as passlib writes them too: `$scrypt$ln=16,r=8,p=1$<salt>$<hash>`.

use std::str::FromStr;

use argon2::password_hash::phc::{self, Output, Salt};
use scrypt::Params;

use super::Unreadable;

/// The most memory, in bytes: 1 GiB, which is `ln=20,r=8`.
const MOST_MEMORY: u64 = 1 << 30;

/// The most memory that all lanes together fill, one after the other, in bytes.
const MOST_WORK: u64 = 4 << 30;

/// The same two of what comes over HTTP: 256 MiB, and 1 GiB, which takes about two seconds.
const MODEST: (u64, u64) = (256 << 20, 1 << 30);

/// What a hash of scrypt costs.
pub(super) struct Cost {
    pub(super) params: Params,
    pub(super) is_modest: bool,
}

/// A hash of scrypt.
pub(in crate::accounts::hashing) struct Scrypt {
    cost: Cost,
    salt: Salt,
    hash: Output,
}

impl FromStr for Scrypt {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parsed = phc::PasswordHash::new(text).map_err(|_| Unreadable)?;
        let is_known = parsed.algorithm.as_str() == "scrypt" && parsed.version.is_none();
        let (mut ln, mut r, mut p) = (None, None, None);
        for (name, value) in parsed.params.iter() {
            let value = Some(value.decimal().map_err(|_| Unreadable)?);
            match name.as_str() {
                "ln" => ln = value,
                "r" => r = value,
                "p" => p = value,
                _ => return Err(Unreadable),
            }
        }
        let (Some(ln), Some(r), Some(p), true) = (ln, r, p, is_known) else { return Err(Unreadable) };
        Ok(Self { cost: cost(ln, r, p)?, salt: parsed.salt.ok_or(Unreadable)?, hash: parsed.hash.ok_or(Unreadable)? })
    }
}

impl Scrypt {
    pub(super) fn is_modest(&self) -> bool {
        self.cost.is_modest
    }

    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, Unreadable> {
        let mut computed = vec![0; self.hash.len()];
        scrypt::scrypt(password, &self.salt, &self.cost.params, &mut computed).map_err(|_| Unreadable)?;
        Ok(Output::new(&computed).is_ok_and(|computed| computed == self.hash)) // in constant time
    }
}

/// These costs, unless they are more than a hash may cost. The first of them is a power of 2.
pub(super) fn cost(ln: u32, r: u32, p: u32) -> Result<Cost, Unreadable> {
    let (1..=30, 1..=64, 1..=64) = (ln, r, p) else { return Err(Unreadable) };
    let memory = (128 * u64::from(r)) << ln;
    let work = memory * u64::from(p);
    if memory > MOST_MEMORY || work > MOST_WORK {
        return Err(Unreadable);
    }
    let is_modest = memory <= MODEST.0 && work <= MODEST.1;
    let ln = u8::try_from(ln).map_err(|_| Unreadable)?;
    Ok(Cost { params: Params::new(ln, r, p).map_err(|_| Unreadable)?, is_modest })
}
