//! Codes: six digits, for people who read their mail on another device than the one they sit at.

use zeroize::Zeroizing;

use crate::accounts::{clock::Timestamp, digest::Digest, random::Random, secret_text::secret_text};

secret_text! {
    /// Six digits that were mailed beside a link. Space and hyphens in it do not count.
    ConfirmationCode
}

/// How often a code may be tried, the right one included.
pub(super) const TRIES: u32 = 5;

/// How many codes there are.
const CODES: u32 = 1_000_000;

/// What is kept of a code. Whoever reads the store finds the code by trying them all, as long as it is good; the salt makes
/// sure that this is work for each anew.
#[derive(Clone, Debug)]
pub(super) struct CodeRecord {
    pub(super) salt: [u8; 16],
    pub(super) digest: Digest,
    /// How often it was tried.
    pub(super) tries: u32,
    pub(super) expires_at: Timestamp,
}

impl ConfirmationCode {
    /// Makes one.
    pub(super) fn make(random: Random) -> Self {
        let number = loop {
            if let Some(number) = evenly(u32::from_be_bytes(random.bytes())) {
                break number;
            }
        };
        Self(Zeroizing::new(format!("{number:06}")))
    }

    fn digest(&self, salt: &[u8; 16]) -> Digest {
        let digits = Zeroizing::new(self.0.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>());
        Digest::of(&Zeroizing::new([salt.as_slice(), digits.as_bytes()].concat()))
    }
}

/// The number of a code, each as likely as any other: what is above the last whole million makes none.
fn evenly(random: u32) -> Option<u32> {
    (random < u32::MAX / CODES * CODES).then_some(random % CODES)
}

impl CodeRecord {
    pub(super) fn of(code: &ConfirmationCode, expires_at: Timestamp, random: Random) -> Self {
        let salt = random.bytes();
        Self { salt, digest: code.digest(&salt), tries: 0, expires_at }
    }

    /// One for which there is no code.
    pub(super) fn of_nothing(expires_at: Timestamp, random: Random) -> Self {
        Self { salt: random.bytes(), digest: Digest::of(&random.bytes::<32>()), tries: 0, expires_at }
    }

    /// Whether it may be tried once more.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.tries < TRIES && now < self.expires_at
    }

    pub(super) fn is(&self, code: &ConfirmationCode) -> bool {
        code.digest(&self.salt) == self.digest
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_code_has_six_digits_and_is_known_again() {
        for _ in 0..100 {
            let code = ConfirmationCode::make(Random);
            assert!(code.reveal().len() == 6 && code.reveal().bytes().all(|byte| byte.is_ascii_digit()));
            let record = CodeRecord::of(&code, NOW, Random);
            assert!(record.is(&code));
            let (first, last) = code.reveal().split_at(3);
            assert!(record.is(&ConfirmationCode::new(&format!(" {first} {last} "))));
            assert!(record.is(&ConfirmationCode::new(&format!("{first}-{last}"))));
            assert!(!record.is(&ConfirmationCode::new(last)));
        }
    }

    #[test]
    fn each_code_is_as_likely_as_any_other() {
        let numbers = [0, 999_999, 1_000_000, 4_293_999_999, 4_294_000_000, u32::MAX];
        assert_eq!(numbers.map(evenly), [Some(0), Some(999_999), Some(0), Some(999_999), None, None]);
    }

    #[test]
    fn a_code_is_open_for_its_tries_and_its_time() {
        let soon = NOW.plus(Duration::from_secs(1));
        let mut record = CodeRecord::of(&ConfirmationCode::make(Random), soon, Random);
        assert!(record.is_open(NOW) && !record.is_open(soon));
        record.tries = TRIES - 1;
        assert!(record.is_open(NOW));
        record.tries = TRIES;
        assert!(!record.is_open(NOW));
    }
}
