//! Folders for stores that last as long as what is measured on them.

use tempfile::TempDir;

/// A folder on the disk that the project is built on: the system's own temporary folder may be in memory, where
/// fsync costs nothing.
pub(crate) fn temporary_folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}
