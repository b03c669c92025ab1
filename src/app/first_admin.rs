//! The first administrator, at the start.

use std::sync::Arc;

use super::StartError;
use crate::{
    accounts::{Accounts, FirstAdmin},
    config::Config,
};

/// Makes the first administrator, where the settings name one and nobody is.
pub(super) async fn invite(config: &Config, accounts: &Arc<Accounts>) -> Result<(), StartError> {
    let Some(email) = config.admin.admin_email.clone() else { return Ok(()) };
    let cannot = |e| StartError(format!("cannot make the first administrator (LATCHKEY_ADMIN_EMAIL): {e}"));
    match accounts.invite_first_admin(email).await.map_err(cannot)? {
        FirstAdmin::IsThere => {}
        FirstAdmin::Invited(user) => {
            let place = config.mail.folder(&config.data_dir);
            let place = place.map_or_else(String::new, |folder| format!(", in the folder {}", folder.display()));
            tracing::info!(
                user.id = %user,
                "LATCHKEY_ADMIN_EMAIL: the first administrator was made; a letter with a link to set the password is sent{place}"
            );
        }
        FirstAdmin::HasAccount => tracing::warn!(
            "LATCHKEY_ADMIN_EMAIL: nobody is an administrator, and the address has an account already, which stays as it \
             is; to make it one: latchkey users grant ADDRESS --role admin"
        ),
    }
    Ok(())
}
