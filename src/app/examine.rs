//! What `latchkey doctor` looks at.

use super::{StartError, open_mailer, stores::open_existing_store};
use crate::{
    accounts::{self, Clock},
    config::Config,
    store::{Check, Finding},
};

/// Looks whether the store of `config` is fit for accounts, without making one, and whether the mail server lets us in.
///
/// # Errors
/// [`StartError`] when there is none, or when it cannot be opened.
pub async fn examine(config: &Config, clock: &dyn Clock) -> Result<Vec<Finding>, StartError> {
    let secrets = config.signing.master_secrets().map_err(StartError)?;
    config.hashing.settings().map_err(StartError)?;
    let mailer = open_mailer(config, &config.tls.url(config.listen))?;
    let (store, ..) = open_existing_store(config).await?;
    let (mut findings, reached) = tokio::join!(accounts::inspect(&store, clock, &secrets), mailer.check());
    store.close().await;
    match reached {
        Ok(()) if config.mail.has_server() => findings.push(Finding::ok(Check::Mail, "the mail server lets us in")),
        Ok(()) => {}
        Err(e) => {
            let found = Finding::warning(Check::Mail, format!("the mail server does not let us in: {e}"));
            findings.push(found.mend("mend that, or what LATCHKEY_SMTP_URL says; letters wait for a day"));
        }
    }
    Ok(findings)
}
