//! Settings of what keeps guessing slow and accounts unknown.

use clap::Args;

use crate::accounts::{Limits, ThrottleSettings};

/// How often what may be tried, and what is told.
#[derive(Clone, Debug, Args)]
pub struct ThrottleArgs {
    /// Wrong passwords for one account in how much time, as `5/1m,20/1h`; then there is 429 for as long. Several limits hold at once, and
    /// `none` is none. A device that signed in to the account before has as many of its own.
    #[arg(long, env = "LATCHKEY_PASSWORD_ATTEMPTS", value_name = "LIMITS", default_value = "5/1m,20/1h,50/24h")]
    password_attempts: Limits,

    /// Wrong passwords from one address, or one IPv6 network of 64 bits, in how much time.
    #[arg(long, env = "LATCHKEY_PASSWORD_ATTEMPTS_PER_ADDRESS", value_name = "LIMITS", default_value = "20/1m,200/1h")]
    password_attempts_per_address: Limits,

    /// Registrations from one address, or one IPv6 network of 64 bits, in how much time.
    #[arg(long, env = "LATCHKEY_REGISTRATIONS_PER_ADDRESS", value_name = "LIMITS", default_value = "20/1h,60/24h")]
    registrations_per_address: Limits,

    /// Letters of one kind to one address that somebody asked for, in how much time, whether or not it has an account. There
    /// are three: to set a password, to confirm an address, and to confirm another one.
    #[arg(long, env = "LATCHKEY_MAILS_PER_ADDRESS", value_name = "LIMITS", default_value = "3/15m,10/24h")]
    mails_per_address: Limits,

    /// Letters that are asked for from one address, or one IPv6 network of 64 bits, or by one person who is signed in, in how
    /// much time.
    #[arg(long, env = "LATCHKEY_MAILS_PER_SENDER", value_name = "LIMITS", default_value = "20/1h,60/24h")]
    mails_per_sender: Limits,

    /// Registering tells nobody whether an email address has an account: 202 with `{}` for new and known addresses, after
    /// the same work. Whoever registered finds out by signing in. Where addresses have to be confirmed first, that is told
    /// by a letter alone: signing in before is refused like a wrong password.
    #[arg(long, env = "LATCHKEY_CONCEAL_ACCOUNTS", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(super) conceal_accounts: bool,
}

impl ThrottleArgs {
    pub(super) fn settings(&self) -> ThrottleSettings {
        ThrottleSettings {
            per_account: self.password_attempts.clone(),
            per_address: self.password_attempts_per_address.clone(),
            registrations: self.registrations_per_address.clone(),
            mails_per_address: self.mails_per_address.clone(),
            mails_per_sender: self.mails_per_sender.clone(),
        }
    }
}
