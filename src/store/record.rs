//! A record as it is read, and which write it comes from.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The fields of a record.
pub type Fields = BTreeMap<String, String>;

/// Which write a record comes from: no two commits share one, so a record that was deleted and made again, or
/// written back to what it was, is never mistaken for the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision(pub(super) u128);

impl Revision {
    pub(crate) fn random() -> Self {
        Self(u128::from_ne_bytes(random()))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(|bytes| Self(u128::from_be_bytes(bytes)))
    }
}

/// As text it is base64url without padding: there is one in every record, and memory is dear.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_be_bytes()))
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The fields, by name.
    pub fields: Fields,
    /// Which write this is.
    pub revision: Revision,
}

/// `N` random bytes from the operating system.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "nothing safe can be done without a source of randomness")]
    getrandom::fill(&mut bytes).expect("the operating system provides randomness");
    bytes
}
