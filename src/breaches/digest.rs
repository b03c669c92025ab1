//! The SHA-1 digest of a password, which lists of lost passwords are made of. Nothing is kept by it: what passwords are
//! stored as is quite another hash.

use std::fmt;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use zeroize::Zeroizing;

/// How many digits a digest has.
pub(super) const DIGITS: usize = 40;
/// How many of them a service is told.
const TOLD: usize = 5;

/// 40 hexadecimal digits in upper case, wiped on drop: from a digest, a weak password is soon found.
#[derive(Clone)]
pub(super) struct PasswordDigest(Zeroizing<String>);

impl PasswordDigest {
    pub(super) fn of(password: &[u8]) -> Self {
        let mut digits = Zeroizing::new(String::with_capacity(DIGITS));
        for byte in digest(&SHA1_FOR_LEGACY_USE_ONLY, password).as_ref() {
            let half = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
            digits.extend([half(byte >> 4), half(byte & 15)]);
        }
        Self(digits)
    }

    /// All digits.
    pub(super) fn digits(&self) -> &str {
        &self.0
    }

    /// What a service is told: about 1 of 1,000,000 of all passwords has the same.
    pub(super) fn told(&self) -> &str {
        self.0.get(..TOLD).unwrap_or_default()
    }

    /// What a service is not told.
    pub(super) fn kept(&self) -> &str {
        self.0.get(TOLD..).unwrap_or_default()
    }
}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_lists_have() {
        let digest = PasswordDigest::of(b"password");
        assert_eq!(digest.digits(), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
        assert_eq!((digest.told(), digest.kept()), ("5BAA6", "1E4C9B93F3F0682250B6CF8331B7EE68FD8"));
        assert_eq!(format!("{digest:?}"), "PasswordDigest(…)");
    }
}
