//! Passwords that others have lost: whether one is among those, asked of a file and of a service.
//!
//! Both are the forms of Have I Been Pwned. The file is a sorted list of SHA-1 digests; the
//! service is told the first five digits of one, and answers with all that begin so. What cannot be asked
//! keeps nobody out: it is a warning in the log, and the password counts as not known.

mod digest;
mod hash_file;
mod options;
mod outage;
mod range_api;

use std::{io, sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tracing::{Instrument, field::Empty};

use self::{digest::PasswordDigest, hash_file::HashFile, outage::Outage, range_api::RangeApi};
pub use self::{
    hash_file::InvalidHashFile,
    options::{ApiOptions, BreachOptions, OpenError},
};
use crate::traces;

/// How long the file may take. It is read from a disk of this machine or near it.
const FILE_TIMEOUT: Duration = Duration::from_secs(1);
/// As many look-ups in it at once, so that a disk that hangs holds no more threads than that.
const FILE_SEARCHES: usize = 16;

/// Where it is looked up whether a password was lost.
#[derive(Default)]
pub struct Breaches {
    file: Option<(Arc<HashFile>, Arc<Semaphore>)>,
    file_outage: Outage,
    api: Option<RangeApi>,
    api_outage: Outage,
}

impl std::fmt::Debug for Breaches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (file, api) = (self.file.is_some(), self.api.is_some());
        f.debug_struct("Breaches").field("file", &file).field("api", &api).finish_non_exhaustive()
    }
}

impl Breaches {
    /// Opens what there is, and asks nobody yet.
    ///
    /// # Errors
    /// [`OpenError`] when the file is not what it should be, or the certificates cannot be read.
    pub fn open(options: &BreachOptions) -> Result<Self, OpenError> {
        let file = options.file.as_ref().map(|path| HashFile::open(path).map_err(|e| OpenError::File(path.clone(), e)));
        let api = options.api.as_ref().map(|api| RangeApi::new(api).map_err(|e| OpenError::Api(api.url.clone(), e)));
        let (file, api) = (file.transpose()?, api.transpose()?);
        let file = file.map(|file| (Arc::new(file), Arc::new(Semaphore::new(FILE_SEARCHES))));
        Ok(Self { file, api, ..Self::default() })
    }

    /// Whether the password is known to have been lost: the file is asked first, then the service. What cannot be asked
    /// knows nothing.
    pub async fn know(&self, password: &[u8]) -> bool {
        if self.file.is_none() && self.api.is_none() {
            return false;
        }
        let digest = PasswordDigest::of(password);
        self.in_file(&digest).await || self.in_api(&digest).await
    }

    async fn in_file(&self, digest: &PasswordDigest) -> bool {
        let Some((file, searches)) = self.file.clone() else { return false };
        let digest = digest.clone();
        let search = async {
            let permit = searches.acquire_owned().await.map_err(io::Error::other)?;
            let search = move || {
                let _permit = permit;
                file.contains(&digest)
            };
            tokio::task::spawn_blocking(search).await.map_err(io::Error::other)?
        };
        let late = || io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {FILE_TIMEOUT:?}"));
        let found = tokio::time::timeout(FILE_TIMEOUT, search).await.map_err(|_| late()).flatten();
        found.map_err(|e| e.to_string()).unwrap_or_else(|e| self.file_outage.warn("LATCHKEY_BREACH_FILE", &e))
    }

    async fn in_api(&self, digest: &PasswordDigest) -> bool {
        let Some(api) = &self.api else { return false };
        let span =
            tracing::info_span!(target: traces::TARGET, "breach lookup", otel.kind = "client", error.type = Empty);
        let known = api.knows(digest).instrument(span.clone()).await;
        if known.is_err() {
            span.record("error.type", "unavailable");
        }
        known.unwrap_or_else(|e| self.api_outage.warn("LATCHKEY_BREACH_API_URL", &e.to_string()))
    }
}
