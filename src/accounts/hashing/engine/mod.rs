//! What computes Argon2 (RFC 9106): one small interface, and two engines behind it, of which one is built in.
//!
//! `portable` is the crate `argon2`, and the default. `simd` is faster on processors with AVX-512 or AVX2, and needs the
//! cargo feature `argon2-simd`. The README says what that buys and risks.

#[cfg(any(test, not(feature = "argon2-simd")))]
mod portable;
#[cfg(any(test, feature = "argon2-simd"))]
mod simd;
#[cfg(test)]
mod tests;

use argon2::{Algorithm, Params, Version};

use super::encoded::Unreadable;

/// The engine of this build, with the memory of one thread.
#[cfg(not(feature = "argon2-simd"))]
pub(super) type Engine = portable::Portable;
/// The engine of this build, with the memory of one thread.
#[cfg(feature = "argon2-simd")]
pub(super) type Engine = simd::Simd;

/// What goes into a hash.
pub(super) struct Input<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) params: &'a Params,
    /// The pepper (RFC 9106, 3.1: K); empty where there is none.
    pub(super) secret: &'a [u8],
    pub(super) password: &'a [u8],
    pub(super) salt: &'a [u8],
}

/// An engine, which keeps its memory from one hash to the next.
pub(super) trait Argon2Engine: Default {
    /// What it is called, for people.
    fn name() -> String;

    /// Computes the tag, of the length of `tag`.
    fn hash(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), Unreadable>;

    /// Keeps no more memory than so many blocks of 1 KiB.
    fn keep_at_most(&mut self, blocks: usize);
}
