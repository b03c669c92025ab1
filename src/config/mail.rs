//! Settings of mail.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{
    parse, secrets,
    smtp_url::{self, SmtpUrl},
};
use crate::mail::{Credentials, LinkTemplate, Links, MailOptions, Security, Sender, SmtpOptions, TransportOptions};

/// The folder in the data folder that letters go into without a mail server.
const OUTBOX: &str = "outbox";
/// Whom they come from then.
const NOBODY: &str = "Latchkey <accounts@localhost>";

/// How letters are written and sent.
#[derive(Clone, Debug, Args)]
pub struct MailArgs {
    /// The mail server: `smtps://[user:password@]host[:465]` for TLS, `smtp://[user:password@]host[:587]` for STARTTLS, and
    /// `smtp://host[:587]?disable_starttls=true` for plain text to a server nearby. Without it, mail is written into the
    /// folder `outbox` in `LATCHKEY_DATA_DIR`.
    #[arg(long, env = "LATCHKEY_SMTP_URL", value_name = "URL", hide_env_values = true, value_parser = smtp_url::parse)]
    smtp_url: Option<SmtpUrl>,

    /// A file with the password for the mail server, in place of the one in the URL.
    #[arg(long, env = "LATCHKEY_SMTP_PASSWORD_FILE", value_name = "FILE")]
    smtp_password_file: Option<PathBuf>,

    /// The authorities to trust for TLS to the mail server (PEM), in place of those that the system trusts.
    #[arg(long, env = "LATCHKEY_SMTP_CA_FILE", value_name = "FILE")]
    smtp_ca_file: Option<PathBuf>,

    /// How long the mail server may take for one letter, all in all: 1s to 10m.
    #[arg(long, env = "LATCHKEY_SMTP_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse::duration::<1, 600>)]
    smtp_timeout: Duration,

    /// Whom mail comes from, such as `Example <accounts@example.com>`. A mail server needs it.
    #[arg(long, env = "LATCHKEY_MAIL_FROM", value_name = "ADDRESS", value_parser = Sender::parse)]
    mail_from: Option<Sender>,

    /// What this service calls itself in mail and on its pages: 1 to 64 characters.
    #[arg(long, env = "LATCHKEY_PRODUCT_NAME", value_name = "TEXT", default_value = "Latchkey", value_parser = product)]
    product_name: String,

    /// A folder with texts of mail, in place of those that are built in: `<language>/<kind>.txt` and
    /// `<language>/<kind>.html`. It is read once, at the start.
    #[arg(long, env = "LATCHKEY_MAIL_TEMPLATES", value_name = "FOLDER", value_parser = parse::folder)]
    mail_templates: Option<PathBuf>,

    /// The page where an address is confirmed, with `{token}` in it. Without it, a page of this service.
    #[arg(long, env = "LATCHKEY_VERIFY_URL", value_name = "URL", value_parser = link)]
    verify_url: Option<LinkTemplate>,

    /// The page where a new password is set, with `{token}` in it. Without it, a page of this service.
    #[arg(long, env = "LATCHKEY_RESET_URL", value_name = "URL", value_parser = link)]
    reset_url: Option<LinkTemplate>,

    /// The page where a change of address is undone, with `{token}` in it. Without it, a page of this service.
    #[arg(long, env = "LATCHKEY_UNDO_URL", value_name = "URL", value_parser = link)]
    undo_url: Option<LinkTemplate>,
}

impl MailArgs {
    /// The folder that letters are written into, without a mail server.
    pub(crate) fn folder(&self, data_dir: &Path) -> Option<PathBuf> {
        self.smtp_url.is_none().then(|| data_dir.join(OUTBOX))
    }

    /// What settings must not say together, in a line for the operator.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(url) = &self.smtp_url else {
            let set = [
                ("LATCHKEY_SMTP_PASSWORD_FILE", self.smtp_password_file.is_some()),
                ("LATCHKEY_SMTP_CA_FILE", self.smtp_ca_file.is_some()),
            ];
            return match set.into_iter().find(|(_, is_set)| *is_set) {
                Some((name, _)) => Err(format!("{name}: it needs LATCHKEY_SMTP_URL")),
                None => Ok(()),
            };
        };
        if self.mail_from.is_none() {
            return Err(
                "LATCHKEY_MAIL_FROM: LATCHKEY_SMTP_URL needs it, such as Example <accounts@example.com>".to_owned()
            );
        }
        match (&url.user, &url.password, &self.smtp_password_file) {
            (None, _, Some(_)) => Err("LATCHKEY_SMTP_PASSWORD_FILE: it needs a user in LATCHKEY_SMTP_URL".to_owned()),
            (_, Some(_), Some(_)) => {
                Err("LATCHKEY_SMTP_PASSWORD_FILE: there is a password in LATCHKEY_SMTP_URL; set one of \
                                          them"
                    .to_owned())
            }
            (Some(_), None, None) => Err("LATCHKEY_SMTP_URL: it has a user without a password; set \
                                          LATCHKEY_SMTP_PASSWORD_FILE, or put the password into the URL"
                .to_owned()),
            _ if url.security == Security::Plain && self.smtp_ca_file.is_some() => {
                Err("LATCHKEY_SMTP_CA_FILE: it needs a LATCHKEY_SMTP_URL without disable_starttls=true".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether there is a mail server.
    #[must_use]
    pub fn has_server(&self) -> bool {
        self.smtp_url.is_some()
    }

    /// What the service calls itself.
    #[must_use]
    pub fn product(&self) -> &str {
        &self.product_name
    }

    /// How letters are written and sent, by a service that is at `own_url` and keeps its files in `data_dir`.
    ///
    /// # Errors
    /// A line for the operator, when the file of the password cannot be read, or nothing can be reached below `own_url`.
    pub fn options(&self, own_url: &str, data_dir: &Path) -> Result<MailOptions, String> {
        let transport = match &self.smtp_url {
            Some(url) => TransportOptions::Smtp(self.smtp(url)?),
            None => TransportOptions::Folder(data_dir.join(OUTBOX)),
        };
        let from = self.mail_from.clone().map_or_else(|| Sender::parse(NOBODY), Ok).map_err(|e| e.to_string())?;
        let own = |set: &Option<LinkTemplate>, page: &str| match set {
            Some(link) => Ok(link.clone()),
            None => link(&format!("{own_url}/account/{page}?token={{token}}")).map_err(|e| format!("{own_url}: {e}")),
        };
        let links = Links {
            verify: own(&self.verify_url, "verify")?,
            reset: own(&self.reset_url, "reset")?,
            undo: own(&self.undo_url, "undo")?,
        };
        let product = self.product_name.clone();
        Ok(MailOptions { transport, from, product, templates: self.mail_templates.clone(), links })
    }

    /// What is likely to be wrong for a service that is at `own_url`, in a line for the operator.
    #[must_use]
    pub fn warning(&self, own_url: &str) -> Option<String> {
        let leads_here = [&self.verify_url, &self.reset_url, &self.undo_url].into_iter().any(Option::is_none);
        let is_lost = self.smtp_url.is_some() && leads_here && leads_nowhere(own_url);
        is_lost.then(|| format!("LATCHKEY_ISSUER: links in mail lead to {own_url}, where nobody finds this service"))
    }

    fn smtp(&self, url: &SmtpUrl) -> Result<SmtpOptions, String> {
        let from_file = |file: &PathBuf| {
            let line = |line: &str| Ok::<_, &str>(Zeroizing::new(line.to_owned()));
            let passwords = secrets::read("LATCHKEY_SMTP_PASSWORD_FILE", file, line)?;
            <[_; 1]>::try_from(passwords).map(|[password]| password).map_err(|_| {
                format!("LATCHKEY_SMTP_PASSWORD_FILE: {}: there must be one line in it, the password", file.display())
            })
        };
        let password = self.smtp_password_file.as_ref().map(from_file).transpose()?.or_else(|| url.password.clone());
        Ok(SmtpOptions {
            host: url.host.clone(),
            port: url.port,
            security: url.security,
            credentials: url.user.clone().zip(password).map(|(user, password)| Credentials { user, password }),
            ca_file: self.smtp_ca_file.clone(),
            timeout: self.smtp_timeout,
        })
    }
}

fn link(text: &str) -> Result<LinkTemplate, String> {
    text.parse::<LinkTemplate>().map_err(|e| e.to_string())
}

fn product(text: &str) -> Result<String, &'static str> {
    let is_plain = (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control);
    if is_plain && text.trim() == text {
        Ok(text.to_owned())
    } else {
        Err("1 to 64 characters are needed, without control characters and without space around them")
    }
}

fn leads_nowhere(url: &str) -> bool {
    match Url::parse(url).as_ref().map(Url::host) {
        Ok(Some(Host::Ipv4(address))) => address.is_loopback() || address.is_unspecified(),
        Ok(Some(Host::Ipv6(address))) => address.is_loopback() || address.is_unspecified(),
        Ok(Some(Host::Domain(name))) => name.eq_ignore_ascii_case("localhost"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Mail {
        #[command(flatten)]
        args: MailArgs,
    }

    fn args(arguments: &[&str]) -> MailArgs {
        <Mail as clap::Parser>::try_parse_from([&["mail"], arguments].concat()).unwrap().args
    }

    #[test]
    fn links_lead_to_this_service_unless_told_otherwise() {
        let args = args(&["--reset-url", "https://b.example/#reset={token}"]);
        let options = args.options("https://a.example/auth", Path::new("data")).unwrap();
        let links = format!("{:?}", options.links);
        for link in [
            "https://a.example/auth/account/verify?token={token}",
            "https://b.example/#reset={token}",
            "https://a.example/auth/account/undo?token={token}",
        ] {
            assert!(links.contains(link), "{links}");
        }
        assert_eq!(args.warning("http://127.0.0.1:9443"), None);
        assert!(matches!(options.transport, TransportOptions::Folder(folder) if folder == Path::new("data/outbox")));
    }

    #[test]
    fn settings_that_need_each_other_say_so() {
        let from = ["--mail-from", "a@a.example"];
        let url = |url| ["--smtp-url", url];
        let (ca, password) = (["--smtp-ca-file", "ca.pem"], ["--smtp-password-file", "password"]);
        let plain = url("smtp://localhost?disable_starttls=true");
        for (arguments, name) in [
            (ca.to_vec(), "LATCHKEY_SMTP_CA_FILE: "),
            (password.to_vec(), "LATCHKEY_SMTP_PASSWORD_FILE: "),
            (url("smtps://a.example").to_vec(), "LATCHKEY_MAIL_FROM: "),
            ([url("smtps://me@a.example"), from].concat(), "LATCHKEY_SMTP_URL: "),
            ([url("smtps://a.example"), from, password].concat(), "LATCHKEY_SMTP_PASSWORD_FILE: "),
            ([url("smtps://me:secret@a.example"), from, password].concat(), "LATCHKEY_SMTP_PASSWORD_FILE: "),
            ([plain, from, ca].concat(), "LATCHKEY_SMTP_CA_FILE: "),
        ] {
            let line = args(&arguments).check().unwrap_err();
            assert!(line.starts_with(name) && !line.contains("secret") && !line.contains('\n'), "{line}");
        }
        for good in [vec![], [plain, from].concat(), [url("smtps://me@a.example"), from, password].concat()] {
            args(&good).check().unwrap();
        }
    }

    #[test]
    fn the_password_is_one_line_of_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let url = ["--smtp-url", "smtps://me@a.example", "--mail-from", "a@a.example", "--smtp-password-file", path];
        let options = || args(&url).options("https://a.example", Path::new("data"));
        std::fs::write(path, "hunter2 and more\n").unwrap();
        let TransportOptions::Smtp(smtp) = options().unwrap().transport else { panic!("a folder") };
        assert_eq!(smtp.credentials.as_ref().unwrap().password.as_str(), "hunter2 and more");
        assert!(!format!("{smtp:?}").contains("hunter2"), "{smtp:?}");
        for (own_url, is_lost) in
            [("http://127.0.0.1:9443", true), ("http://[::1]", true), ("https://a.example", false)]
        {
            assert_eq!(args(&url).warning(own_url).is_some(), is_lost, "{own_url}");
        }
        for wrong in ["", "hunter2\nhunter2\n"] {
            std::fs::write(path, wrong).unwrap();
            let line = options().unwrap_err();
            assert!(line.starts_with("LATCHKEY_SMTP_PASSWORD_FILE: ") && !line.contains("hunter2"), "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_product_is_one_short_line(text in "\\PC{0,70}|[\r\n\\PC]{0,4}") {
            if let Ok(product) = product(&text) {
                prop_assert!(!product.is_empty() && product.chars().count() <= 64 && product.lines().count() == 1);
            }
        }
    }
}
