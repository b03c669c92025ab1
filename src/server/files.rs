//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files as far as it goes without rights, and answers it: nothing, when there is none.
#[must_use]
pub fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    // macOS refuses more than this, whatever it says.
    let most = if cfg!(target_os = "macos") {
        limit.maximum.map_or(Some(10_240), |most| Some(most.min(10_240)))
    } else {
        limit.maximum
    };
    match setrlimit(Resource::Nofile, Rlimit { current: most, maximum: limit.maximum }) {
        Ok(()) => most,
        Err(_) => limit.current,
    }
}
