//! TLS 1.2 and 1.3 on the connections: which certificate is shown, and how it is replaced while connections are open.

mod files;
mod self_signed;
mod to_self;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use self::files::Files;
pub use self::to_self::tls_to_self;

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A chain of certificates and the private key of its first, each in a file of PEM.
    Files {
        /// The chain, the service's own certificate first.
        chain: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// A certificate that is made now and that nobody trusts, for development.
    SelfSigned,
}

/// Why there is no TLS, for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// TLS for a server.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    files: Option<Files>,
}

/// The certificate that new connections are shown.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// TLS with this identity, for a server at `address`.
    ///
    /// # Errors
    /// [`TlsError`] when a file cannot be read or is not what it should be, or when the key is not that of the certificate.
    pub fn new(identity: &Identity, address: SocketAddr) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (key, files) = match identity {
            Identity::Files { chain, key } => {
                let (key, files) = Files::open(chain, key, &provider)?;
                (key, Some(files))
            }
            Identity::SelfSigned => (self_signed::make(address, &provider)?, None),
        };
        let shown = Arc::new(Shown(RwLock::new(Arc::new(key))));
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|e| TlsError(e.to_string()))?.with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), shown, files })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Shows what is in the files whenever they change, until it is aborted.
    pub(super) async fn keep(self) {
        let Some(mut files) = self.files else { return };
        let provider = Arc::clone(self.config.crypto_provider());
        loop {
            let key = files.changed(&provider).await;
            *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
            tracing::info!("the certificate of LATCHKEY_TLS_CERT_FILE was replaced");
        }
    }
}
