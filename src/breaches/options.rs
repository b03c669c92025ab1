//! Where to look passwords up.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::hash_file::InvalidHashFile;

/// Where to look passwords up: in a file, with a service, with both or nowhere.
#[derive(Clone, Debug, Default)]
pub struct BreachOptions {
    /// Sorted SHA-1 digests.
    pub file: Option<PathBuf>,
    /// A service that knows them.
    pub api: Option<ApiOptions>,
}

/// A service that is asked for ranges of digests.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// What the first five digits are put behind: `https` or `http`.
    pub url: Url,
    /// How long it may take to answer, all in all.
    pub timeout: Duration,
    /// The authorities to trust for TLS (PEM), in place of those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// Why passwords cannot be looked up so.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not what it should be.
    #[error("cannot use {0} (LATCHKEY_BREACH_FILE): {1}")]
    File(PathBuf, InvalidHashFile),
    /// The service cannot be asked: the certificates of the authorities to trust cannot be read.
    #[error("cannot ask {0} (LATCHKEY_BREACH_API_URL, LATCHKEY_BREACH_API_CA_FILE): {1}")]
    Api(Url, String),
}
