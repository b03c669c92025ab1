//! The engine of the crate `argon2-rust`, which picks AVX-512, AVX2, SSE2 or NEON as the processor has them.

use argon2_rust::{
    Algorithm, Argon2, Hasher, Params, Version, detected_backend,
    params::{Memory, TagLen},
};

use super::{Argon2Engine, Input, Unreadable};

/// The engine, and its memory.
#[derive(Default)]
pub(in crate::accounts::hashing) struct Simd(Option<Hasher>);

impl Argon2Engine for Simd {
    fn name() -> String {
        format!("argon2-rust, {:?}", detected_backend())
    }

    fn hash(&mut self, input: &Input<'_>, tag: &mut [u8]) -> Result<(), Unreadable> {
        let algorithm = match input.algorithm {
            argon2::Algorithm::Argon2d => Algorithm::Argon2d,
            argon2::Algorithm::Argon2i => Algorithm::Argon2i,
            argon2::Algorithm::Argon2id => Algorithm::Argon2id,
        };
        let version = match input.version {
            argon2::Version::V0x10 => Version::V0x10,
            argon2::Version::V0x13 => Version::V0x13,
        };
        let params = Params::builder()
            .memory(Memory::kib(input.params.m_cost().into()))
            .passes(input.params.t_cost())
            .lanes(input.params.p_cost())
            .tag_len(TagLen::bytes(u64::try_from(tag.len()).map_err(|_| Unreadable)?))
            .build();
        let argon2 = Argon2::new(algorithm, version, params.map_err(|_| Unreadable)?);
        let hasher = self.0.get_or_insert_with(|| argon2.hasher());
        hasher.set_argon2(argon2);
        hasher.hash_into_with_ad(input.password, input.salt, input.secret, &[], tag).map_err(|_| Unreadable)
    }

    fn keep_at_most(&mut self, blocks: usize) {
        if let Some(hasher) = self.0.as_mut().filter(|hasher| hasher.reserved_blocks() > blocks) {
            hasher.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};

    use super::{Argon2Engine, Hasher, Input, Simd};

    #[test]
    fn what_a_large_hash_took_is_given_back_and_no_more_than_that() {
        let (mut engine, params) = (Simd::default(), Params::new(64, 1, 1, Some(32)).unwrap());
        let (algorithm, version, secret, password, salt) = (Algorithm::Argon2id, Version::V0x13, b"", b"", b"somesalt");
        engine.hash(&Input { algorithm, version, params: &params, secret, password, salt }, &mut [0; 32]).unwrap();
        let mut blocks = |most| {
            engine.keep_at_most(most);
            engine.0.as_ref().map_or(0, Hasher::reserved_blocks)
        };
        assert_eq!((blocks(65), blocks(64)), (64, 64));
        assert!(blocks(63) <= 63);
    }
}
