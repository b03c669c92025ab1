//! The engine of the crate `argon2`.

use argon2::{Argon2, Block};

use super::{Argon2Engine, Input, Unreadable};

/// The engine, and its memory.
#[derive(Default)]
pub(in crate::accounts::hashing) struct Portable(Vec<Block>);

impl Argon2Engine for Portable {
    fn name() -> String {
        "RustCrypto argon2".to_owned()
    }

    fn hash(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), Unreadable> {
        let Input { algorithm, version, params, secret, password, salt } = *input;
        self.0.resize(params.block_count(), Block::default());
        let argon2 = Argon2::new_with_secret(secret, algorithm, version, params.clone()).map_err(|_| Unreadable)?;
        argon2.hash_password_into_with_memory(password, salt, tag, &mut self.0).map_err(|_| Unreadable)
    }

    fn keep_at_most(&mut self, blocks: usize) {
        self.0.truncate(blocks);
        self.0.shrink_to(blocks);
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};

    use super::*;

    #[test]
    fn what_a_large_hash_took_is_given_back_and_no_more_than_that() {
        let (mut engine, params) = (Portable::default(), Params::new(64, 1, 1, Some(32)).unwrap());
        let (algorithm, version, secret, password, salt) = (Algorithm::Argon2id, Version::V0x13, b"", b"", b"somesalt");
        engine.hash(&Input { algorithm, version, params: &params, secret, password, salt }, &mut [0; 32]).unwrap();
        let mut blocks = |most| {
            engine.keep_at_most(most);
            engine.0.capacity()
        };
        assert_eq!((blocks(65), blocks(64)), (64, 64));
        assert!(blocks(63) <= 63);
    }
}
