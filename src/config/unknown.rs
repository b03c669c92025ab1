//! Variables that are named as settings are, and are none.

use clap::{Arg, Args, Command};

use super::Config;

/// Warns of each: one that is misspelt does nothing.
#[expect(clippy::disallowed_methods, reason = "it is about the environment, and takes nothing from it")]
pub(crate) fn warn_of_unknown_variables() {
    let settings = Config::augment_args(Command::new("latchkey"));
    let known = settings.get_arguments().filter_map(Arg::get_env).collect::<Vec<_>>();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_like_a_setting(name) && !known.contains(&name.as_ref())) {
        tracing::warn!(variable = name, "no setting has this name; `latchkey --help` shows them all");
    }
}

/// Kubernetes tells in others where a service is that has the name `latchkey`.
fn is_like_a_setting(name: &str) -> bool {
    let rest = name.strip_prefix("LATCHKEY_");
    rest.is_some_and(|rest| !rest.starts_with("SERVICE_") && rest != "PORT" && !rest.starts_with("PORT_"))
}
