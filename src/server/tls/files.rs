//! A certificate and its key in files, which somebody renews.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::TlsError;

/// How often the files are looked at. What is in them is taken when it was the same twice.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The two files, and what was in them.
#[derive(Clone, Debug)]
pub(super) struct Files {
    chain: PathBuf,
    key: PathBuf,
    known: [u8; 32],
}

/// What is in the files at one time.
struct Content {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Files {
    /// The files, with what is in them now.
    pub(super) fn open(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<(CertifiedKey, Self), TlsError> {
        let mut files = Self { chain: chain.to_owned(), key: key.to_owned(), known: [0; 32] };
        let content = files.read()?;
        files.known = content.digest();
        let certified = files.certified(&content, provider)?;
        warn_of_readers(key);
        Ok((certified, files))
    }

    /// Waits for another pair that is good. One that is not is told once, and the old one stays.
    pub(super) async fn changed(&mut self, provider: &CryptoProvider) -> CertifiedKey {
        let mut seen = self.known;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let files = self.clone();
            let Ok(content) = tokio::task::spawn_blocking(move || files.read()).await else { continue };
            let digest = content.as_ref().map_or([0; 32], Content::digest);
            // A file that is being written is not what it was a second ago.
            let is_settled = std::mem::replace(&mut seen, digest) == digest;
            if digest == self.known || !is_settled {
                continue;
            }
            self.known = digest;
            match content.and_then(|content| self.certified(&content, provider)) {
                Ok(certified) => {
                    warn_of_readers(&self.key);
                    return certified;
                }
                Err(error) => tracing::warn!(%error, "the new certificate is not used, and the old one stays"),
            }
        }
    }

    fn read(&self) -> Result<Content, TlsError> {
        let key = fs::read(&self.key).map_err(|e| unreadable("LATCHKEY_TLS_KEY_FILE", &self.key, &e))?;
        let chain = fs::read(&self.chain).map_err(|e| unreadable("LATCHKEY_TLS_CERT_FILE", &self.chain, &e))?;
        Ok(Content { chain, key: Zeroizing::new(key) })
    }

    fn certified(&self, content: &Content, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let wrong = |name: &str, file: &Path, e: &dyn std::fmt::Display| {
            TlsError(format!("cannot use {} ({name}): {e}", file.display()))
        };
        let chain = CertificateDer::pem_slice_iter(&content.chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|e| wrong("LATCHKEY_TLS_CERT_FILE", &self.chain, &e))?;
        if chain.is_empty() {
            return Err(wrong("LATCHKEY_TLS_CERT_FILE", &self.chain, &"there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_slice(&content.key);
        let key = key.map_err(|e| wrong("LATCHKEY_TLS_KEY_FILE", &self.key, &e))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|e| {
            let files = format!("{} with {}", self.chain.display(), self.key.display());
            TlsError(format!("cannot use {files} (LATCHKEY_TLS_CERT_FILE, LATCHKEY_TLS_KEY_FILE): {e}"))
        })
    }
}

impl Content {
    fn digest(&self) -> [u8; 32] {
        let lengths = (self.chain.len() as u64).to_be_bytes();
        Sha256::new().chain_update(lengths).chain_update(&self.chain).chain_update(&*self.key).finalize().into()
    }
}

fn unreadable(name: &str, file: &Path, error: &io::Error) -> TlsError {
    TlsError(format!("cannot read {} ({name}): {error}", file.display()))
}

/// Warns when everybody on the machine can read the key.
fn warn_of_readers(key: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(key).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0) {
        tracing::warn!("everybody on this machine can read {} (LATCHKEY_TLS_KEY_FILE): chmod o-r", key.display());
    }
}
