//! `latchkey users create`: makes an account for somebody.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use zeroize::Zeroizing;

use crate::{
    accounts::{
        Accounts, Authority, DisplayName, EmailAddress, Grants, Locale, NewAccount, NewPassword, Permission, Role,
        Username,
    },
    commands::fail,
};

/// Which account.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a flag")]
pub struct CreateArguments {
    /// The email address.
    #[arg(value_parser = EmailAddress::parse)]
    email: EmailAddress,

    /// The username.
    #[arg(long, value_parser = Username::parse)]
    username: Option<Username>,

    /// The display name.
    #[arg(long, value_parser = DisplayName::parse)]
    name: Option<DisplayName>,

    /// The language that the person reads, such as de-CH.
    #[arg(long)]
    locale: Option<Locale>,

    /// Roles: 1 to 64 characters of a-z 0-9 _ . : - each, the first of them a letter. `admin` may do everything here.
    #[arg(long, num_args = 1..)]
    role: Vec<Role>,

    /// Permissions, of the same form.
    #[arg(long, num_args = 1..)]
    permission: Vec<Permission>,

    /// The address is known to be theirs.
    #[arg(long)]
    email_verified: bool,

    /// Mail them a link to set the password.
    #[arg(long)]
    invite: bool,

    /// Read a password from standard input: the first line of it, which is not shown on a terminal. For accounts of machines; a person chooses their own by
    /// the link of `--invite`. Without either, nobody signs in before a password was reset.
    #[arg(long, conflicts_with = "invite")]
    password_stdin: bool,

    /// As JSON: the user as the API shows them.
    #[arg(long)]
    json: bool,
}

impl CreateArguments {
    fn account(&self) -> Result<NewAccount, String> {
        let grants = Grants::new(self.role.iter().cloned().collect(), self.permission.iter().cloned().collect());
        Ok(NewAccount {
            email_verified: self.email_verified,
            username: self.username.clone(),
            name: self.name.clone(),
            locale: self.locale.clone(),
            grants: grants.map_err(|e| e.to_string())?,
            password: self.password_stdin.then(read_password).transpose()?,
            invite: self.invite,
            ..NewAccount::of(self.email.clone())
        })
    }
}

fn read_password() -> Result<NewPassword, String> {
    let unreadable = |e| format!("the password cannot be read: {e}");
    let line = if io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password("Password: ").map_err(unreadable)?)
    } else {
        let mut line = Zeroizing::new(String::new());
        io::stdin().read_line(&mut line).map_err(unreadable)?;
        line
    };
    let line = line.trim_end_matches(['\r', '\n']);
    NewPassword::parse(line).map_err(|e| format!("the password {e}"))
}

/// Makes it, and says who it is.
pub(super) async fn create(accounts: &Arc<Accounts>, arguments: &CreateArguments) -> ExitCode {
    let account = match arguments.account() {
        Ok(account) => account,
        Err(e) => return fail(&e),
    };
    match accounts.create_user(Authority::operator(), account).await {
        Ok(user) => super::say_of(&user, accounts.now(), &user.grants.to_string(), arguments.json),
        Err(e) => fail(&e.to_string()),
    }
}
