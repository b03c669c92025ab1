//! Variables that are named as settings are, and are none.

use clap::{Arg, Args, Command};

use super::Config;

/// What is wrong with one.
pub(crate) const NO_SETTING: &str = "no setting has this name; `latchkey --help` shows them all";

/// Warns of each in the log: one that is misspelt does nothing.
pub(crate) fn warn_of_unknown_variables() {
    for variable in unknown_variables() {
        tracing::warn!(variable, "{NO_SETTING}");
    }
}

/// Their names.
#[expect(clippy::disallowed_methods, reason = "it is about the environment, and takes nothing from it")]
pub(crate) fn unknown_variables() -> Vec<String> {
    let settings = Config::augment_args(Command::new("latchkey"));
    let known = settings.get_arguments().filter_map(Arg::get_env).collect::<Vec<_>>();
    let all = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let unknown = all.filter(|(name, value)| {
        name.starts_with("LATCHKEY_")
            && !known.contains(&name.as_ref())
            && !is_of_kubernetes(name, &value.to_string_lossy())
    });
    unknown.map(|(name, _)| name).collect()
}

/// Whether Kubernetes tells by it where a service is that has the name `latchkey`, or one that begins so.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || (name.ends_with("_PORT") && value.contains("://"))
}
