//! Settings of the first administrator.

use clap::Args;

use crate::accounts::EmailAddress;

/// The first administrator.
#[derive(Clone, Debug, Args)]
pub struct AdminArgs {
    /// The email address of the first administrator. While nobody has the role `admin`, an account with it is made at the
    /// start, and a letter goes there whose link sets its password.
    #[arg(long, env = "LATCHKEY_ADMIN_EMAIL", value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    pub admin_email: Option<EmailAddress>,
}
