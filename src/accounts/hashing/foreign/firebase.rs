//! Firebase's own form of scrypt, as Supabase writes it: `$fbscrypt$v=1,n=14,r=8,p=1,ss=<separator>,sk=<key>$<salt>$<hash>`.
//!
//! The first 32 bytes of what scrypt makes of the password are a key of AES-256, with which the signer key of the
//! project is encrypted (CTR, from zero): what comes of that is the hash. All of it is in base64.

use std::str::FromStr;

use ::scrypt::Params;
use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Bounds, Unreadable, number, scrypt};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A hash of Firebase.
pub(in crate::accounts::hashing) struct Firebase {
    cost: Params,
    /// The salt of the person, and behind it the separator of the project.
    salt: Vec<u8>,
    signer_key: Zeroizing<Vec<u8>>,
    hash: Vec<u8>,
}

impl FromStr for Firebase {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parts = text.split('$').collect::<Vec<_>>();
        let &["", "fbscrypt", costs, salt, hash] = parts.as_slice() else { return Err(Unreadable) };
        let costs = costs.splitn(6, ',').collect::<Vec<_>>();
        let &["v=1", n, r, p, separator, key] = costs.as_slice() else { return Err(Unreadable) };
        let value = |text: &str, name| text.strip_prefix(name).and_then(number).ok_or(Unreadable);
        let cost = scrypt::cost(value(n, "n=")?, value(r, "r=")?, value(p, "p=")?)?;
        let decode = |text: &str| BASE64.decode(text).map_err(|_| Unreadable);
        let separator = decode(separator.strip_prefix("ss=").ok_or(Unreadable)?)?;
        let signer_key = Zeroizing::new(decode(key.strip_prefix("sk=").ok_or(Unreadable)?)?);
        let salt = [decode(salt)?, separator].concat();
        let hash = decode(hash)?;
        let is_sane =
            (1..=64).contains(&salt.len()) && (16..=128).contains(&hash.len()) && hash.len() == signer_key.len();
        if is_sane { Ok(Self { cost, salt, signer_key, hash }) } else { Err(Unreadable) }
    }
}

impl Firebase {
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        scrypt::is_within(&self.cost, bounds)
    }

    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, Unreadable> {
        let mut key = Zeroizing::new([0; 32]);
        ::scrypt::scrypt(password, &self.salt, &self.cost, key.as_mut_slice()).map_err(|_| Unreadable)?;
        let cipher = Aes256::new_from_slice(key.as_slice()).map_err(|_| Unreadable)?;
        let mut computed = self.signer_key.clone();
        for (counter, block) in (0_u128..).zip(computed.chunks_mut(16)) {
            let mut mask = counter.to_be_bytes().into();
            cipher.encrypt_block(&mut mask);
            for (byte, mask) in block.iter_mut().zip(mask) {
                *byte ^= mask;
            }
        }
        Ok(computed.ct_eq(&self.hash).into())
    }
}
