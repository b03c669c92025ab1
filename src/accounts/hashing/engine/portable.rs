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
