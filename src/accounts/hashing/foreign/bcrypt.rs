//! bcrypt: `$2b$12$` and 53 characters, and its forms `$2a$`, `$2y$` and `$2x$`.

use std::str::FromStr;

use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Bounds, Unreadable, number};

/// Some implementations leave bits behind the salt that mean nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// How much of a password counts, in bytes.
const KEY: usize = 72;

/// The costs that bcrypt knows: 2 to this power is the number of rounds.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// A hash of bcrypt.
pub(in crate::accounts::hashing) struct Bcrypt {
    cost: u32,
    /// `$2x$`: of `crypt_blowfish` before 1.1, which took the bytes of a password for signed numbers.
    signed: bool,
    salt: [u8; 16],
    hash: [u8; 23],
}

impl FromStr for Bcrypt {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parts = text.split('$').collect::<Vec<_>>();
        let &["", version, cost, rest] = parts.as_slice() else { return Err(Unreadable) };
        let signed = match version {
            "2a" | "2b" | "2y" => false,
            "2x" => true,
            _ => return Err(Unreadable),
        };
        let cost = Some(cost).filter(|cost| cost.len() == 2).and_then(number).filter(|cost| COSTS.contains(cost));
        let (salt, hash) = rest.split_at_checked(22).ok_or(Unreadable)?;
        let decode = |text| BASE64.decode(text).map_err(|_| Unreadable);
        Ok(Self {
            cost: cost.ok_or(Unreadable)?,
            signed,
            salt: decode(salt)?.try_into().map_err(|_| Unreadable)?,
            hash: decode(hash)?.try_into().map_err(|_| Unreadable)?,
        })
    }
}

impl Bcrypt {
    pub(super) fn is_within(&self, bounds: &Bounds) -> bool {
        self.cost <= bounds.bcrypt_cost
    }

    /// Whether it is the hash of this password, of which bcrypt takes the first 72 bytes.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; KEY]);
        for (to, from) in key.iter_mut().zip(password) {
            *to = *from;
        }
        let with_nul = (password.len() + 1).min(KEY);
        let used = key.get(..with_nul).unwrap_or(key.as_slice());
        let computed = if self.signed {
            bcrypt::bcrypt(self.cost, self.salt, sign_extended(used).as_slice())
        } else {
            bcrypt::bcrypt(self.cost, self.salt, used)
        };
        computed.get(..self.hash.len()).is_some_and(|computed| computed.ct_eq(&self.hash).into())
    }
}

/// The key that has the effect which this one had on those who sign-extended its bytes, each over those before it in its
/// word of four.
fn sign_extended(key: &[u8]) -> Zeroizing<[u8; KEY]> {
    let mut extended = Zeroizing::new([0; KEY]);
    let mut bytes = key.iter().cycle();
    for word in extended.chunks_exact_mut(4) {
        let signed = bytes.by_ref().take(4).map(|byte| i32::from(byte.cast_signed()).cast_unsigned());
        let value = signed.fold(0_u32, |word, byte| word << 8 | byte);
        word.copy_from_slice(&value.to_be_bytes());
    }
    extended
}
