//! The two engines, held against each other.

use std::cell::RefCell;

use argon2::{Algorithm, Params, Version};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{Argon2Engine, Input, portable::Portable, simd::Simd};

#[test]
fn both_engines_compute_the_same_tags() {
    let algorithm = prop_oneof![Just(Algorithm::Argon2d), Just(Algorithm::Argon2i), Just(Algorithm::Argon2id)];
    let version = prop_oneof![Just(Version::V0x10), Just(Version::V0x13)];
    let cost = (1_u32..=4).prop_flat_map(|lanes| (8 * lanes..=160, 1_u32..=4, Just(lanes)));
    let bytes = |lengths| vec(any::<u8>(), lengths);
    let inputs = (algorithm, version, cost, bytes(0..=80), bytes(8..=64), bytes(0..=32), 4_usize..=100);
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let engines = RefCell::new((Portable::default(), Simd::default()));
    let outcome = runner.run(&inputs, |(algorithm, version, (m, t, p), password, salt, secret, length)| {
        let params = Params::new(m, t, p, Some(length)).unwrap();
        let (password, salt, secret) = (&password, &salt, &secret);
        let input = Input { algorithm, version, params: &params, secret, password, salt };
        let mut tags = [vec![0; length], vec![0; length]];
        let mut engines = engines.borrow_mut();
        engines.0.hash(&input, &mut tags[0]).unwrap();
        engines.1.hash(&input, &mut tags[1]).unwrap();
        prop_assert_eq!(&tags[0], &tags[1]);
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(Portable::name(), "RustCrypto argon2");
    assert!(Simd::name().starts_with("argon2-rust, "), "{}", Simd::name());
}

#[test]
fn memory_that_is_given_back_changes_no_tag() {
    fn tags<E: Argon2Engine>() -> [[u8; 32]; 3] {
        let mut engine = E::default();
        let tag = |kib, engine: &mut E| {
            let params = Params::new(kib, 1, 1, Some(32)).unwrap();
            let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
            let (secret, password, salt) = (b"", b"correct horse", b"0123456789abcdef");
            let mut tag = [0; 32];
            engine.hash(&Input { algorithm, version, params: &params, secret, password, salt }, &mut tag).unwrap();
            engine.keep_at_most(64);
            tag
        };
        [64, 1024, 64].map(|kib| tag(kib, &mut engine))
    }
    assert_eq!(tags::<Portable>(), tags::<Simd>());
    let [first, costly, again] = tags::<Portable>();
    assert!(first == again && first != costly);
}
