//! Settings of the passwords that may be chosen.

use clap::Args;

use super::parse;
use crate::accounts::{NewPassword, PasswordSettings};

/// Which passwords may be chosen.
#[derive(Clone, Debug, Args)]
pub struct PasswordArgs {
    /// The fewest characters of a new password: 8 to 64. NIST SP 800-63B asks for 15 where nothing but the password is
    /// needed to sign in.
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_LENGTH", value_name = "NUMBER", default_value_t = 8, value_parser = parse::number::<8, 64>)]
    password_min_length: u32,

    /// How hard to guess a new password must be, as zxcvbn counts: 0 takes any, 1 more than 10^3 guesses, 2 more than 10^6,
    /// 3 more than 10^8, 4 more than 10^10.
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_SCORE", value_name = "SCORE", default_value_t = 3, value_parser = parse::number::<0, 4>)]
    password_min_score: u32,
}

impl PasswordArgs {
    pub(super) fn settings(&self) -> PasswordSettings {
        PasswordSettings {
            min_length: usize::try_from(self.password_min_length).unwrap_or(NewPassword::MIN),
            min_score: self.password_min_score,
        }
    }
}
