//! What `latchkey doctor` looks at.

use super::{
    StartError, open_mailer,
    stores::{is_without_a_file, open_existing_store},
};
use crate::{
    accounts::{self, Clock},
    config::Config,
    store::{Check, Finding},
};

/// Looks whether the store of `config` is fit for accounts, without making one, and whether the mail server lets us in.
///
/// # Errors
/// [`StartError`] when it cannot be opened.
pub async fn examine(config: &Config, clock: &dyn Clock) -> Result<Vec<Finding>, StartError> {
    let secrets = config.signing.master_secrets().map_err(StartError)?;
    config.hashing.settings().map_err(StartError)?;
    let mailer = open_mailer(config, &config.tls.url(config.listen))?;
    let looking = async {
        if is_without_a_file(config) {
            let found = format!("there is no store in {} yet; the service makes it", config.data_dir.display());
            return Ok(vec![Finding::ok(Check::Layout, found)]);
        }
        let (store, ..) = open_existing_store(config).await?;
        let findings = accounts::inspect(&store, clock, &secrets).await;
        store.close().await;
        Ok(findings)
    };
    let (findings, reached) = tokio::join!(looking, mailer.check());
    let mut findings = findings?;
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
