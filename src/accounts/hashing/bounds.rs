//! What a hash may cost to check. Whoever writes a hash decides what its owner's sign-ins cost this service, so there are
//! two sets of bounds: of all hashes, and of those that come over HTTP, from whoever may import users and need not be
//! trusted with the machine.
//!
//! One that comes over HTTP takes a second of a core, or two of a slow one, and [`HashCost::FROM_AFAR_KIB`]. That is enough
//! for what OWASP's Password Storage Cheat Sheet recommends, in each of its rows, for the second choice of RFC 9106 and
//! for what frameworks do of themselves.

use super::cost::HashCost;

/// The most that a hash may cost, whichever method made it.
pub(super) struct Bounds {
    /// Memory, in KiB, of Argon2.
    pub(super) argon2_kib: u64,
    /// What all passes of Argon2 fill, in KiB.
    pub(super) argon2_work_kib: u64,
    /// Memory, in KiB, of scrypt.
    pub(super) scrypt_kib: u64,
    /// What all lanes of scrypt fill, one after the other, in KiB. It takes some four times as long as Argon2 for that.
    pub(super) scrypt_work_kib: u64,
    /// Rounds of PBKDF2 for all blocks of what it makes, each of which takes all of them.
    pub(super) pbkdf2_rounds: u64,
    /// bcrypt's own number, whose power of 2 is the number of rounds.
    pub(super) bcrypt_cost: u32,
}

impl Bounds {
    /// Of every hash, which some seconds are enough for.
    pub(super) const MOST: Self = Self {
        argon2_kib: HashCost::MOST.memory_kib as u64,
        argon2_work_kib: HashCost::MOST_WORK,
        scrypt_kib: 1024 * 1024,
        scrypt_work_kib: 4 * 1024 * 1024,
        pbkdf2_rounds: 10_000_000,
        bcrypt_cost: 16,
    };

    /// Of those that come over HTTP.
    pub(super) const FROM_AFAR: Self = Self {
        argon2_kib: HashCost::FROM_AFAR_KIB as u64,
        argon2_work_kib: 1024 * 1024,
        scrypt_kib: HashCost::FROM_AFAR_KIB as u64,
        scrypt_work_kib: 256 * 1024,
        pbkdf2_rounds: 2_000_000,
        bcrypt_cost: 14,
    };
}
