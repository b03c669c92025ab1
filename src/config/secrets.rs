//! Files of secrets, one a line. Their owner and their group may read them: Kubernetes gives a pod its secrets by the group.

use std::{fmt::Display, fs, os::unix::fs::PermissionsExt, path::Path};

use zeroize::Zeroizing;

/// Reads the secrets of a file, of which there must be one.
///
/// # Errors
/// A line for the operator that names the setting and the file, when it cannot be read or has another form.
pub(super) fn read<T, E: Display>(
    setting: &str,
    file: &Path,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, String> {
    let secrets = read_quietly(setting, file, parse)?;
    warn_if_open(setting, file);
    Ok(secrets)
}

/// Tells in the log when others may read the file, or write it.
pub(super) fn warn_if_open(setting: &str, file: &Path) {
    if fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o027 != 0) {
        let file = file.display();
        tracing::warn!(
            "{setting}: {file}: others than its owner and its group can read it, or write it; `chmod 600` mends that"
        );
    }
}

/// Reads the secrets before there is a log.
///
/// # Errors
/// As [`read`].
pub(super) fn read_quietly<T, E: Display>(
    setting: &str,
    file: &Path,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, String> {
    let wrong = |why: &dyn Display| format!("{setting}: {}: {why}", file.display());
    let text = Zeroizing::new(fs::read_to_string(file).map_err(|e| wrong(&e))?);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let secrets =
        lines.map(|(number, line)| parse(line.trim()).map_err(|e| wrong(&format!("line {}: {e}", number + 1))));
    let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
    if secrets.is_empty() {
        return Err(wrong(&"there is no secret in it"));
    }
    Ok(secrets)
}
