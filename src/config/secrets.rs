//! Files of secrets, one a line.

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
    let wrong = |why: &dyn Display| format!("{setting}: {}: {why}", file.display());
    let text = Zeroizing::new(fs::read_to_string(file).map_err(|e| wrong(&e))?);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let secrets =
        lines.map(|(number, line)| parse(line.trim()).map_err(|e| wrong(&format!("line {}: {e}", number + 1))));
    let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
    if secrets.is_empty() {
        return Err(wrong(&"there is no secret in it"));
    }
    let mode = fs::metadata(file).map_err(|e| wrong(&e))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!("{}", wrong(&"others than its owner can read it; `chmod 600` mends that"));
    }
    Ok(secrets)
}
