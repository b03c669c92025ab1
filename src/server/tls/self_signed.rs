//! A certificate for development, which is made at the start and forgotten at the end.

use std::net::SocketAddr;

use rcgen::{CertificateParams, KeyPair};
use rustls::{crypto::CryptoProvider, pki_types::PrivatePkcs8KeyDer, sign::CertifiedKey};

use super::TlsError;

/// A certificate for this machine's own names and for `address`.
pub(super) fn make(address: SocketAddr, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let cannot =
        |e: &dyn std::fmt::Display| TlsError(format!("cannot make a certificate (LATCHKEY_TLS_SELF_SIGNED): {e}"));
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let own = address.ip().to_string();
    if !names.contains(&own) {
        names.push(own);
    }
    let key = KeyPair::generate().map_err(|e| cannot(&e))?;
    let certificate =
        CertificateParams::new(names).and_then(|params| params.self_signed(&key)).map_err(|e| cannot(&e))?;
    let der = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    CertifiedKey::from_der(vec![certificate.into()], der, provider).map_err(|e| cannot(&e))
}
