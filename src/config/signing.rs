//! Settings of the keys that sign access tokens.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{parse, secrets};
use crate::accounts::{Algorithm, MasterSecret, SigningSettings};

/// How access tokens are signed.
#[derive(Clone, Debug, Args)]
pub struct SigningArgs {
    /// What access tokens are signed with: `EdDSA` (Ed25519) or `ES256` (ECDSA with P-256). After a change, the next start
    /// makes a key of the other kind, which signs 10 minutes later. Without it, a new key is of the kind of the newest one,
    /// and the first one is `EdDSA`.
    #[arg(long, env = "LATCHKEY_SIGNING_ALGORITHM", value_name = "ALGORITHM", value_parser = parse::algorithm)]
    signing_algorithm: Option<Algorithm>,

    /// How old a signing key is when the next one is made: 1h to 365d.
    #[arg(long, env = "LATCHKEY_KEY_ROTATION", value_name = "DURATION", default_value = "2160h", value_parser = parse::duration::<3600, { 8760 * 3600 }>)]
    key_rotation: Duration,

    /// A file with the secrets that private signing keys are sealed with, one a line, each of at least 32 characters. The
    /// first one seals, and all of them open. Without it, private keys lie in the store in plain text.
    #[arg(long, env = "LATCHKEY_MASTER_SECRET_FILE", value_name = "FILE")]
    master_secret_file: Option<PathBuf>,

    /// One such secret, in place of the file. As a flag, every user of this machine can see it among the processes.
    #[arg(long, env = "LATCHKEY_MASTER_SECRET", value_name = "SECRET", hide_env_values = true, value_parser = parse::master_secret)]
    master_secret: Option<MasterSecret>,
}

impl SigningArgs {
    /// What settings must not say together, in a line for the operator.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.master_secret_file.is_some() && self.master_secret.is_some() {
            return Err("LATCHKEY_MASTER_SECRET_FILE and LATCHKEY_MASTER_SECRET: set one of them; the file may have \
                        several secrets"
                .to_owned());
        }
        Ok(())
    }

    /// The settings with these secrets, for tokens of this lifetime.
    pub(super) fn settings(&self, token_lifetime: Duration, master_secrets: Vec<MasterSecret>) -> SigningSettings {
        SigningSettings {
            algorithm: self.signing_algorithm,
            rotate_every: self.key_rotation,
            token_lifetime,
            master_secrets,
        }
    }

    /// The master secrets, out of the file or the setting.
    ///
    /// # Errors
    /// A line for the operator, when the file cannot be read or has another form.
    pub fn master_secrets(&self) -> Result<Vec<MasterSecret>, String> {
        match &self.master_secret_file {
            Some(file) => secrets::read("LATCHKEY_MASTER_SECRET_FILE", file, MasterSecret::parse),
            None => Ok(self.master_secret.iter().cloned().collect()),
        }
    }
}
