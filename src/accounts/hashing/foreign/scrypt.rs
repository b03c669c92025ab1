//! scrypt (RFC 7914) in PHC strings, as passlib writes them too: `$scrypt$ln=16,r=8,p=1$<salt>$<hash>`.

use std::str::FromStr;

use argon2::password_hash::phc::{self, Output, Salt};
use scrypt::Params;

use super::{Bounds, Unreadable};

/// A hash of scrypt.
pub(in crate::accounts::hashing) struct Scrypt {
    cost: Params,
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
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        is_within(&self.cost, bounds)
    }

    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, Unreadable> {
        let mut computed = vec![0; self.hash.len()];
        scrypt::scrypt(password, &self.salt, &self.cost, &mut computed).map_err(|_| Unreadable)?;
        Ok(Output::new(&computed).is_ok_and(|computed| computed == self.hash)) // in constant time
    }
}

/// These costs. The first of them is a power of 2.
pub(super) fn cost(ln: u32, r: u32, p: u32) -> Result<Params, Unreadable> {
    let (1..=30, 1..=64, 1..=64) = (ln, r, p) else { return Err(Unreadable) };
    let ln = u8::try_from(ln).map_err(|_| Unreadable)?;
    Params::new(ln, r, p).map_err(|_| Unreadable)
}

/// Whether these costs are within bounds: 128 bytes times `r`, for each of `N`, are memory, and each of `p` lanes fills it.
pub(super) fn is_within(cost: &Params, bounds: &Bounds) -> bool {
    let memory_kib = (u64::from(cost.r()) << cost.log_n()) / 8;
    memory_kib <= bounds.scrypt_kib && memory_kib * u64::from(cost.p()) <= bounds.scrypt_work_kib
}
